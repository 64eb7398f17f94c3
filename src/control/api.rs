//! What can be asked over the control socket. Both sides share these types.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::accounts::{Account, Rights};
use crate::base::address::Address;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Secret;
use crate::roster::{NewStaff, Roster, RosterFault};

/// `POST /accounts`: a staff member to add.
#[derive(Debug, Serialize, Deserialize)]
pub struct AddAccount {
    /// Name and primary address.
    pub mailbox: Mailbox,
    /// Other addresses of the same person.
    pub aliases: Vec<Address>,
    /// In clear; the socket does not leave the machine.
    pub password: String,
    /// Whether this person may send invitations.
    pub may_invite: bool,
}

/// `PUT /accounts/ADDRESS/password`.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetPassword {
    /// The new password, in clear.
    pub password: String,
}

/// `GET /accounts`: one staff member, without secrets.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountLine {
    /// The primary address.
    pub address: Address,
    /// The display name, if there is one.
    pub name: Option<String>,
    /// Other addresses.
    pub aliases: Vec<Address>,
    /// Whether this person may send invitations.
    pub may_invite: bool,
    /// Whether sign-in is locked.
    pub locked: bool,
    /// When it was added, RFC 3339.
    pub created: String,
}

/// The answer to what was refused.
#[derive(Debug, Serialize, Deserialize)]
pub struct Problem {
    /// In words for the administrator.
    pub problem: String,
}

/// Routes to the roster.
pub fn router(roster: Roster) -> Router {
    Router::new()
        .route("/accounts", get(list).post(add))
        .route("/accounts/{address}/password", put(set_password))
        .with_state(roster)
}

async fn list(State(roster): State<Roster>) -> Result<Json<Vec<AccountLine>>, RosterFault> {
    Ok(Json(roster.list()?.iter().map(AccountLine::from).collect()))
}

async fn add(
    State(roster): State<Roster>,
    Json(wanted): Json<AddAccount>,
) -> Result<Json<AccountLine>, RosterFault> {
    Ok(Json(AccountLine::from(&roster.add(wanted.into()).await?)))
}

async fn set_password(
    State(roster): State<Roster>,
    Path(address): Path<Address>,
    Json(wanted): Json<SetPassword>,
) -> Result<StatusCode, RosterFault> {
    roster.set_password(&address, &Secret::new(wanted.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<AddAccount> for NewStaff {
    fn from(wanted: AddAccount) -> Self {
        Self {
            mailbox: wanted.mailbox,
            aliases: wanted.aliases,
            password: Secret::new(wanted.password),
            rights: Rights::of_staff(wanted.may_invite),
        }
    }
}

impl From<&Account> for AccountLine {
    fn from(account: &Account) -> Self {
        Self {
            address: account.mailbox.address.clone(),
            name: account.mailbox.name.clone(),
            aliases: account.aliases.clone(),
            may_invite: account.rights.invite,
            locked: account.locked,
            created: account.created.to_string(),
        }
    }
}

impl IntoResponse for RosterFault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Foreign(_) | Self::Password(_) | Self::NoPassword(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Exists(_) | Self::Conflict => StatusCode::CONFLICT,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Hash(_) | Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(Problem { problem: self.to_string() })).into_response()
    }
}
