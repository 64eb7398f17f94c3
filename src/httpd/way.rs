//! Where somebody goes who signs in: to the page that was asked for, or home.
//!
//! The page that was asked for travels as `/sign-in?next=/invitations` and in a hidden field of the form, so it comes
//! from outside: [`Next`] is only ever a path on this site, of one of our own pages, and one of that person's kind.

use axum::response::Redirect;
use serde::{Deserialize, Deserializer};

use crate::accounts::Kind;

/// Characters of a path. Our longest has half of it.
const PATH_MAX: usize = 128;

/// Where guests are at home.
const DROPOFF: &str = "/dropoff";
/// Pages of guests, each with what lies below it.
const OF_GUESTS: [&str; 2] = [DROPOFF, "/account"];
/// Pages of staff.
const OF_STAFF: [&str; 8] =
    ["/invitations", "/invite", "/join", "/t", "/received", "/guests", "/admin", "/account"];

/// A page that somebody wanted to see before signing in; nothing where it is none to go back to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Next(Option<String>);

impl Next {
    /// Takes a path of ours, and nothing else.
    #[must_use]
    pub fn read(path: &str) -> Self {
        let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"/-_".contains(&octet);
        let is_ours = path.len() <= PATH_MAX
            && path.bytes().all(is_plain)
            && OF_GUESTS.iter().chain(&OF_STAFF).any(|page| is_below(path, page));
        Self(is_ours.then(|| path.to_owned()))
    }

    /// The path; empty where there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Where a person of this kind goes now.
    pub fn leads(&self, kind: Kind) -> Redirect {
        let pages: &[&str] = match kind {
            Kind::Guest => &OF_GUESTS,
            Kind::Staff => &OF_STAFF,
        };
        let wanted = self.0.as_deref().filter(|path| pages.iter().any(|page| is_below(path, page)));
        Redirect::to(wanted.unwrap_or(home(kind)))
    }

    /// The way in, from which it leads back here.
    pub fn sign_in(&self) -> Redirect {
        match self.0.as_deref() {
            None | Some(DROPOFF) => Redirect::to("/sign-in"),
            Some(path) => Redirect::to(&format!("/sign-in?next={path}")),
        }
    }
}

impl<'de> Deserialize<'de> for Next {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::read(&String::deserialize(deserializer)?))
    }
}

/// Where somebody starts.
#[must_use]
pub const fn home(kind: Kind) -> &'static str {
    match kind {
        Kind::Guest => DROPOFF,
        Kind::Staff => "/invitations",
    }
}

fn is_below(path: &str, page: &str) -> bool {
    path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_off_the_site() {
        for foreign in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/invitations@evil.example",
            "/invitations/../../x",
            "/invitations?x=//evil.example",
            "/invite\r\nSet-Cookie: x",
            "/invited",
            "/sign-out",
            &format!("/invite/{}", "x".repeat(PATH_MAX)),
        ] {
            assert_eq!(Next::read(foreign), Next::default(), "{foreign}");
        }
        for ours in ["/invite", "/invitations/0198f2c4aabb", "/dropoff/sent", "/admin/people", "/t/0123abcd"]
        {
            assert_eq!(Next::read(ours).path(), ours);
        }
    }
}
