//! Forms with files (`multipart/form-data`, RFC 7578), read as they arrive.
//!
//! What is held is one piece of the body and one part's head, whatever is sent: what does not keep to the bounds ends
//! the reading. So does a pause. Browsers and programs write the first delimiter at the very beginning and plain heads;
//! nothing else is understood (no preamble, no transfer encodings, which RFC 7578 §4.7 deprecates).

use std::error::Error;
use std::iter::successors;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::LengthLimitError;
use memchr::memmem::Finder;
use thiserror::Error;

/// Octets of a part's head. Browsers write two lines; a file's name has at most 255 octets on most systems.
const HEAD_MAX: usize = 8 * 1024;
/// Characters of a boundary (RFC 2046 §5.1.1).
const BOUNDARY_MAX: usize = 70;
const LINE: &[u8] = b"\r\n";

/// A form that is being read, part by part.
pub struct Multipart {
    body: BodyDataStream,
    /// How long it may bring nothing.
    idle: Duration,
    /// What has come and was not given yet.
    held: BytesMut,
    /// The line break before a delimiter, and the delimiter (RFC 2046 §5.1.1).
    delimiter: Finder<'static>,
    has_begun: bool,
    is_in_part: bool,
}

/// A part's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// For a file, what it is called; empty where none was chosen.
    pub filename: Option<String>,
    /// For a file, its media type as the sender has it; often a guess by the name.
    pub media_type: Option<String>,
}

/// Why a form could not be read to its end.
#[derive(Debug, Error)]
pub enum FormFault {
    /// It is none, or not written as forms are.
    #[error("this is no form with files")]
    Form,
    /// It, or a value in it, is longer than any that we ask for.
    #[error("the form or a field of it is too long")]
    TooLong,
    /// It stopped in the middle, or nothing more came.
    #[error("the form broke off")]
    BrokeOff,
}

impl Multipart {
    /// The form in a body with these headers, which may be silent for `idle`.
    ///
    /// # Errors
    /// [`FormFault::Form`] where the headers do not say so.
    pub fn new(headers: &HeaderMap, body: Body, idle: Duration) -> Result<Self, FormFault> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = boundary(kind).ok_or(FormFault::Form)?;
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Ok(Self {
            body: body.into_data_stream(),
            idle,
            // As if a line had ended before the first delimiter too.
            held: BytesMut::from(LINE),
            delimiter: Finder::new(&delimiter).into_owned(),
            has_begun: false,
            is_in_part: true,
        })
    }

    /// The next part; what is left of the one before is passed over. `None` at the end of the form.
    ///
    /// # Errors
    /// [`FormFault`].
    pub async fn next(&mut self) -> Result<Option<Part>, FormFault> {
        while self.chunk().await?.is_some() {
            if !self.has_begun {
                return Err(FormFault::Form);
            }
        }
        self.has_begun = true;
        self.need(2).await?;
        if self.held.starts_with(b"--") {
            return Ok(None);
        }
        // The break of the delimiter's line is still there: an empty head is this break and the next.
        let end = loop {
            match memchr::memmem::find(&self.held, b"\r\n\r\n") {
                Some(end) => break end,
                None if self.held.len() > HEAD_MAX => return Err(FormFault::Form),
                None => self.more().await?,
            }
        };
        let head = self.held.split_to(end + 4);
        let part = head.strip_prefix(LINE).and_then(part).ok_or(FormFault::Form)?;
        self.is_in_part = true;
        Ok(Some(part))
    }

    /// The next octets of the present part; `None` at its end.
    ///
    /// # Errors
    /// [`FormFault::BrokeOff`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FormFault> {
        if !self.is_in_part {
            return Ok(None);
        }
        loop {
            match self.delimiter.find(&self.held) {
                Some(0) => {
                    self.is_in_part = false;
                    let _ = self.held.split_to(self.delimiter.needle().len());
                    return Ok(None);
                }
                Some(end) => return Ok(Some(self.held.split_to(end).freeze())),
                None => {
                    // The end may be the beginning of a delimiter.
                    let sure = self.held.len().saturating_sub(self.delimiter.needle().len() - 1);
                    if sure > 0 {
                        return Ok(Some(self.held.split_to(sure).freeze()));
                    }
                    self.more().await?;
                }
            }
        }
    }

    /// The present part's octets as they arrive.
    pub fn octets(&mut self) -> impl Stream<Item = Result<Bytes, FormFault>> + Send + '_ {
        stream::try_unfold(self, |form| async move { Ok(form.chunk().await?.map(|octets| (octets, form))) })
    }

    /// The present part's text, of at most `max` octets.
    ///
    /// # Errors
    /// [`FormFault`], also where it is not UTF-8.
    pub async fn text(&mut self, max: usize) -> Result<String, FormFault> {
        let mut text = Vec::new();
        while let Some(octets) = self.chunk().await? {
            if text.len() + octets.len() > max {
                return Err(FormFault::TooLong);
            }
            text.extend_from_slice(&octets);
        }
        String::from_utf8(text).map_err(|_| FormFault::Form)
    }

    /// Waits until so many octets are held.
    async fn need(&mut self, octets: usize) -> Result<(), FormFault> {
        while self.held.len() < octets {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), FormFault> {
        match tokio::time::timeout(self.idle, self.body.next()).await {
            Ok(Some(Ok(piece))) => {
                self.held.extend_from_slice(&piece);
                Ok(())
            }
            Ok(Some(Err(fault))) if is_over_limit(&fault) => Err(FormFault::TooLong),
            _ => Err(FormFault::BrokeOff),
        }
    }
}

