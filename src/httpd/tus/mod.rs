//! Resumable uploads: tus 1.0 (tus.io/protocols/resumable-upload), the core with creation, creation-with-upload,
//! creation-defer-length, expiration, checksum and termination.
//!
//! ```text
//! POST   /files       begins a file of a drop-off that the guest has open (Upload-Metadata: dropoff, filename)
//! HEAD   /files/FILE  says where it stands
//! PATCH  /files/FILE  goes on from there
//! DELETE /files/FILE  takes it back
//! ```
//! A browser sends its cookies along whoever makes it ask, so each request must carry `Tus-Resumable`. No form can set
//! that, and a script of another origin has to ask us first (Fetch §3.2.2), which nothing here allows; what says that it
//! comes from elsewhere is refused besides.
//!
//! The octets go to [`Dropoff::append`], which keeps what arrives whatever becomes of the connection. An upload is bound
//! by how long it brings nothing (`dropoff.idle`), not by how long it takes.

mod benches;
pub mod headers;

use std::io;
use std::sync::Arc;

use aws_lc_rs::digest::digest;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, FromRef, FromRequestParts, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, options};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::request::Parts as Head;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::dropoff::{DepositFault, Dropoff};
use crate::httpd::form::Origin;
use crate::httpd::page::{Pages, words};
use crate::httpd::permit::Guest;
use crate::httpd::router::Parts;
use crate::httpd::tus::benches::Benches;
use crate::httpd::tus::headers::{Checksum, Metadata, file_of, number};
use crate::packages::{Content, File, FileRef};

pub(super) use self::headers::path_of;

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: HeaderValue = HeaderValue::from_static(
    "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination",
);
const ALGORITHMS: HeaderValue = HeaderValue::from_static("sha1,sha256");
const CHUNK: &[u8] = b"application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Octets of a chunk that comes with a checksum: it is held until that is known to be right.
const CHECKED_OCTETS_MAX: usize = 4 << 20;
/// "460 Checksum Mismatch" (tus 1.0, "Checksum").
const CHECKSUM_MISMATCH: u16 = 460;

/// A guest whose program speaks tus with us, from a page of ours or from none.
struct Uploader {
    guest: Guest,
    /// Our script shows the guest what is said to it.
    pages: Pages,
}

/// `/files` and `/files/FILE`.
pub fn routes() -> Router<Parts> {
    Router::new()
        .route("/files", options(describe).post(create))
        .route("/files/{file}", any(resume).options(describe))
        .layer(Extension(Arc::new(Benches::default())))
}

/// What this server can do; changes nothing and says nothing of anybody.
async fn describe(State(flow): State<Dropoff>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, VERSION);
    headers.insert(TUS_VERSION, VERSION);
    headers.insert(TUS_EXTENSION, EXTENSIONS);
    headers.insert(TUS_MAX_SIZE, flow.limits().file_octets.into());
    headers.insert(TUS_CHECKSUM_ALGORITHM, ALGORITHMS);
    response
}

