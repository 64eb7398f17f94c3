//! AUTH PLAIN (RFC 4616) and AUTH LOGIN, both sides.
//!
//! LOGIN was never standardised, yet old Outlooks and many devices speak nothing else: the server asks for
//! the name, then for the password.

use base64::prelude::{BASE64_STANDARD, Engine};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::base::secret::Secret;
use crate::smtp::reply::{EnhancedCode, Reply};

/// `Username:` and `Password:` in base64; clients know the two by heart.
const ASK_NAME: &str = "VXNlcm5hbWU6";
const ASK_PASSWORD: &str = "UGFzc3dvcmQ6";

/// What a client claims to be, or proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name to sign in with.
    pub name: String,
    /// What goes with it.
    pub password: Secret,
}

/// A mechanism that we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Name, then password.
    Login,
}

/// The server's side, between a challenge and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// PLAIN without an initial response: everything comes now.
    Plain,
    /// LOGIN: the name comes.
    LoginName,
    /// LOGIN: the password comes.
    LoginPassword {
        /// The name that came before it.
        name: String,
    },
}

/// What the server does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Sends this challenge (334) and waits for the answer.
    Ask(&'static str, Exchange),
    /// Checks what it has.
    Check(Credentials),
}

/// Why there is nothing to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SaslFault {
    /// The client sent `*` (RFC 4954 §4).
    #[error("Authentication given up")]
    Cancelled,
    /// Not base64, or not text.
    #[error("The response is not valid base64")]
    Encoding,
    /// Decoded, but not of the mechanism's form.
    #[error("The response does not have the form of its mechanism")]
    Form,
    /// PLAIN with an identity to act for, which nobody here may.
    #[error("Acting for somebody else is not possible")]
    OtherIdentity,
}

impl Mechanism {
    /// The mechanism with this name, in upper case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "PLAIN" => Some(Self::Plain),
            "LOGIN" => Some(Self::Login),
            _ => None,
        }
    }

    /// Begins, with the initial response if there is one.
    ///
    /// # Errors
    /// [`SaslFault`], which knows the reply to give.
    pub fn begin(self, initial: Option<&Secret>) -> Result<Turn, SaslFault> {
        match (self, initial) {
            (Self::Plain, None) => Ok(Turn::Ask("", Exchange::Plain)),
            (Self::Plain, Some(response)) => Exchange::Plain.answer(response.reveal().as_bytes()),
            (Self::Login, None) => Ok(Turn::Ask(ASK_NAME, Exchange::LoginName)),
            (Self::Login, Some(response)) => Exchange::LoginName.answer(response.reveal().as_bytes()),
        }
    }
}

impl Exchange {
    /// Takes the client's line, without its CRLF.
    ///
    /// # Errors
    /// [`SaslFault`], which knows the reply to give.
    pub fn answer(self, line: &[u8]) -> Result<Turn, SaslFault> {
        if line == b"*" {
            return Err(SaslFault::Cancelled);
        }
        let text = decoded(line)?;
        match self {
            Self::Plain => plain(&text).map(Turn::Check),
            Self::LoginName | Self::LoginPassword { .. } if text.is_empty() => Err(SaslFault::Form),
            Self::LoginName => Ok(Turn::Ask(ASK_PASSWORD, Self::LoginPassword { name: text.to_string() })),
            Self::LoginPassword { name } => {
                Ok(Turn::Check(Credentials { name, password: Secret::new(text.as_str()) }))
            }
        }
    }
}

impl Credentials {
    /// The client's side of PLAIN: the one response, in base64.
    #[must_use]
    pub fn plain(&self) -> Secret {
        let message = Zeroizing::new(format!("\0{}\0{}", self.name, self.password.reveal()));
        Secret::new(BASE64_STANDARD.encode(message.as_bytes()))
    }

    /// The client's side of LOGIN: the answers to the first and to the second challenge, in base64.
    #[must_use]
    pub fn login(&self) -> [Secret; 2] {
        [self.name.as_str(), self.password.reveal()].map(|text| Secret::new(BASE64_STANDARD.encode(text)))
    }
}

impl SaslFault {
    /// What the client hears (RFC 4954 §4, §6).
    #[must_use]
    pub fn reply(self) -> Reply {
        let (code, enhanced) = match self {
            Self::Cancelled => (501, EnhancedCode(5, 7, 0)),
            Self::Encoding | Self::Form => (501, EnhancedCode(5, 5, 2)),
            Self::OtherIdentity => (535, EnhancedCode(5, 7, 8)),
        };
        Reply::new(code, enhanced, self.to_string())
    }
}

fn decoded(line: &[u8]) -> Result<Zeroizing<String>, SaslFault> {
    let octets = BASE64_STANDARD.decode(line).map_err(|_| SaslFault::Encoding)?;
    String::from_utf8(octets).map(Zeroizing::new).map_err(|_| SaslFault::Encoding)
}

/// `message = [authzid] NUL authcid NUL passwd` (RFC 4616 §2).
fn plain(message: &str) -> Result<Credentials, SaslFault> {
    let mut parts = message.split('\0');
    let (Some(acting_for), Some(name), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SaslFault::Form);
    };
    if name.is_empty() || password.is_empty() {
        return Err(SaslFault::Form);
    }
    if !acting_for.is_empty() && acting_for != name {
        return Err(SaslFault::OtherIdentity);
    }
    Ok(Credentials { name: name.to_owned(), password: Secret::new(password) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base64(text: &str) -> Secret {
        Secret::new(BASE64_STANDARD.encode(text))
    }

    fn plain_of(message: &str) -> Result<Turn, SaslFault> {
        Mechanism::Plain.begin(Some(&base64(message)))
    }

    #[test]
    fn the_challenges_are_what_they_say() {
        assert_eq!(base64("Username:").reveal(), ASK_NAME);
        assert_eq!(base64("Password:").reveal(), ASK_PASSWORD);
    }

    #[test]
    fn plain_takes_two_parts_or_three() {
        assert!(matches!(plain_of("\0ann\0secret"), Ok(Turn::Check(_))));
        assert!(matches!(plain_of("ann\0ann\0secret"), Ok(Turn::Check(_))));
        assert_eq!(plain_of("bob\0ann\0secret"), Err(SaslFault::OtherIdentity));
        for message in ["", "ann", "\0ann", "\0ann\0", "\0\0secret", "\0ann\0sec\0ret"] {
            assert_eq!(plain_of(message), Err(SaslFault::Form), "{message:?}");
        }
    }

    #[test]
    fn a_client_may_give_up_and_may_not_babble() {
        assert_eq!(Exchange::LoginName.answer(b"*"), Err(SaslFault::Cancelled));
        assert_eq!(Exchange::Plain.answer(b"not base64!"), Err(SaslFault::Encoding));
        assert_eq!(Exchange::LoginName.answer(b"/w=="), Err(SaslFault::Encoding));
        assert_eq!(Exchange::LoginName.answer(b""), Err(SaslFault::Form));
    }

    proptest! {
        #[test]
        fn what_the_client_says_the_server_hears(name in "[^\0]{1,20}", password in "[^\0]{1,20}") {
            let ann = Credentials { name, password: Secret::new(password) };
            prop_assert_eq!(Mechanism::Plain.begin(Some(&ann.plain())), Ok(Turn::Check(ann.clone())));
            let [name, password] = ann.login();
            let Ok(Turn::Ask(ASK_PASSWORD, exchange)) = Mechanism::Login.begin(Some(&name)) else {
                panic!("no question for the password");
            };
            prop_assert_eq!(exchange.answer(password.reveal().as_bytes()), Ok(Turn::Check(ann)));
        }
    }
}
