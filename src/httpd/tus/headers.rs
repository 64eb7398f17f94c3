//! What stands in the headers of tus, and in its addresses: pure, and strict with strangers.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use axum::extract::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, Method};

use crate::base::clock::Timestamp;
use crate::base::id::PackageId;
use crate::httpd::tus::{METHOD_OVERRIDE, UPLOAD_METADATA};
use crate::packages::{File, FileRef};

/// What we need to know of a file (tus 1.0, "Upload-Metadata"). Other keys are no concern of ours.
#[derive(Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where it belongs.
    pub dropoff: PackageId,
    /// How it is called, as the browser gave it.
    pub filename: String,
}

/// What a chunk should be.
#[derive(Debug)]
pub struct Checksum {
    /// How it is reckoned.
    pub algorithm: &'static Algorithm,
    /// What comes out.
    pub digest: Vec<u8>,
}

impl Metadata {
    /// Pairs of a key and a value in base64, with commas between. `None` where one of ours is missing or twice there.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let line = headers.get(&UPLOAD_METADATA)?.to_str().ok()?;
        let value = |key: &str| {
            let mut values = line
                .split(',')
                .filter_map(|pair| pair.trim().split_once(' '))
                .filter(|(name, _)| *name == key)
                .map(|(_, value)| value);
            let octets = STANDARD.decode(values.next()?.trim()).ok()?;
            if values.next().is_some() { None } else { String::from_utf8(octets).ok() }
        };
        Some(Self { dropoff: value("dropoff")?.parse().ok()?, filename: value("filename")? })
    }

    /// The same of a file that is here.
    #[must_use]
    pub fn written(file: &File) -> String {
        let encoded = |text: &str| STANDARD.encode(text);
        format!("dropoff {},filename {}", encoded(&file.id.package.to_string()), encoded(file.name.as_str()))
    }
}

impl Checksum {
    /// `sha1 BASE64`.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (name, digest) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        let algorithm: &'static Algorithm = match name {
            "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &SHA256,
            _ => return None,
        };
        Some(Self { algorithm, digest: STANDARD.decode(digest.trim()).ok()? })
    }
}

/// A whole number, in digits only.
#[must_use]
pub fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let text = headers.get(name)?.to_str().ok()?;
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The method that is meant: some programs can only POST (tus 1.0, "X-HTTP-Method-Override").
pub(super) fn method(request: &Request) -> Method {
    let meant = request.headers().get(&METHOD_OVERRIDE);
    meant
        .filter(|_| request.method() == Method::POST)
        .and_then(|meant| Method::from_bytes(meant.as_bytes()).ok())
        .unwrap_or_else(|| request.method().clone())
}

/// The address of a file.
#[must_use]
pub fn path_of(file: FileRef) -> String {
    format!("/files/{}-{}", file.package, file.number)
}

/// The file of an address's last part.
#[must_use]
pub fn file_of(name: &str) -> Option<FileRef> {
    let (package, number) = name.split_once('-')?;
    if !number.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    Some(FileRef { package: package.parse().ok()?, number: number.parse().ok()? })
}

/// A moment as HTTP writes it (RFC 9110 §5.6.7).
pub(in crate::httpd) fn date(at: Timestamp) -> String {
    at.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn metadata(line: &str) -> Option<Metadata> {
        Metadata::read(&HeaderMap::from_iter([(UPLOAD_METADATA, HeaderValue::from_str(line).unwrap())]))
    }

    #[test]
    fn metadata_is_found_among_other_pairs_and_never_guessed() {
        let id = PackageId::fresh();
        let dropoff = STANDARD.encode(id.to_string());
        let read = metadata(&format!("is_confidential,filename cGxhbi5wZGY=, dropoff {dropoff}"));
        assert_eq!(read, Some(Metadata { dropoff: id, filename: "plan.pdf".to_owned() }));
        for line in [
            "filename cGxhbi5wZGY=".to_owned(),
            format!("dropoff {dropoff}"),
            format!("filename !!!!,dropoff {dropoff}"),
            format!("filename cGxhbi5wZGY=,filename YQ==,dropoff {dropoff}"),
            "filename cGxhbi5wZGY=,dropoff YWJj".to_owned(),
        ] {
            assert_eq!(metadata(&line), None, "{line}");
        }
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        let name = UPLOAD_METADATA;
        let read =
            |text| number(&HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(text))]), &name);
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "+1", "-1", "1.0", "0x1", "18446744073709551616", "1 "] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_leads_to_its_file_and_no_other_does() {
        let file = FileRef { package: PackageId::fresh(), number: 7 };
        assert_eq!(file_of(path_of(file).strip_prefix("/files/").unwrap()), Some(file));
        for wrong in ["", "-1", "x-1", &format!("{}-+7", file.package), &format!("{}-70000", file.package)] {
            assert_eq!(file_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_written_as_http_does() {
        assert_eq!(date(Timestamp::from_millis(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
