//! `/i/TOKEN/join` and `/join/ID`: where a colleague accepts an invitation.
//!
//! Nobody chooses a password here. A colleague proves to be the invitee with the one that the organisation's directory
//! knows, or comes back from an identity provider, already signed in, and presses the button. The link's token never
//! travels there: the way back goes by the invitation's id, and opens nothing to anybody but the invitee.

use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::accounts::{Account, Kind};
use crate::auth::{Authenticator, Identity};
use crate::base::id::InvitationId;
use crate::base::mailbox::Mailbox;
use crate::base::phrase::{Phrase, phrase};
use crate::base::secret::Secret;
use crate::httpd::form::{Button, Form};
use crate::httpd::page::Pages;
use crate::httpd::pages::activate::{Closing, hash, note_opened};
use crate::httpd::pages::sign_in::{Provider, Providers, TurnedAway, begin};
use crate::httpd::permit::{FormToken, Staff, StaffNetworks, Visitor};
use crate::httpd::router::Parts;
use crate::httpd::session::Sessions;
use crate::httpd::way::{Next, home};
use crate::invites::{Invitation, Standing};
use crate::registration::colleague::By;
use crate::registration::{ActivationFault, Registration};
use crate::store::Stored;
use crate::tending::renewal::Renewals;

/// What is typed into the form. The address is the invitation's, and not up to the form.
#[derive(Debug, Deserialize)]
struct Typed {
    password: Secret,
}

/// What these pages stand on.
#[derive(Clone)]
pub(super) struct Desk {
    registration: Registration,
    renewals: Renewals,
    authenticator: Authenticator,
    sessions: Sessions,
    staff: StaffNetworks,
    providers: Providers,
}

/// The names of `page/join.html`.
#[derive(Serialize)]
struct Join<'a> {
    /// `prove`, `confirm`, or `foreign` for somebody else.
    outcome: &'a str,
    inviter: &'a Mailbox,
    invitee: &'a Mailbox,
    /// None while the mail is on its way: the time runs from its departure.
    valid_until: Option<String>,
    days: u32,
    /// Whether there is a directory to check a password.
    has_password: bool,
    providers: &'a [Provider],
    /// Who is signed in, where that is not the invitee.
    signed_in: Option<String>,
    fault: Option<String>,
    /// Where the form leads.
    action: String,
    /// Where an identity provider leads back to.
    next: String,
    form: &'a str,
}

/// `/i/TOKEN/join` and `/join/ID`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/i/{token}/join", post(prove)).route("/join/{id}", get(look).post(accept))
}

impl FromRef<Parts> for Desk {
    fn from_ref(parts: &Parts) -> Self {
        Self {
            registration: parts.registration.clone(),
            renewals: parts.renewals.clone(),
            authenticator: parts.authenticator.clone(),
            sessions: parts.sessions.clone(),
            staff: parts.staff.clone(),
            providers: parts.providers.clone(),
        }
    }
}

impl Desk {
    /// What the link of a colleague shows. Who is signed in as the invitee goes on to the button.
    pub(super) fn show(
        &self,
        pages: &Pages,
        visitor: &Visitor,
        word: &str,
        invitation: &Invitation,
        person: Option<&Account>,
    ) -> Response {
        // Staff come in from their own networks; from elsewhere these pages are not there.
        if !self.staff.hold(visitor.peer) {
            return StatusCode::NOT_FOUND.into_response();
        }
        match person {
            Some(person) if person.owns(&invitation.invitee.address) => {
                Redirect::to(&format!("/join/{}", invitation.id)).into_response()
            }
            other => self.form(pages, (StatusCode::OK, None), visitor, word, invitation, other),
        }
    }

    fn form(
        &self,
        pages: &Pages,
        (status, fault): (StatusCode, Option<&Phrase>),
        visitor: &Visitor,
        word: &str,
        invitation: &Invitation,
        other: Option<&Account>,
    ) -> Response {
        let pages = pages.for_invitee(invitation);
        let names = Join {
            outcome: "prove",
            has_password: self.authenticator.has_directory(),
            providers: self.providers.offered(&self.staff, visitor.peer),
            signed_in: other.map(|other| other.mailbox.address.to_string()),
            fault: fault.map(|fault| pages.say(fault)),
            action: format!("/i/{word}/join"),
            form: visitor.form_token(),
            ..Join::about(&pages, invitation)
        };
        pages.page(status, "join", names)
    }
}

