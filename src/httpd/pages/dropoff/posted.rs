//! The form of a drop-off as it comes back: words first, then files, which go to the disk as they arrive.

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::base::id::PackageId;
use crate::dropoff::{DepositFault, Draft, Dropoff};
use crate::httpd::form::{Origin, is_token_of, unread};
use crate::httpd::multipart::Multipart;
use crate::httpd::page::Pages;
use crate::httpd::pages::dropoff::names::{Faults, Typed};
use crate::httpd::permit::Guest;
use crate::httpd::router::Parts;

/// Octets of all words together: the longest message that can be allowed, and room for the others.
const WORDS_MAX: usize = 512 * 1024;
/// Fields of one form: people, words and files.
const FIELDS_MAX: usize = 2000;

/// A form of a guest's that comes back. Nothing of it was read yet but who sends it.
pub struct Posted {
    by: Guest,
    form: Multipart,
}

/// What a form has brought.
pub struct Told {
    /// Who.
    pub guest: Guest,
    /// The words.
    pub typed: Typed,
    /// Where they were kept, if they could be.
    pub package: Option<PackageId>,
    /// What was not taken.
    pub faults: Faults,
}

impl FromRequest<Parts> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, parts: &Parts) -> Result<Self, Response> {
        let (mut head, body) = request.into_parts();
        if Origin::from_ref(parts).is_foreign(&head.headers) {
            return Err(StatusCode::FORBIDDEN.into_response());
        }
        let by = Guest::from_request_parts(&mut head, parts).await?;
        let idle = Dropoff::from_ref(parts).limits().idle;
        let form = Multipart::new(&head.headers, body, idle)
            .map_err(|_| StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response())?;
        Ok(Self { by, form })
    }
}

impl Posted {
    /// Reads all of it: keeps the words, in the drop-off `id` or in a new one, and then each file. The form must have our
    /// hidden field, before its first file. After the first that is not taken, files are passed over.
    ///
    /// # Errors
    /// The page for a form that is not ours or cannot be read.
    pub async fn read(
        mut self,
        pages: &Pages,
        flow: &Dropoff,
        id: Option<PackageId>,
    ) -> Result<Told, Response> {
        let mut typed = Typed::default();
        let mut token = String::new();
        let mut kept: Option<Result<PackageId, Faults>> = None;
        let mut room = WORDS_MAX;
        for _ in 0..FIELDS_MAX {
            let Some(part) = self.form.next().await.map_err(|fault| unread(&fault))? else {
                let package = match kept {
                    Some(kept) => kept,
                    None => keep(pages, flow, &self.by, id, &typed, &token).await?,
                };
                let (package, faults) = match package {
                    Ok(package) => (Some(package), Faults::default()),
                    Err(faults) => (faults.package, faults),
                };
                return Ok(Told { guest: self.by, typed, package, faults });
            };
            match part.filename {
                None => {
                    let text = self.form.text(room).await.map_err(|fault| unread(&fault))?;
                    room = room.saturating_sub(text.len());
                    match part.name.as_str() {
                        "form" => token = text,
                        name => typed.set(name, text),
                    }
                }
                // No file was chosen.
                Some(name) if name.is_empty() => {}
                Some(name) => {
                    let package = match kept.take() {
                        Some(kept) => kept,
                        None => keep(pages, flow, &self.by, id, &typed, &token).await?,
                    };
                    kept = Some(match package {
                        Ok(package) => self.take(pages, flow, package, &name).await?,
                        Err(faults) => Err(faults),
                    });
                }
            }
        }
        Err(StatusCode::PAYLOAD_TOO_LARGE.into_response())
    }

    async fn take(
        &mut self,
        pages: &Pages,
        flow: &Dropoff,
        package: PackageId,
        name: &str,
    ) -> Result<Result<PackageId, Faults>, Response> {
        match flow.take(&self.by.account, package, name, self.form.octets()).await {
            Ok(_) => Ok(Ok(package)),
            Err(DepositFault::Interrupted { .. }) => Err(StatusCode::REQUEST_TIMEOUT.into_response()),
            Err(fault) => match Faults::of(pages, &fault) {
                Some(faults) => Ok(Err(faults.about(package, name))),
                None => Err(super::refused(&fault)),
            },
        }
    }
}

/// Keeps the words, if the form is ours.
async fn keep(
    pages: &Pages,
    flow: &Dropoff,
    by: &Guest,
    id: Option<PackageId>,
    typed: &Typed,
    token: &str,
) -> Result<Result<PackageId, Faults>, Response> {
    if !is_token_of(by, token) {
        return Err(StatusCode::FORBIDDEN.into_response());
    }
    let to = match typed.recipients(pages) {
        Ok(to) => to,
        Err(faults) => return Ok(Err(faults)),
    };
    let draft = Draft { to, subject: typed.subject.clone(), message: typed.message.clone() };
    let kept = match id {
        None => flow.begin(&by.account, &draft).await,
        Some(id) => flow.revise(&by.account, id, &draft).await,
    };
    match kept {
        Ok(package) => Ok(Ok(package.id)),
        Err(fault) => Faults::of(pages, &fault).map(Err).ok_or_else(|| super::refused(&fault)),
    }
}
