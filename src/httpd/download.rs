//! A file on its way to a browser: a part of it if that is asked for (RFC 9110 §14), or nothing if the browser has it
//! already (§13), always as something to be saved and never as a page of ours.

use std::io;
use std::ops::Range;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::base::filename::FileName;
use crate::httpd::page::words;

/// Whatever is in the file, a browser that shows it all the same lets it do nothing.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");

/// What a request wants of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These octets.
    Part(Range<u64>),
    /// Octets that are not there (416).
    Beyond,
    /// Nothing: it is known already (304).
    Known,
}

/// The strong tag of a file: its content's own hash (RFC 9110 §8.8.3).
#[must_use]
pub fn tag(sha256: &str) -> String {
    format!("\"{sha256}\"")
}

impl Wanted {
    /// What these headers ask of a file with this tag and length.
    ///
    /// One range is answered. Of several, or of one that cannot be read, nothing is taken notice, as RFC 9110 §14.2
    /// allows; and none of one whose `If-Range` means another content (§13.1.5), as ours never has a date.
    #[must_use]
    pub fn of(headers: &HeaderMap, tag: &str, length: u64) -> Self {
        let says = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let is_named = |list: &str| {
            list.split(',')
                .map(str::trim)
                .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
        };
        if says(IF_NONE_MATCH).is_some_and(is_named) {
            return Self::Known;
        }
        let Some(range) = says(RANGE).filter(|_| says(IF_RANGE).is_none_or(|known| known == tag)) else {
            return Self::Whole;
        };
        part(range, length).unwrap_or(Self::Whole)
    }
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-` or `bytes=-LAST_SO_MANY` (RFC 9110 §14.1.2).
fn part(range: &str, length: u64) -> Option<Wanted> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        // More digits than fit are an end that lies behind every file's.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (first.trim(), last.trim()) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if range.start < range.end { Wanted::Part(range) } else { Wanted::Beyond })
}

/// The answer to a request for a file, or a part of it: head and, if there is one, `body`.
pub fn response(name: &FileName, tag: &str, length: u64, wanted: &Wanted, body: Body) -> Response {
    let (status, octets) = match wanted {
        Wanted::Whole => (StatusCode::OK, length),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range.end.saturating_sub(range.start)),
        Wanted::Beyond => return beyond(length),
        Wanted::Known => return (StatusCode::NOT_MODIFIED, [(ETAG, tag.to_owned())]).into_response(),
    };
    let mut response = saved(status, name, octets, "application/octet-stream", body);
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    set(headers, ETAG, tag);
    if let Wanted::Part(range) = wanted {
        let said = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
        set(headers, CONTENT_RANGE, &said);
    }
    response
}

/// An answer that a browser saves under this name.
pub fn saved(status: StatusCode, name: &FileName, octets: u64, kind: &'static str, body: Body) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, octets.into());
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    set(headers, CONTENT_DISPOSITION, &name.disposition());
    response
}

/// 416, with the length that there is.
#[must_use]
pub fn beyond(length: u64) -> Response {
    let said = format!("The file has {length} octets.\n");
    let mut response = words(StatusCode::RANGE_NOT_SATISFIABLE, said);
    set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{length}"));
    response
}

/// A body of what `next` gives until it gives none. The next piece is read when the last one has gone.
pub fn body<S, N, F>(source: S, next: N) -> Body
where
    S: Send + 'static,
    N: Fn(S) -> F + Send + 'static,
    F: Future<Output = io::Result<Option<(Bytes, S)>>> + Send + 'static,
{
    Body::from_stream(stream::try_unfold(source, next))
}

fn set(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn wanted(headers: &[(http::HeaderName, &str)]) -> Wanted {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        Wanted::of(&headers.collect(), TAG, 1000)
    }

    #[test]
    fn one_range_is_understood_in_its_three_forms() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-499", 0..500),
            ("bytes=500-", 500..1000),
            ("bytes=-500", 500..1000),
            ("bytes=-5000", 0..1000),
            ("bytes=999-99999999999999999999999", 999..1000),
        ] {
            assert_eq!(wanted(&[(RANGE, range)]), Wanted::Part(part), "{range}");
        }
    }

    #[test]
    fn what_lies_beyond_the_end_is_said_and_what_is_no_range_is_ignored() {
        for beyond in ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(&[(RANGE, beyond)]), Wanted::Beyond, "{beyond}");
        }
        for none in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=0-1,4-5",
            "lines=0-1",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(wanted(&[(RANGE, none)]), Wanted::Whole, "{none}");
        }
    }

    #[test]
    fn a_part_is_only_of_the_content_that_was_meant() {
        let range = (RANGE, "bytes=5-");
        assert_eq!(wanted(&[range.clone(), (IF_RANGE, TAG)]), Wanted::Part(5..1000));
        for other in ["\"other\"", "W/\"abc\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wanted(&[range.clone(), (IF_RANGE, other)]), Wanted::Whole, "{other}");
        }
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        for known in [TAG, "\"x\", \"abc\"", "W/\"abc\"", "*"] {
            assert_eq!(wanted(&[(IF_NONE_MATCH, known)]), Wanted::Known, "{known}");
        }
        assert_eq!(wanted(&[(IF_NONE_MATCH, "\"x\"")]), Wanted::Whole);
    }
}
