//! A private key, where its public half is published, and what must stand there.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use thiserror::Error;

use crate::base::address::Domain;
use crate::mail::dkim::tags::value;

/// Octets of one string of a TXT record (RFC 1035 §3.3.14); a longer text is written as several (RFC 6376 §3.6.2.2).
const STRING_MAX: usize = 255;

/// A key that signs for a domain.
pub struct Key {
    /// Whose mail it signs (`d=`).
    pub domain: Domain,
    /// Its name among the keys of that domain (`s=`): labels, as those of a domain (RFC 6376 §3.1).
    pub selector: Domain,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a file's content is no key to sign with.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyFault {
    /// No PEM, or none of a private key; an encrypted key is none either.
    #[error("it holds no private key that is not encrypted, as PEM (PKCS #8 or PKCS #1)")]
    NoKey,
    /// RFC 8301 §3.2 demands 1024 and advises 2048; receivers have begun to refuse what is shorter.
    #[error("its RSA key has fewer than 2048 bits, and what it signs is not trusted everywhere")]
    Short,
    /// Another algorithm, or damaged.
    #[error("its key is neither an RSA key of 2048 to 8192 bits nor an Ed25519 key")]
    Unusable,
}

/// What the DNS says of a key, compared with the key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RecordFault {
    /// There is none.
    #[error("there is no TXT record")]
    Missing,
    /// More than one key record: which of them counts is undefined (RFC 6376 §3.6.2.2).
    #[error("there are several TXT records, and only one may stand there")]
    Several,
    /// An empty `p=` (RFC 6376 §3.6.1).
    #[error("the TXT record says that the key is revoked")]
    Revoked,
    /// Another key, or not for this use.
    #[error("the TXT record does not belong to this key")]
    Different,
}

impl Key {
    /// Reads a private key: RSA in PKCS #8 or PKCS #1, Ed25519 in PKCS #8, as PEM.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pem(domain: Domain, selector: Domain, text: &[u8]) -> Result<Self, KeyFault> {
        let der = PrivateKeyDer::from_pem_slice(text).map_err(|_| KeyFault::NoKey)?;
        let pair = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).map(Pair::Rsa),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                // OpenSSL writes an Ed25519 key without its public half.
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                    .map(Pair::Ed25519)
                    .or_else(|_| RsaKeyPair::from_pkcs8(der).map(Pair::Rsa))
            }
            _ => return Err(KeyFault::Unusable),
        };
        Ok(Self { domain, selector, pair: pair.map_err(|fault| fault_of(&fault))? })
    }

    /// Whether it signs what an author in this domain wrote: its own domain, or one below it (RFC 7489 §3.1.1).
    #[must_use]
    pub fn signs_for(&self, author: &Domain) -> bool {
        let below = author.as_str().strip_suffix(self.domain.as_str());
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    }

    /// Whether a DKIM-Signature field, by its value, is of this key.
    #[must_use]
    pub fn made(&self, signature: &[u8]) -> bool {
        let is = |name, expected: &Domain| {
            value(signature, name).is_some_and(|found| found.eq_ignore_ascii_case(expected.as_str()))
        };
        is("d", &self.domain) && is("s", &self.selector)
    }

    /// The `a=` tag.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "rsa-sha256",
            Pair::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// Signs the header in its canonical form.
    ///
    /// # Errors
    /// Where the library will not; it says nothing more.
    pub fn sign(&self, canonical: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), canonical, &mut signature)?;
                Ok(signature)
            }
            // RFC 8463 §3: what is signed is the hash, as the algorithm's message.
            Pair::Ed25519(pair) => Ok(pair.try_sign(digest(&SHA256, canonical).as_ref())?.as_ref().to_vec()),
        }
    }

    /// The name of the TXT record (RFC 6376 §3.6.2.1).
    #[must_use]
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The text of the TXT record (RFC 6376 §3.6.1; RFC 8463 §4).
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn record(&self) -> Result<String, Unspecified> {
        let kind = self.kind();
        Ok(format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(self.public()?)))
    }

    /// The record as a line of a zone file, a long text in several strings.
    ///
    /// # Errors
    /// As [`Key::sign`].
    pub fn zone_line(&self) -> Result<String, Unspecified> {
        let record = self.record()?;
        let strings =
            record.as_bytes().chunks(STRING_MAX).map(|string| format!("\"{}\"", string.escape_ascii()));
        Ok(format!("{}. IN TXT ( {} )", self.record_name(), strings.collect::<Vec<_>>().join(" ")))
    }

    /// Compares what the DNS says with the key: the strings of each TXT record joined, as they came.
    ///
    /// # Errors
    /// [`RecordFault`].
    pub fn check(&self, records: &[Vec<u8>]) -> Result<(), RecordFault> {
        let record = match records {
            [] => return Err(RecordFault::Missing),
            [record] => record,
            _ => return Err(RecordFault::Several),
        };
        let tag = |name| value(record, name);
        let names = |list: Option<String>, word: &str| {
            list.is_none_or(|list| list.split(':').any(|item| item == word || item == "*"))
        };
        let public = tag("p").ok_or(RecordFault::Different)?;
        if public.is_empty() {
            return Err(RecordFault::Revoked);
        }
        // Absent tags have the defaults of RFC 6376 §3.6.1.
        let fits = tag("v").is_none_or(|version| version == "DKIM1")
            && tag("k").as_deref().unwrap_or("rsa") == self.kind()
            && names(tag("h"), "sha256")
            && names(tag("s"), "email");
        let public = STANDARD.decode(public).map_err(|_| RecordFault::Different)?;
        if fits && self.is_public(&public) { Ok(()) } else { Err(RecordFault::Different) }
    }

    /// The `k=` tag.
    const fn kind(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "rsa",
            Pair::Ed25519(_) => "ed25519",
        }
    }

    /// What `p=` says: an RSA key with its algorithm, as everybody publishes it; an Ed25519 key bare (RFC 8463 §4).
    fn public(&self) -> Result<Vec<u8>, Unspecified> {
        match &self.pair {
            Pair::Rsa(pair) => Ok(pair.public_key().as_der()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.public_key().as_ref().to_vec()),
        }
    }

    /// RFC 6376 §3.6.1 names the bare `RSAPublicKey`, its examples the form with the algorithm: both are in use.
    fn is_public(&self, published: &[u8]) -> bool {
        let is_bare = matches!(&self.pair, Pair::Rsa(pair) if pair.public_key().as_ref() == published);
        is_bare || self.public().is_ok_and(|public| public == published)
    }
}

fn fault_of(fault: &KeyRejected) -> KeyFault {
    // The library names the reason in this way only.
    if fault.to_string() == "TooSmall" { KeyFault::Short } else { KeyFault::Unusable }
}