async fn create(
    State(flow): State<Dropoff>,
    Extension(benches): Extension<Arc<Benches>>,
    by: Uploader,
    request: Request,
) -> Response {
    let headers = request.headers();
    let length = match (number(headers, &UPLOAD_LENGTH), headers.get(&UPLOAD_DEFER_LENGTH)) {
        (Some(length), None) => Some(length),
        (None, Some(deferred)) if deferred == "1" && !headers.contains_key(&UPLOAD_LENGTH) => None,
        _ => {
            return answer(
                StatusCode::BAD_REQUEST,
                "Either Upload-Length or Upload-Defer-Length: 1 is needed.\n",
            );
        }
    };
    let Some(Metadata { dropoff, filename }) = Metadata::read(headers) else {
        let needed =
            "Upload-Metadata must name the drop-off (dropoff) and the file (filename), both in base64.\n";
        return answer(StatusCode::BAD_REQUEST, needed);
    };
    let file = match flow.add(&by.guest.account, dropoff, &filename, length).await {
        Ok(file) => file,
        Err(fault) => return by.refused(&fault),
    };
    let place = path_of(file.id);
    let file = if is_chunk(headers) && file.content.is_arriving() {
        // Creation-with-upload. What is wrong with the first chunk does not undo the creation.
        append(&flow, &by, file.id, 0, &benches, request).await.unwrap_or(file)
    } else {
        file
    };
    let mut response = stands(&flow, StatusCode::CREATED, &file);
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

async fn resume(
    Path(name): Path<String>,
    State(flow): State<Dropoff>,
    Extension(benches): Extension<Arc<Benches>>,
    by: Uploader,
    request: Request,
) -> Response {
    let Some(file) = file_of(&name) else {
        return by.refused(&DepositFault::NotThere);
    };
    match headers::method(&request) {
        Method::HEAD => look(&flow, &by, file),
        Method::PATCH => go_on(&flow, &by, file, &benches, request).await,
        Method::DELETE => match flow.remove(&by.guest.account, file).await {
            Ok(()) => answer(StatusCode::NO_CONTENT, ""),
            Err(fault) => by.refused(&fault),
        },
        _ => answer(StatusCode::METHOD_NOT_ALLOWED, "An upload knows HEAD, PATCH and DELETE.\n"),
    }
}

fn look(flow: &Dropoff, by: &Uploader, file: FileRef) -> Response {
    match flow.file(&by.guest.account, file) {
        Ok(Some(file)) => {
            let mut response = stands(flow, StatusCode::OK, &file);
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            match file.length {
                Some(length) => headers.insert(UPLOAD_LENGTH, length.into()),
                None => headers.insert(UPLOAD_DEFER_LENGTH, HeaderValue::from_static("1")),
            };
            if let Ok(metadata) = HeaderValue::try_from(Metadata::written(&file)) {
                headers.insert(UPLOAD_METADATA, metadata);
            }
            response
        }
        Ok(None) => by.refused(&DepositFault::NotThere),
        Err(fault) => by.refused(&fault.into()),
    }
}

async fn go_on(
    flow: &Dropoff,
    by: &Uploader,
    file: FileRef,
    benches: &Arc<Benches>,
    request: Request,
) -> Response {
    if !is_chunk(request.headers()) {
        return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A chunk is application/offset+octet-stream.\n");
    }
    let Some(offset) = number(request.headers(), &UPLOAD_OFFSET) else {
        return answer(StatusCode::BAD_REQUEST, "Upload-Offset is needed.\n");
    };
    match append(flow, by, file, offset, benches, request).await {
        Ok(file) => stands(flow, StatusCode::NO_CONTENT, &file),
        Err(response) => response,
    }
}

/// Writes a request's body on at `offset`.
async fn append(
    flow: &Dropoff,
    by: &Uploader,
    file: FileRef,
    offset: u64,
    benches: &Arc<Benches>,
    request: Request,
) -> Result<File, Response> {
    let (head, body) = request.into_parts();
    let length = number(&head.headers, &UPLOAD_LENGTH);
    let appended = match head.headers.get(&UPLOAD_CHECKSUM) {
        None => flow.append(&by.guest.account, file, offset, length, body.into_data_stream()).await,
        Some(checksum) => {
            let Some(checksum) = Checksum::parse(checksum.as_bytes()) else {
                return Err(answer(
                    StatusCode::BAD_REQUEST,
                    "Upload-Checksum is sha1 or sha256, and base64.\n",
                ));
            };
            // Nobody holds a place with octets that would not be taken.
            flow.expects(&by.guest.account, file, offset).map_err(|fault| by.refused(&fault))?;
            let Some(_bench) = benches.sit(by.guest.account.id).await else {
                return Err(busy());
            };
            let octets = checked(&checksum, flow, body).await?;
            let octets = stream::iter([Ok::<_, io::Error>(octets)]);
            flow.append(&by.guest.account, file, offset, length, octets).await
        }
    };
    appended.map_err(|fault| by.refused(&fault))
}

/// A body that is what its checksum says.
async fn checked(checksum: &Checksum, flow: &Dropoff, body: Body) -> Result<Bytes, Response> {
    let whole = axum::body::to_bytes(body, CHECKED_OCTETS_MAX);
    let Ok(Ok(octets)) = tokio::time::timeout(flow.limits().idle, whole).await else {
        let said = format!(
            "A chunk with a checksum has at most {CHECKED_OCTETS_MAX} octets, and comes without a pause.\n"
        );
        return Err(answer(StatusCode::PAYLOAD_TOO_LARGE, said));
    };
    if digest(checksum.algorithm, &octets).as_ref() == checksum.digest {
        Ok(octets)
    } else {
        let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
        Err(answer(status, "The chunk is not what its checksum says.\n"))
    }
}

/// Where a file stands, and until when.
fn stands(flow: &Dropoff, status: StatusCode, file: &File) -> Response {
    let mut response = answer(status, "");
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, file.arrived().into());
    if let Content::Arriving { .. } = file.content
        && let Ok(ends) = HeaderValue::try_from(headers::date(flow.upload_ends(file)))
    {
        headers.insert(UPLOAD_EXPIRES, ends);
    }
    response
}

