//! Who asks, as types. A handler reaches what belongs to a person only through the permit that it names among its
//! arguments; without the permit the request never gets to it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, StatusCode};
use ipnet::IpNet;
use tracing::error;

use crate::accounts::{Account, Kind, Origin, Session};
use crate::audit::Hand;
use crate::base::secret::{Token, TokenHash};
use crate::httpd::cookie::{Name, SetCookie};
use crate::httpd::page::{Pages, Plain};
use crate::httpd::session::Sessions;
use crate::httpd::way::Next;

/// Where a request comes from. Put into each request by the server.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// From where staff may come (`web.staff_networks`).
#[derive(Clone, Debug)]
pub struct StaffNetworks(Arc<[IpNet]>);

/// Anybody. Carries the token that ties forms to this browser: the one it brought, or a new one.
#[derive(Debug)]
pub struct Visitor {
    /// Where the request comes from.
    pub peer: IpAddr,
    form: Token,
    is_new: bool,
}

/// Somebody who is signed in, on whichever side of the gate.
#[derive(Debug)]
pub struct Person {
    /// The account, as it is now.
    pub account: Account,
    /// Where the request comes from.
    pub peer: IpAddr,
    session: Session,
    hash: TokenHash,
}

/// A guest who is signed in.
#[derive(Debug)]
pub struct Guest(Person);

/// A staff member who is signed in.
#[derive(Debug)]
pub struct Staff(Person);

/// A staff member who is signed in and may administer the gateway.
#[derive(Debug)]
pub struct Admin(Person);

impl Admin {
    /// Who acts, for the audit log.
    #[must_use]
    pub fn hand(&self) -> Hand<'_> {
        Hand { by: Some(&self.account.mailbox.address), peer: Some(self.peer) }
    }
}

/// What a form of this person's must bring back in its hidden field.
pub trait FormToken {
    /// The field's value.
    fn form_token(&self) -> &str;
}

impl StaffNetworks {
    /// These networks; everywhere if there are none.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether staff may come from there.
    #[must_use]
    pub fn hold(&self, peer: IpAddr) -> bool {
        // A socket for both protocols shows IPv4 as IPv6 (RFC 4291 §2.5.5.2).
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// Which kinds of people may sign in from there.
    #[must_use]
    pub fn kinds(&self, peer: IpAddr) -> &'static [Kind] {
        if self.hold(peer) { &[Kind::Guest, Kind::Staff] } else { &[Kind::Guest] }
    }
}

impl Visitor {
    /// Part of the response to every page with a form: gives a new browser its token.
    #[must_use]
    pub fn cookie(&self) -> SetCookie {
        if self.is_new { Name::Form.give(&self.form, None) } else { SetCookie::default() }
    }
}

impl Person {
    /// What the session is stored under.
    #[must_use]
    pub const fn session(&self) -> &TokenHash {
        &self.hash
    }

    /// The session at an identity provider that this one goes back to.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        self.session.origin.as_ref()
    }
}

impl FormToken for Visitor {
    fn form_token(&self) -> &str {
        self.form.reveal()
    }
}

impl FormToken for Person {
    fn form_token(&self) -> &str {
        &self.session.csrf
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let peer = peer(parts).map_err(IntoResponse::into_response)?;
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

impl<S: Send + Sync> FromRequestParts<S> for Person
where
    Sessions: FromRef<S>,
    StaffNetworks: FromRef<S>,
{
    type Rejection = Response;

    /// Who is not signed in is led to the way in, and from there to the page that was to be seen. So is a member of the
    /// staff who comes from where staff do not come from.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let peer = peer(parts).map_err(IntoResponse::into_response)?;
        let wanted = if parts.method == Method::GET { parts.uri.path() } else { "" };
        let way_in = || Next::read(wanted).sign_in().into_response();
        let token = Name::Session.read(&parts.headers).ok_or_else(way_in)?;
        match Sessions::from_ref(state).find(&token).await {
            Ok(Some((session, account)))
                if StaffNetworks::from_ref(state).kinds(peer).contains(&account.kind) =>
            {
                Ok(Self { account, peer, session, hash: token.hash() })
            }
            Ok(_) => Err(way_in()),
            Err(fault) => {
                error!(%fault, "reading a session");
                Err(StatusCode::SERVICE_UNAVAILABLE.into_response())
            }
        }
    }
}

fn peer(parts: &Parts) -> Result<IpAddr, StatusCode> {
    let peer = parts.extensions.get::<Peer>().map(|Peer(peer)| *peer);
    peer.ok_or_else(|| {
        error!("a request came without its peer");
        StatusCode::INTERNAL_SERVER_ERROR
    })
}

/// The page for who is signed in, and whom the one that was asked for is not for.
fn no_entry(parts: &Parts) -> Response {
    match parts.extensions.get::<Pages>() {
        Some(pages) => pages.page(StatusCode::FORBIDDEN, "no-entry", Plain {}),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

/// A permit for those signed in who fulfil a condition; to the others the page is forbidden. To a peer that it is not
/// meant for, the page is not there at all.
macro_rules! permit {
    ($permit:ident, $peer:expr, $condition:expr) => {
        impl Deref for $permit {
            type Target = Person;

            fn deref(&self) -> &Person {
                &self.0
            }
        }

        impl FormToken for $permit {
            fn form_token(&self) -> &str {
                self.0.form_token()
            }
        }

        impl<S: Send + Sync> FromRequestParts<S> for $permit
        where
            Sessions: FromRef<S>,
            StaffNetworks: FromRef<S>,
        {
            type Rejection = Response;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
                let may_come: fn(&StaffNetworks, IpAddr) -> bool = $peer;
                let peer = peer(parts).map_err(IntoResponse::into_response)?;
                if !may_come(&StaffNetworks::from_ref(state), peer) {
                    return Err(StatusCode::NOT_FOUND.into_response());
                }
                let person = Person::from_request_parts(parts, state).await?;
                let is_permitted: fn(&Account) -> bool = $condition;
                if is_permitted(&person.account) { Ok(Self(person)) } else { Err(no_entry(parts)) }
            }
        }
    };
}

permit!(Guest, |_, _| true, |account| account.kind == Kind::Guest);
permit!(Staff, StaffNetworks::hold, |account| account.kind == Kind::Staff);
permit!(Admin, StaffNetworks::hold, |account| account.kind == Kind::Staff && account.rights.admin);
