//! `/i/TOKEN`: where the link in the mail leads.
//!
//! Looking changes nothing, however often a scanner does it: only the form, filled in and sent from the browser that
//! was given it, opens the account. A form that came back is the proof that a person has seen the page.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::base::clock::Timestamp;
use crate::base::mailbox::Mailbox;
use crate::base::phrase::Phrase;
use crate::base::secret::{Secret, Token, TokenHash};
use crate::httpd::cookie::Name;
use crate::httpd::form::Form;
use crate::httpd::page::{Pages, Plain};
use crate::httpd::pages::join::Desk;
use crate::httpd::pages::verify::waiting;
use crate::httpd::permit::{FormToken, Staff, Visitor};
use crate::httpd::router::Parts;
use crate::httpd::session::Sessions;
use crate::invites::{Invitation, Standing};
use crate::registration::{ActivationFault, Answer, Registration};
use crate::store::Stored;
use crate::tending::renewal::Renewals;

/// What is typed into the form. The address is the invitation's, and not up to the form.
#[derive(Debug, Deserialize)]
struct Typed {
    name: String,
    password: Secret,
}

/// The names of `page/activate.html`.
#[derive(Serialize)]
struct Activate<'a> {
    inviter: &'a Mailbox,
    invitee: &'a Mailbox,
    /// None while the mail is on its way: the time runs from its departure.
    valid_until: Option<String>,
    days: u32,
    form: &'a str,
    name: &'a str,
    faults: Said,
}

/// What is wrong in the fields.
#[derive(Default)]
struct Faults {
    name: Option<Phrase>,
    password: Option<Phrase>,
}

/// The same as it stands beside them.
#[derive(Serialize)]
struct Said {
    name: Option<String>,
    password: Option<String>,
}

/// The names of `page/expired.html`.
#[derive(Serialize)]
struct Expired<'a> {
    inviter: &'a Mailbox,
    invitee: &'a Mailbox,
    /// Where the form leads that asks for another link.
    renewal: &'a str,
    /// When a later link was sent, if that has not expired.
    newer: Option<String>,
    /// Whether the inviter is asked first.
    needs_approval: bool,
    form: &'a str,
}

/// The names of `page/withdrawn.html`.
#[derive(Serialize)]
struct Closed<'a> {
    inviter: &'a Mailbox,
}

/// The names of `page/used.html`.
#[derive(Serialize)]
struct Used<'a> {
    /// Who has the link has the mail, and with it the address that the mail was written to.
    address: String,
    /// Whether it was this invitation that opened the account.
    invited: bool,
    form: &'a str,
}

/// `/i/TOKEN`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/i/{token}", get(look).post(open))
}