impl<'a> Join<'a> {
    /// What does not depend on who looks.
    fn about(pages: &Pages, invitation: &'a Invitation) -> Self {
        Self {
            outcome: "confirm",
            inviter: &invitation.inviter,
            invitee: &invitation.invitee,
            valid_until: invitation.valid_until().map(|at| pages.moment(at)),
            days: invitation.lifespan.in_days(),
            has_password: false,
            providers: &[],
            signed_in: None,
            fault: None,
            action: format!("/join/{}", invitation.id),
            next: format!("/join/{}", invitation.id),
            form: "",
        }
    }
}

/// The organisation's own password.
async fn prove(
    Path(word): Path<String>,
    pages: Pages,
    State(desk): State<Desk>,
    headers: HeaderMap,
    Form { by: visitor, fields }: Form<Visitor, Typed>,
) -> Response {
    let now = desk.renewals.tending().now();
    let closing = Closing { pages: &pages, visitor: &visitor, word: &word, now };
    let Some(link) = hash(&word) else {
        return closing.page(&Standing::Unknown);
    };
    let invitation = match desk.registration.look(&link) {
        Ok(Standing::Open(Stored { value: invitation, .. })) if invitation.internal => invitation,
        Ok(Standing::Open(_)) => return closing.page(&Standing::Unknown),
        Ok(closed) => return closing.page(&closed),
        Err(fault) => return unreadable(&fault),
    };
    if !desk.staff.hold(visitor.peer) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let address = invitation.invitee.address.to_string();
    let verdict =
        desk.authenticator.sign_in(&address, &fields.password, visitor.peer, &[Kind::Staff], "web").await;
    let away = match TurnedAway::or_in(verdict) {
        Ok(identity) => match desk.registration.accept(By::Link(&link), &identity, visitor.peer).await {
            Ok(()) => return begin(&desk.sessions, &identity, &headers, &Next::default()).await,
            Err(ActivationFault::Standing(closed)) => return closing.page(&closed),
            Err(ActivationFault::SomebodyElse) => TurnedAway::because(StatusCode::FORBIDDEN, somebody_else()),
            Err(fault) => return unaccepted(&fault),
        },
        Err(away) => away,
    };
    note_opened(&desk.registration, &link).await;
    let told = (away.status, Some(&away.fault));
    away.answer(desk.form(&pages, told, &visitor, &word, &invitation, None))
}

/// The button, for the invitee who is signed in.
async fn look(
    staff: Staff,
    Path(id): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
) -> Response {
    let Ok(id) = id.parse::<InvitationId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let invitation = match registration.internal(id) {
        Ok(Some(invitation)) => invitation,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(ActivationFault::Standing(_)) => return Redirect::to(home(Kind::Staff)).into_response(),
        Err(fault) => return unaccepted(&fault),
    };
    if !staff.account.owns(&invitation.invitee.address) {
        return foreign(&pages, &staff, &invitation);
    }
    pages.page(StatusCode::OK, "join", Join { form: staff.form_token(), ..Join::about(&pages, &invitation) })
}

async fn accept(
    Path(id): Path<String>,
    pages: Pages,
    State(registration): State<Registration>,
    Form { by: staff, .. }: Form<Staff, Button>,
) -> Response {
    let Ok(id) = id.parse::<InvitationId>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let identity = Identity::from(staff.account.clone());
    match registration.accept(By::Id(id), &identity, staff.peer).await {
        // What is over or done leads home, too: the person is in.
        Ok(()) | Err(ActivationFault::Standing(_)) => Redirect::to(home(Kind::Staff)).into_response(),
        Err(ActivationFault::SomebodyElse) => match registration.internal(id) {
            Ok(Some(invitation)) => foreign(&pages, &staff, &invitation),
            _ => StatusCode::NOT_FOUND.into_response(),
        },
        Err(fault) => unaccepted(&fault),
    }
}

/// To somebody else nothing is told of whose invitation it is.
fn foreign(pages: &Pages, staff: &Staff, invitation: &Invitation) -> Response {
    let names = Join {
        outcome: "foreign",
        signed_in: Some(staff.account.mailbox.address.to_string()),
        ..Join::about(pages, invitation)
    };
    pages.page(StatusCode::FORBIDDEN, "join", names)
}

fn unaccepted(fault: &ActivationFault) -> Response {
    // The flow has logged the cause of the others, if there is one.
    if let ActivationFault::Store(fault) = fault {
        error!(%fault, "accepting an invitation");
    }
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

fn unreadable(fault: &crate::store::StoreFault) -> Response {
    error!(%fault, "looking at a link");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// The password is right, and the person has another address here.
fn somebody_else() -> Phrase {
    phrase!(
        "You are known here by another address than the one that was invited. Please ask your administrator."
    )
}
