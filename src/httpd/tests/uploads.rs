//! Resumable uploads, spoken as any tus client does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;

use super::portal::{ANA, two};
use super::*;
use crate::dropoff::{self, Dropoff};
use crate::packages::Packages;
use crate::store::blobs::Blobs;

/// Where guests leave files and staff collect them.
pub(super) fn dropoff(
    settings: &Settings,
    store: &Store,
    invites: &Invites,
    notices: &Notices,
    queue: &Queue,
    clock: &Arc<dyn Clock>,
) -> Dropoff {
    let parts = dropoff::Parts {
        store: store.clone(),
        accounts: Accounts::new(store.clone()),
        packages: Packages::new(store.clone()),
        blobs: Blobs::open(&settings.storage, 0).unwrap(),
        invites: invites.clone(),
        notices: notices.clone(),
        queue: queue.clone(),
        clock: Arc::clone(clock),
        lifecycle: Lifecycle::new(),
    };
    let rules = dropoff::Rules::new(&settings.dropoff, &settings.organisation, &settings.limits);
    Dropoff::open(parts, rules).unwrap()
}

/// A request of tus, with its version.
fn tus(method: Method, path: &str) -> http::request::Builder {
    request(method, path).header("Tus-Resumable", "1.0.0")
}

fn chunk(path: &str, offset: u64) -> http::request::Builder {
    tus(Method::PATCH, path)
        .header("Upload-Offset", offset)
        .header(CONTENT_TYPE, "application/offset+octet-stream")
}

impl Browser {
    /// Opens a drop-off for Ana; gives its identifier.
    async fn begin(&mut self) -> String {
        let form = self.get("/dropoff").await.form();
        let words: &[(&str, Option<&str>, &[u8])] =
            &[("form", None, form.as_bytes()), ("to", None, ANA.as_bytes()), ("subject", None, b"Plans")];
        let begun = self.post_files("/dropoff/begin", words).await;
        let begun: serde_json::Value = serde_json::from_str(&begun.text).unwrap();
        begun["id"].as_str().unwrap().to_owned()
    }

    async fn create(&mut self, dropoff: &str, name: &str, length: u64) -> Page {
        let metadata = metadata(dropoff, name);
        let request =
            tus(Method::POST, "/files").header("Upload-Length", length).header("Upload-Metadata", metadata);
        self.send(request, Body::empty()).await
    }

    /// Sends the drop-off as the form does when all is there.
    async fn hand_over(&mut self, dropoff: &str) -> Page {
        let form = self.get("/dropoff").await.form();
        let words: &[(&str, Option<&str>, &[u8])] =
            &[("form", None, form.as_bytes()), ("to", None, ANA.as_bytes()), ("subject", None, b"Plans")];
        self.post_files(&format!("/dropoff/{dropoff}"), words).await
    }
}

fn metadata(dropoff: &str, name: &str) -> String {
    format!("filename {},dropoff {}", STANDARD.encode(name), STANDARD.encode(dropoff))
}

