//! The headers and addresses of an upload, as a stranger writes them: read strictly, and as they were written.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use postern::base::filename::FileName;
use postern::httpd::tus::headers::{Checksum, Metadata, file_of, number, path_of};

const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

fuzz_target!(|octets: &[u8]| {
    if let Ok(value) = HeaderValue::from_bytes(octets) {
        let headers = HeaderMap::from_iter([(METADATA, value.clone()), (OFFSET, value)]);
        if let Some(metadata) = Metadata::read(&headers) {
            assert!(metadata.filename.len() <= octets.len());
            let _ = FileName::parse(&metadata.filename);
        }
        if let Some(number) = number(&headers, &OFFSET) {
            let digits = std::str::from_utf8(octets).expect("digits");
            assert_eq!(digits.trim().trim_start_matches('0'), number.to_string().trim_start_matches('0'));
        }
    }
    if let Some(checksum) = Checksum::parse(octets) {
        assert!(octets.starts_with(b"sha1 ") || octets.starts_with(b"sha256 "));
        assert!(checksum.digest.len() <= octets.len());
    }
    // A file has one address of ours, however it was asked for.
    if let Some(file) = std::str::from_utf8(octets).ok().and_then(file_of) {
        let path = path_of(file);
        assert_eq!(path.strip_prefix("/files/").and_then(file_of), Some(file), "{path}");
    }
});