/// Whether the body has more than its route allows.
fn is_over_limit(fault: &axum::Error) -> bool {
    let mut causes = successors(Some(fault as &(dyn Error + 'static)), |&cause| cause.source());
    causes.any(<dyn Error>::is::<LengthLimitError>)
}

/// The boundary that a `Content-Type` names.
fn boundary(kind: &str) -> Option<&str> {
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let (_, value) = parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let boundary = value.trim().trim_matches('"');
    (1..=BOUNDARY_MAX).contains(&boundary.len()).then_some(boundary)
}

/// A part's head: `Content-Disposition: form-data; name="to"; filename="plan.pdf"` (RFC 7578 §4.2).
fn part(head: &[u8]) -> Option<Part> {
    let head = std::str::from_utf8(head).ok()?;
    let field = |wanted: &str| {
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find_map(|(name, value)| name.trim().eq_ignore_ascii_case(wanted).then_some(value.trim()))
    };
    let parameters = field("content-disposition")?.strip_prefix("form-data")?;
    Some(Part {
        name: parameter(parameters, "name")?,
        filename: parameter(parameters, "filename"),
        media_type: field("content-type").map(str::to_owned),
    })
}

/// A quoted parameter. Browsers write a quote in it as `%22` and line breaks as `%0D%0A` (HTML §4.10.22.8), others a
/// backslash before the quote (RFC 2616's way): a quote behind a backslash is meant to end the value only where it can.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((before, behind)) = rest.split_once('=') {
        let found = before.trim_matches([';', ' ']).eq_ignore_ascii_case(name);
        let quoted = behind.strip_prefix('"')?;
        let is_end = |at: usize| {
            let follows = quoted.get(at + 1..).unwrap_or_default().trim_start();
            !quoted.get(..at).unwrap_or_default().ends_with('\\')
                || follows.is_empty()
                || follows.starts_with(';')
        };
        let end = quoted.match_indices('"').map(|(at, _)| at).find(|at| is_end(*at))?;
        let value = quoted.get(..end)?;
        if found {
            let written = [("\\\"", "\""), ("%22", "\""), ("%0D", "\r"), ("%0A", "\n")];
            return Some(
                written.iter().fold(value.to_owned(), |value, (code, text)| value.replace(code, text)),
            );
        }
        rest = quoted.get(end + 1..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn form(body: &[u8], piece: usize) -> Multipart {
        let pieces: Vec<_> = body.chunks(piece).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
        let kind = HeaderValue::from_static("multipart/form-data; boundary=--x-y");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        Multipart::new(&headers, Body::from_stream(stream::iter(pieces)), Duration::from_secs(5)).unwrap()
    }

    async fn parts(mut form: Multipart) -> Result<Vec<(String, Option<String>, Vec<u8>)>, FormFault> {
        let mut parts = Vec::new();
        while let Some(Part { name, filename, .. }) = form.next().await? {
            let mut octets = Vec::new();
            while let Some(piece) = form.chunk().await? {
                octets.extend_from_slice(&piece);
            }
            parts.push((name, filename, octets));
        }
        Ok(parts)
    }

    fn written(fields: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, filename, octets) in fields {
            let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            let head =
                format!("----x-y\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(octets);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"----x-y--\r\n");
        body
    }

    #[tokio::test]
    async fn fields_and_files_come_as_they_were_sent_however_they_are_cut() {
        let sent: &[(&str, Option<&str>, &[u8])] = &[
            ("form", None, b"token"),
            ("empty", None, b""),
            ("files", Some("a %22b%22.txt"), b"\r\n--x\r\n----x-\r\n\r\n"),
            ("files", Some(""), b""),
        ];
        let body = written(sent);
        for piece in [1, 2, 3, 7, 10_000] {
            let read = parts(form(&body, piece)).await.unwrap();
            assert_eq!(read.len(), sent.len());
            for ((name, filename, octets), sent) in read.iter().zip(sent) {
                assert_eq!((name.as_str(), octets.as_slice()), (sent.0, sent.2), "{piece}");
                assert_eq!(filename.is_some(), sent.1.is_some());
            }
            assert_eq!(read[2].1.as_deref(), Some("a \"b\".txt"));
        }
    }

    #[tokio::test]
    async fn what_is_not_read_of_a_part_is_passed_over() {
        let body = written(&[("one", None, &vec![b'x'; 50_000]), ("two", None, b"2")]);
        let mut form = form(&body, 1000);
        assert_eq!(form.next().await.unwrap().unwrap().name, "one");
        assert_eq!(form.next().await.unwrap().unwrap().name, "two");
        assert_eq!(form.text(1).await.unwrap(), "2");
        assert_eq!(form.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_form_ends_at_once() {
        let long = [b"----x-y\r\nX: ".to_vec(), vec![b'x'; HEAD_MAX * 2]].concat();
        let body = written(&[("one", None, b"1")]);
        for wrong in [
            &b"----other\r\n"[..],
            b"preamble\r\n----x-y\r\n",
            &long,
            b"----x-y\r\nX: y\r\n\r\n",
            b"----x-yz\r\n\r\n",
        ] {
            assert!(matches!(parts(form(wrong, 100)).await, Err(FormFault::Form | FormFault::BrokeOff)));
        }
        for cut in 1..body.len() - 4 {
            assert!(matches!(parts(form(&body[..cut], 100)).await, Err(FormFault::BrokeOff)), "{cut}");
        }
        assert!(matches!(
            Multipart::new(&HeaderMap::new(), Body::empty(), Duration::from_secs(1)),
            Err(FormFault::Form)
        ));
    }

    #[test]
    fn names_are_read_as_browsers_and_others_write_them() {
        let name = |head: &str| part(head.as_bytes()).and_then(|part| part.filename);
        let head = |filename: &str| {
            format!(
                "Content-Type: a/b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"{filename}\""
            )
        };
        assert_eq!(name(&head("é.txt")).as_deref(), Some("é.txt"));
        assert_eq!(name(&head("a\\\"b.txt")).as_deref(), Some("a\"b.txt"));
        assert_eq!(name(&head("a\\")).as_deref(), Some("a\\"));
        assert_eq!(name(&head("name=x; y.txt")).as_deref(), Some("name=x; y.txt"));
        assert_eq!(part(b"Content-Disposition: attachment; name=\"f\""), None);
        assert_eq!(part(b"Content-Disposition: form-data; name=f"), None);
    }

    proptest! {
        #[test]
        fn any_octets_survive(octets in proptest::collection::vec(any::<u8>(), 0..300), piece in 1_usize..40) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let body = written(&[("file", Some("x"), &octets), ("next", None, b"n")]);
            let read = runtime.block_on(parts(form(&body, piece))).unwrap();
            prop_assert_eq!(&read[0].2, &octets);
            prop_assert_eq!(&read[1].2, b"n");
        }
    }
}
