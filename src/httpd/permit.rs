//! Who asks, as types. A handler reaches what belongs to a person only through the permit that it names among its
//! arguments; without the permit the request never gets to it.

use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::request::Parts;
use tracing::error;

use crate::accounts::{Account, Kind, Session};
use crate::base::secret::{Token, TokenHash};
use crate::httpd::cookie::{Name, SetCookie};
use crate::httpd::session::Sessions;

/// Where a request comes from. Put into each request by the server.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Anybody. Carries the token that ties forms to this browser: the one it brought, or a new one.
#[derive(Debug)]
pub struct Visitor {
    /// Where the request comes from.
    pub peer: IpAddr,
    form: Token,
    is_new: bool,
}

/// A guest who is signed in.
#[derive(Debug)]
pub struct Guest {
    /// The guest's account, as it is now.
    pub account: Account,
    session: Session,
    hash: TokenHash,
}

/// What a form of this person's must bring back in its hidden field.
pub trait FormToken {
    /// The field's value.
    fn form_token(&self) -> &str;
}

impl Visitor {
    /// Part of the response to every page with a form: gives a new browser its token.
    #[must_use]
    pub fn cookie(&self) -> SetCookie {
        if self.is_new { Name::Form.give(&self.form, None) } else { SetCookie::default() }
    }
}

impl Guest {
    /// What the session is stored under.
    #[must_use]
    pub const fn session(&self) -> &TokenHash {
        &self.hash
    }
}

impl FormToken for Visitor {
    fn form_token(&self) -> &str {
        self.form.reveal()
    }
}

impl FormToken for Guest {
    fn form_token(&self) -> &str {
        &self.session.csrf
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let Some(Peer(peer)) = parts.extensions.get::<Peer>().copied() else {
            error!("a request came without its peer");
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        if let Some(form) = Name::Form.read(&parts.headers) {
            return Ok(Self { peer, form, is_new: false });
        }
        match Token::fresh() {
            Ok(form) => Ok(Self { peer, form, is_new: true }),
            Err(fault) => {
                error!(%fault, "no token for a form");
                Err(StatusCode::INTERNAL_SERVER_ERROR.into_response())
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Guest
where
    Sessions: FromRef<S>,
{
    type Rejection = Response;

    /// Who is not signed in is led to the way in.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let way_in = || Redirect::to("/sign-in").into_response();
        let token = Name::Session.read(&parts.headers).ok_or_else(way_in)?;
        match Sessions::from_ref(state).find(&token) {
            Ok(Some((session, account))) if account.kind == Kind::Guest => {
                Ok(Self { account, session, hash: token.hash() })
            }
            Ok(_) => Err(way_in()),
            Err(fault) => {
                error!(%fault, "reading a session");
                Err(StatusCode::SERVICE_UNAVAILABLE.into_response())
            }
        }
    }
}
