//! Our own words to a provider, signed, in an address for the browser (*Bindings for SAML V2.0* §3.4.4.1).

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::X509;

use crate::auth::saml::response::Objection;
use crate::config;

/// Bits of a key (NIST SP 800-131A: fewer sign nothing any more).
const KEY_MIN: u32 = 2048;

/// Octets of an answer to our own word: a status, and its signature. It is read where a page is made.
pub(super) const ANSWER_MAX: usize = 16 * 1024;

/// RSA with SHA-256 (RFC 9231 §2.3.2).
const ALGORITHM: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// What our words are signed with.
pub(super) struct Seal {
    key: PKey<Private>,
    /// DER in base64, as metadata have it.
    pub(super) certificate: String,
    /// The same, for whoever asks how long it is valid.
    pub(super) parsed: X509,
}

impl Seal {
    /// Reads a key and its certificate; the fault is in words.
    pub(super) fn load(files: &config::Seal) -> Result<Self, String> {
        let (key_file, certificate_file) = (files.key_file.display(), files.certificate_file.display());
        let read = |file| fs::read(file).map_err(|error| error.to_string());
        let key = read(&files.key_file)
            .and_then(|pem| PKey::private_key_from_pem(&pem).map_err(|error| error.to_string()))
            .map_err(|error| format!("{key_file} cannot be read as a private key ({error})"))?;
        let certificate = read(&files.certificate_file)
            .and_then(|pem| X509::from_pem(&pem).map_err(|error| error.to_string()))
            .map_err(|error| format!("{certificate_file} cannot be read as a certificate ({error})"))?;
        if key.rsa().is_err() {
            return Err(format!("the key in {key_file} is not an RSA key; make one of 3072 bits"));
        }
        if key.bits() < KEY_MIN {
            return Err(format!(
                "the key in {key_file} has {} bits, which is too few; make one of 3072 bits",
                key.bits()
            ));
        }
        if !certificate.public_key().is_ok_and(|public| public.public_eq(&key)) {
            return Err(format!(
                "the certificate in {certificate_file} is not that of the key in {key_file}"
            ));
        }
        let der = certificate.to_der().map_err(|error| format!("{certificate_file}: {error}"))?;
        Ok(Self { key, certificate: STANDARD.encode(der), parsed: certificate })
    }

    /// The address `at` with the word `xml` in the parameter `name`. `None` where OpenSSL fails.
    pub(super) fn address(&self, at: &str, name: &str, xml: &str, relay_state: &str) -> Option<String> {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
        deflated.write_all(xml.as_bytes()).ok()?;
        let word = escaped(&STANDARD.encode(deflated.finish().ok()?));
        // §3.4.3: it comes back as it came, if it came.
        let relay = match relay_state {
            "" => String::new(),
            state => format!("&RelayState={}", escaped(state)),
        };
        let signed = format!("{name}={word}{relay}&SigAlg={}", escaped(ALGORITHM));
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).ok()?;
        let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).ok()?;
        let separator = if at.contains('?') { '&' } else { '?' };
        Some(format!("{at}{separator}{signed}&Signature={}", escaped(&STANDARD.encode(signature))))
    }
}

/// The XML in an address's parameter: an answer to our own word.
pub(super) fn inflated(encoded: &str) -> Result<String, Objection> {
    let octets = STANDARD.decode(encoded).map_err(|_| Objection::Malformed)?;
    let mut xml = String::new();
    let most = ANSWER_MAX as u64;
    DeflateDecoder::new(&*octets)
        .take(most + 1)
        .read_to_string(&mut xml)
        .map_err(|_| Objection::Malformed)?;
    if xml.len() > ANSWER_MAX { Err(Objection::TooLarge) } else { Ok(xml) }
}

/// For the value of a parameter (RFC 3986 §2.1).
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, octet| {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            let _ = write!(out, "%{octet:02X}");
        }
        out
    })
}
