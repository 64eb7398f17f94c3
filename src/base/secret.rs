//! Things that must not be seen: passwords, and the tokens that stand in links and cookies.

use std::fmt;

use aws_lc_rs::{digest, rand};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::base::base32;

/// Random bits of a token: 26 characters of 5 bits.
pub const TOKEN_CHARACTERS: usize = 26;

/// A text that neither `Debug` nor a log shows, wiped when dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

/// The random word in a link or a cookie: 130 bits from the system's generator.
///
/// In clear it goes to one person only; what is kept is its [`TokenHash`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

/// SHA-256 of a token: what the store keeps and looks up by.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

/// The system's random generator gave nothing.
#[derive(Debug, Error)]
#[error("the system's random generator failed")]
pub struct RandomFailed;

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Every caller is a place to look at in a review.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Token {
    /// A new token.
    ///
    /// # Errors
    /// [`RandomFailed`] where the system has no randomness to give.
    pub fn fresh() -> Result<Self, RandomFailed> {
        let mut octets = Zeroizing::new([0_u8; TOKEN_CHARACTERS]);
        rand::fill(octets.as_mut()).map_err(|_| RandomFailed)?;
        let text = octets
            .iter()
            .filter_map(|octet| base32::ALPHABET.get(usize::from(octet % 32)))
            .map(|&b| char::from(b))
            .collect::<String>();
        Ok(Self(Zeroizing::new(text)))
    }

    /// Reads a token as it comes back in a URL or a cookie. Upper case and the look-alikes that people type are
    /// forgiven (Crockford: `i` and `l` are 1, `o` is 0).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TOKEN_CHARACTERS {
            return None;
        }
        let canonical =
            text.bytes().map(|octet| base32::canonical(octet).map(char::from)).collect::<Option<String>>()?;
        Some(Self(Zeroizing::new(canonical)))
    }

    /// The word as it goes into a link.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the store keeps instead.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl TokenHash {
    /// The hash of any text, where a key must have one length.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(octets)
    }

    /// The octets of the hash.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl PartialEq for TokenHash {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_read_aloud_and_typed() {
        let token = Token::fresh().unwrap();
        assert_eq!(Token::parse(&token.reveal().to_uppercase()).unwrap(), token);
        assert_eq!(Token::parse("l0OiI0000000000000000000000"), None);
        assert_eq!(
            Token::parse("lOi00000000000000000000000").unwrap().reveal(),
            "10100000000000000000000000"
        );
    }

    #[test]
    fn what_is_not_a_token_is_none() {
        for text in ["", "short", "u0000000000000000000000000", "é000000000000000000000000"] {
            assert_eq!(Token::parse(text), None);
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let token = Token::fresh().unwrap();
        let printed = format!("{token:?} {:?} {:?}", token.hash(), Secret::new("hunter2"));
        assert!(!printed.contains(token.reveal()) && !printed.contains("hunter2"));
    }
}