async fn look(
    visitor: Visitor,
    Path(word): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
    State(renewals): State<Renewals>,
    State(desk): State<Desk>,
    person: Result<Staff, Response>,
) -> Response {
    let closing = Closing { pages: &pages, visitor: &visitor, word: &word, now: renewals.tending().now() };
    let page = match standing(&registration, hash(&word)) {
        Ok(Standing::Open(Stored { value: invitation, .. })) if invitation.internal => {
            let person = person.ok().map(|person| person.account.clone());
            desk.show(&pages, &visitor, &word, &invitation, person.as_ref())
        }
        Ok(Standing::Open(Stored { value: invitation, .. })) => match registration.applicant(&invitation) {
            Ok(None) => {
                let name = invitation.invitee.name.as_deref().unwrap_or_default();
                form(&pages, StatusCode::OK, &invitation, &visitor, name, &Faults::default())
            }
            Ok(Some(applicant)) => waiting(&pages, &visitor, &word, "first", &invitation, &applicant.value),
            Err(fault) => {
                error!(%fault, "looking for an applicant");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        },
        Ok(closed) => closing.page(&closed),
        Err(status) => status.into_response(),
    };
    (visitor.cookie(), page).into_response()
}

async fn open(
    Path(word): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
    State(renewals): State<Renewals>,
    State(sessions): State<Sessions>,
    Form { by: visitor, fields }: Form<Visitor, Typed>,
) -> Response {
    let closing = Closing { pages: &pages, visitor: &visitor, word: &word, now: renewals.tending().now() };
    let Some(link) = hash(&word) else {
        return closing.page(&Standing::Unknown);
    };
    // What the person can mend.
    let faults = match registration.activate(&link, &fields.name, &fields.password, visitor.peer).await {
        Ok(Answer::Opened(activated)) => {
            let cookie = Name::Session.give(&activated.session, Some(sessions.lifetime()));
            return (cookie, Redirect::to("/dropoff")).into_response();
        }
        Ok(Answer::Applied(_)) => {
            note_opened(&registration, &link).await;
            return Redirect::to(&format!("/i/{word}")).into_response();
        }
        Err(ActivationFault::Standing(closed)) => return closing.page(&closed),
        // Its page has another form.
        Err(ActivationFault::Colleague | ActivationFault::SomebodyElse) => {
            return Redirect::to(&format!("/i/{word}")).into_response();
        }
        Err(ActivationFault::HasAccount) => {
            return match standing(&registration, Some(link)) {
                Ok(Standing::Used(invitation)) => {
                    used(&pages, StatusCode::CONFLICT, &invitation, false, &visitor)
                }
                Ok(closed) => closing.page(&closed),
                Err(status) => status.into_response(),
            };
        }
        Err(ActivationFault::Name(fault)) => Faults { name: Some(fault.phrase()), password: None },
        Err(ActivationFault::Password(fault)) => Faults { name: None, password: Some(fault.phrase()) },
        // The flow has logged the cause, if there is one.
        Err(ActivationFault::Busy | ActivationFault::Internal) => {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Err(ActivationFault::Store(fault)) => {
            error!(%fault, "opening an account");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    note_opened(&registration, &link).await;
    match standing(&registration, Some(link)) {
        // Nothing that was typed is lost but the password.
        Ok(Standing::Open(Stored { value: invitation, .. })) => {
            form(&pages, StatusCode::UNPROCESSABLE_ENTITY, &invitation, &visitor, &fields.name, &faults)
        }
        Ok(closed) => closing.page(&closed),
        Err(status) => status.into_response(),
    }
}

/// A person has seen the page. If that cannot be noted the person need not care: the invitation shows as sent.
pub(super) async fn note_opened(registration: &Registration, link: &TokenHash) {
    if let Err(fault) = registration.opened(link).await {
        error!(%fault, "noting that an invitation was opened");
    }
}

pub(super) fn hash(word: &str) -> Option<TokenHash> {
    Token::parse(word).map(|token| token.hash())
}

/// What the link leads to now; what is no token leads nowhere.
fn standing(registration: &Registration, link: Option<TokenHash>) -> Result<Standing, StatusCode> {
    link.map_or(Ok(Standing::Unknown), |link| registration.look(&link)).map_err(|fault| {
        error!(%fault, "looking at a link");
        StatusCode::SERVICE_UNAVAILABLE
    })
}

fn form(
    pages: &Pages,
    status: StatusCode,
    invitation: &Invitation,
    visitor: &Visitor,
    name: &str,
    faults: &Faults,
) -> Response {
    let pages = pages.for_invitee(invitation);
    let say = |fault: &Option<Phrase>| fault.as_ref().map(|phrase| pages.say(phrase));
    let names = Activate {
        inviter: &invitation.inviter,
        invitee: &invitation.invitee,
        valid_until: invitation.valid_until().map(|at| pages.moment(at)),
        days: invitation.lifespan.in_days(),
        form: visitor.form_token(),
        name,
        faults: Said { name: say(&faults.name), password: say(&faults.password) },
    };
    pages.page(status, "activate", names)
}

/// What the pages of a link that opens nothing are made of.
pub(super) struct Closing<'a> {
    pub(super) pages: &'a Pages,
    pub(super) visitor: &'a Visitor,
    /// The link's own word, as it stands in the address.
    pub(super) word: &'a str,
    pub(super) now: Timestamp,
}

impl Closing<'_> {
    /// The four pages of a link that opens nothing.
    pub(super) fn page(&self, standing: &Standing) -> Response {
        match standing {
            Standing::Expired(invitation) => self.expired(invitation),
            Standing::Withdrawn(invitation) => {
                let names = Closed { inviter: &invitation.inviter };
                self.pages.for_invitee(invitation).page(StatusCode::GONE, "withdrawn", names)
            }
            Standing::Used(invitation) => used(self.pages, StatusCode::GONE, invitation, true, self.visitor),
            Standing::Open(_) | Standing::Unknown => {
                self.pages.page(StatusCode::NOT_FOUND, "unknown", Plain {})
            }
        }
    }

    fn expired(&self, invitation: &Invitation) -> Response {
        let is_alive = !invitation.has_expired(self.now);
        let pages = self.pages.for_invitee(invitation);
        let names = Expired {
            inviter: &invitation.inviter,
            invitee: &invitation.invitee,
            renewal: &format!("/i/{}/renewal", self.word),
            newer: invitation.life.renewed.filter(|_| is_alive).map(|at| pages.moment(at)),
            needs_approval: invitation.needs_approval(self.now),
            form: self.visitor.form_token(),
        };
        pages.page(StatusCode::GONE, "expired", names)
    }
}

fn used(
    pages: &Pages,
    status: StatusCode,
    invitation: &Invitation,
    invited: bool,
    visitor: &Visitor,
) -> Response {
    let address = invitation.invitee.address.to_string();
    pages.for_invitee(invitation).page(status, "used", Used { address, invited, form: visitor.form_token() })
}