#[tokio::test]
async fn an_upload_that_broke_off_goes_on_where_it_stands() {
    let (_house, mut kim, mut ana) = two().await;
    let dropoff = kim.begin().await;
    let created = kim.create(&dropoff, "plan.pdf", 10).await;
    assert_eq!((created.status, created.header("Tus-Resumable")), (StatusCode::CREATED, "1.0.0"));
    assert!(created.header("Upload-Expires").ends_with(" GMT"));
    let place = created.header(LOCATION).to_owned();
    assert!(place.starts_with("/files/"), "{place}");

    // Four octets, and then the connection is gone.
    let pieces = [Ok(Bytes::from_static(b"0123")), Err(std::io::Error::other("gone"))];
    let cut = kim.send(chunk(&place, 0), Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(cut.status, StatusCode::REQUEST_TIMEOUT);
    let head = kim.send(tus(Method::HEAD, &place), Body::empty()).await;
    assert_eq!(
        (head.status, head.header("Upload-Offset"), head.header("Upload-Length")),
        (StatusCode::OK, "4", "10")
    );
    assert_eq!(head.header("Cache-Control"), "no-store");
    assert!(head.header("Upload-Metadata").contains(&STANDARD.encode("plan.pdf")));

    let wrong = kim.send(chunk(&place, 3), Body::from("3456789")).await;
    assert_eq!((wrong.status, wrong.header("Upload-Offset")), (StatusCode::CONFLICT, "4"));
    kim.hand_over(&dropoff).await.says(StatusCode::UNPROCESSABLE_ENTITY, "has not arrived whole yet");
    let rest = kim.send(chunk(&place, 4), Body::from("456789")).await;
    assert_eq!((rest.status, rest.header("Upload-Offset")), (StatusCode::NO_CONTENT, "10"));
    assert_eq!(rest.header("Upload-Expires"), "");

    kim.hand_over(&dropoff).await.leads_to("/dropoff/sent?sent");
    ana.get(&format!("/received/{dropoff}/files/0")).await.says(StatusCode::OK, "0123456789");
    let late = kim.send(chunk(&place, 10), Body::empty()).await;
    assert_eq!(late.status, StatusCode::GONE);
}

#[tokio::test]
async fn what_the_server_can_do_is_said_to_everybody_and_nothing_else_is() {
    let house = House::new();
    let said = house.browser().send(request(Method::OPTIONS, "/files"), Body::empty()).await;
    assert_eq!((said.status, said.header("Tus-Version")), (StatusCode::NO_CONTENT, "1.0.0"));
    assert_eq!(said.header("Tus-Max-Size"), (2_u64 << 30).to_string());
    assert!(said.header("Tus-Extension").contains("creation-with-upload"));
    // A script of another origin gets no leave to set our header (Fetch §3.2.3).
    assert_eq!(said.header("Access-Control-Allow-Origin"), "");
    let nobody = house.browser().send(tus(Method::POST, "/files"), Body::empty()).await;
    assert_eq!((nobody.status, nobody.text.as_str()), (StatusCode::UNAUTHORIZED, "Please sign in.\n"));
}

#[tokio::test]
async fn an_upload_without_its_header_or_from_elsewhere_is_refused() {
    let (_house, mut kim, mut ana) = two().await;
    let dropoff = kim.begin().await;
    let place = kim.create(&dropoff, "plan.pdf", 10).await.header(LOCATION).to_owned();
    for method in [Method::POST, Method::PATCH, Method::DELETE, Method::HEAD] {
        let path = if method == Method::POST { "/files" } else { &place };
        let plain = kim.send(request(method.clone(), path), Body::empty()).await;
        assert_eq!(
            (plain.status, plain.header("Tus-Version")),
            (StatusCode::PRECONDITION_FAILED, "1.0.0"),
            "{method}"
        );
        let foreign = tus(method.clone(), path).header("sec-fetch-site", "cross-site");
        assert_eq!(kim.send(foreign, Body::empty()).await.status, StatusCode::FORBIDDEN, "{method}");
        let staff = ana.send(tus(method.clone(), path), Body::empty()).await;
        assert_eq!(staff.status, StatusCode::FORBIDDEN, "{method}");
    }
    let head = kim.send(tus(Method::HEAD, &place), Body::empty()).await;
    assert_eq!(head.header("Upload-Offset"), "0");
}

#[tokio::test]
async fn another_guest_s_upload_is_not_there() {
    let (house, mut kim, _ana) = two().await;
    house.account(Kind::Guest, "lee@partner.example").await;
    let mut lee = house.signed_in("lee@partner.example").await;
    let dropoff = kim.begin().await;
    let place = kim.create(&dropoff, "plan.pdf", 10).await.header(LOCATION).to_owned();
    assert_eq!(lee.create(&dropoff, "x.pdf", 1).await.status, StatusCode::NOT_FOUND);
    for request in [tus(Method::HEAD, &place), chunk(&place, 0), tus(Method::DELETE, &place)] {
        assert_eq!(lee.send(request, Body::from("x")).await.status, StatusCode::NOT_FOUND);
    }
    for nowhere in ["/files/x", "/files/0-0", &format!("{place}9")] {
        assert_eq!(kim.send(tus(Method::HEAD, nowhere), Body::empty()).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn limits_are_said_before_the_upload_begins() {
    let (_house, mut kim, _ana) = two().await;
    let dropoff = kim.begin().await;
    let large = kim.create(&dropoff, "film.mov", (2 << 30) + 1).await;
    large.says(StatusCode::PAYLOAD_TOO_LARGE, "A file may have at most 2 GiB.");
    for (name, value) in [("Upload-Length", "-1"), ("Upload-Length", "x"), ("Upload-Defer-Length", "2")] {
        let request = tus(Method::POST, "/files")
            .header(name, value)
            .header("Upload-Metadata", metadata(&dropoff, "a"));
        assert_eq!(kim.send(request, Body::empty()).await.status, StatusCode::BAD_REQUEST, "{name}: {value}");
    }
    let unnamed = tus(Method::POST, "/files").header("Upload-Length", 1);
    kim.send(unnamed, Body::empty()).await.says(StatusCode::BAD_REQUEST, "Upload-Metadata");

    let place = kim.create(&dropoff, "plan.pdf", 3).await.header(LOCATION).to_owned();
    let more = kim.send(chunk(&place, 0), Body::from("0123")).await;
    assert_eq!(more.status, StatusCode::BAD_REQUEST);
    let kind = tus(Method::PATCH, &place).header("Upload-Offset", 0);
    assert_eq!(kim.send(kind, Body::from("012")).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_chunk_that_is_not_what_its_checksum_says_is_as_if_it_never_came() {
    let (_house, mut kim, _ana) = two().await;
    let dropoff = kim.begin().await;
    let place = kim.create(&dropoff, "plan.pdf", 10).await.header(LOCATION).to_owned();
    // printf 01234 | openssl dgst -sha1 -binary | base64
    let sha1 = "sha1 EZBKTot39iQuLSiHBQI62tAKkxA=";
    let wrong = chunk(&place, 0).header("Upload-Checksum", sha1);
    assert_eq!(kim.send(wrong, Body::from("01235")).await.status.as_u16(), 460);
    let unknown = chunk(&place, 0).header("Upload-Checksum", "md5 AAAA");
    assert_eq!(kim.send(unknown, Body::from("01234")).await.status, StatusCode::BAD_REQUEST);
    let head = kim.send(tus(Method::HEAD, &place), Body::empty()).await;
    assert_eq!(head.header("Upload-Offset"), "0");
    let right = chunk(&place, 0).header("Upload-Checksum", sha1);
    let right = kim.send(right, Body::from("01234")).await;
    assert_eq!((right.status, right.header("Upload-Offset")), (StatusCode::NO_CONTENT, "5"));
    let large = chunk(&place, 5).header("Upload-Checksum", sha1);
    let large = kim.send(large, Body::from(vec![0; (4 << 20) + 1])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_chunk_that_would_not_be_taken_is_not_read_for_its_checksum() {
    let (_house, mut kim, _ana) = two().await;
    let dropoff = kim.begin().await;
    let place = kim.create(&dropoff, "plan.pdf", 10).await.header(LOCATION).to_owned();
    let endless = || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let sha1 = "sha1 EZBKTot39iQuLSiHBQI62tAKkxA=";
    let ahead = kim.send(chunk(&place, 3).header("Upload-Checksum", sha1), endless()).await;
    assert_eq!((ahead.status, ahead.header("Upload-Offset")), (StatusCode::CONFLICT, "0"));
    let nowhere = place.replace("-0", "-1");
    let nowhere = kim.send(chunk(&nowhere, 0).header("Upload-Checksum", sha1), endless()).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn creation_with_upload_deferred_length_override_and_termination() {
    let (_house, mut kim, _ana) = two().await;
    let dropoff = kim.begin().await;
    let with_upload = tus(Method::POST, "/files")
        .header("Upload-Length", 5)
        .header("Upload-Metadata", metadata(&dropoff, "one.txt"))
        .header(CONTENT_TYPE, "application/offset+octet-stream");
    let created = kim.send(with_upload, Body::from("12345")).await;
    assert_eq!((created.status, created.header("Upload-Offset")), (StatusCode::CREATED, "5"));

    let deferred = tus(Method::POST, "/files")
        .header("Upload-Defer-Length", "1")
        .header("Upload-Metadata", metadata(&dropoff, "two.txt"));
    let place = kim.send(deferred, Body::empty()).await.header(LOCATION).to_owned();
    kim.send(chunk(&place, 0), Body::from("12")).await;
    let head = kim.send(tus(Method::HEAD, &place), Body::empty()).await;
    assert_eq!((head.header("Upload-Offset"), head.header("Upload-Defer-Length")), ("2", "1"));
    let last = tus(Method::POST, &place)
        .header("X-HTTP-Method-Override", "PATCH")
        .header("Upload-Offset", 2)
        .header("Upload-Length", 3)
        .header(CONTENT_TYPE, "application/offset+octet-stream");
    let last = kim.send(last, Body::from("3")).await;
    assert_eq!((last.status, last.header("Upload-Offset")), (StatusCode::NO_CONTENT, "3"));

    assert_eq!(kim.send(tus(Method::DELETE, &place), Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(kim.send(tus(Method::HEAD, &place), Body::empty()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        kim.send(tus(Method::PUT, &place), Body::empty()).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
