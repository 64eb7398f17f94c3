//! Our cookies (RFC 6265bis): `__Host-session` says who is signed in, `__Host-form` ties a form to the browser that it
//! was given to, and `__Host-question` a question to an identity provider to the browser that carries it. The prefix makes browsers insist on Secure, on Path=/ and on our host alone (§4.1.3.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::response::{IntoResponseParts, ResponseParts};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::base::secret::Token;

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Who is signed in.
    Session,
    /// Which browser a form was given to.
    Form,
    /// Which browser carries a question to an identity provider.
    Question,
}

/// A cookie to set, or none: part of a response.
#[derive(Clone, Debug, Default)]
pub struct SetCookie(Option<HeaderValue>);

impl Name {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "__Host-session",
            Self::Form => "__Host-form",
            Self::Question => "__Host-question",
        }
    }

    /// The token that this cookie brought back. A cookie that is not one of our making is none.
    #[must_use]
    pub fn read(self, headers: &HeaderMap) -> Option<Token> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.as_str())
            .find_map(|(_, value)| Token::parse(value))
    }

    /// Gives the browser a token. Without `lifetime` it is forgotten when the browser is closed.
    ///
    /// Lax, not Strict: a person who comes from the mail is to find the form of another tab still good. What comes back
    /// from an identity provider is a POST from another site, with which a browser sends only None (§5.8.3).
    #[must_use]
    pub fn give(self, token: &Token, lifetime: Option<Duration>) -> SetCookie {
        let age = lifetime.map(|lifetime| format!("; Max-Age={}", lifetime.as_secs())).unwrap_or_default();
        self.set(token.reveal(), &age)
    }

    /// Takes the token from the browser.
    #[must_use]
    pub fn take(self) -> SetCookie {
        self.set("", "; Max-Age=0")
    }

    fn set(self, value: &str, age: &str) -> SetCookie {
        let sites = if self == Self::Question { "None" } else { "Lax" };
        let line = format!("{}={value}; Path=/; Secure; HttpOnly; SameSite={sites}{age}", self.as_str());
        let mut line = HeaderValue::try_from(line).ok();
        if let Some(value) = line.as_mut() {
            value.set_sensitive(true);
        }
        SetCookie(line)
    }
}

impl IntoResponseParts for SetCookie {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Some(line) = self.0 {
            response.headers_mut().append(SET_COOKIE, line);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_in_several_fields() {
        let token = Token::fresh().unwrap();
        let session = format!("__Host-session={}", token.reveal());
        // RFC 9113 §8.2.3: HTTP/2 may split the field.
        for lines in [vec![session.as_str()], vec!["a=b; c", &session], vec![&format!("x=y;{session}")]] {
            assert_eq!(Name::Session.read(&headers(&lines)), Some(token.clone()), "{lines:?}");
            assert_eq!(Name::Form.read(&headers(&lines)), None);
        }
    }

    #[test]
    fn what_is_not_a_token_is_no_cookie() {
        assert_eq!(Name::Session.read(&headers(&["__Host-session=1234", "__Host-session"])), None);
    }

    #[test]
    fn a_cookie_is_closed_to_scripts_other_sites_and_clear_text() {
        let SetCookie(line) = Name::Session.give(&Token::fresh().unwrap(), Some(Duration::from_mins(1)));
        let line = line.unwrap();
        let line = line.to_str().unwrap();
        assert!(line.starts_with("__Host-session="));
        assert!(line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"), "{line}");
    }

    #[test]
    fn only_the_question_comes_back_from_other_sites() {
        for (name, sites) in [(Name::Session, "Lax"), (Name::Form, "Lax"), (Name::Question, "None")] {
            let SetCookie(line) = name.give(&Token::fresh().unwrap(), None);
            let line = line.unwrap();
            assert!(line.to_str().unwrap().ends_with(&format!("; SameSite={sites}")), "{line:?}");
        }
    }
}