impl Uploader {
    /// A refusal as a program reads it, with its words for people.
    fn refused(&self, fault: &DepositFault) -> Response {
        let status = match fault {
            DepositFault::NotThere => StatusCode::NOT_FOUND,
            DepositFault::NoAccess => StatusCode::FORBIDDEN,
            DepositFault::Closed => StatusCode::GONE,
            DepositFault::Offset { .. } => StatusCode::CONFLICT,
            DepositFault::Busy => StatusCode::LOCKED,
            DepositFault::FileTooLarge(_) | DepositFault::GuestFull { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            DepositFault::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            DepositFault::Interrupted { .. } => StatusCode::REQUEST_TIMEOUT,
            DepositFault::Length | DepositFault::Beyond => StatusCode::BAD_REQUEST,
            DepositFault::Store(_) | DepositFault::Keep(_) => {
                tracing::error!(%fault, "an upload");
                return answer(StatusCode::SERVICE_UNAVAILABLE, "Please try again in a moment.\n");
            }
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let mut response = answer(status, format!("{}\n", self.pages.say(&fault.phrase())));
        if let DepositFault::Offset { at } | DepositFault::Interrupted { at } = fault {
            response.headers_mut().insert(UPLOAD_OFFSET, (*at).into());
        }
        response
    }
}

/// Where no place was free in time.
fn busy() -> Response {
    let said = "Too many chunks with checksums come at once. Please go on in a minute.\n";
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, said);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

fn answer(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = words(status, text.into());
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    response
}

fn is_chunk(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == CHUNK)
}

impl FromRequestParts<Parts> for Uploader {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Head, parts: &Parts) -> Result<Self, Response> {
        if head.headers.get(&TUS_RESUMABLE) != Some(&VERSION) {
            let mut response = answer(StatusCode::PRECONDITION_FAILED, "Tus-Resumable: 1.0.0 is needed.\n");
            response.headers_mut().insert(TUS_VERSION, VERSION);
            return Err(response);
        }
        if Origin::from_ref(parts).is_foreign(&head.headers) {
            return Err(answer(StatusCode::FORBIDDEN, "Only our own pages may upload.\n"));
        }
        let pages = Pages::from_request_parts(head, parts).await?;
        match Guest::from_request_parts(head, parts).await {
            Ok(guest) => Ok(Self { guest, pages }),
            // The way in is for people.
            Err(response) if response.status().is_redirection() => {
                Err(answer(StatusCode::UNAUTHORIZED, "Please sign in.\n"))
            }
            Err(response) => Err(answer(response.status(), "")),
        }
    }
}
