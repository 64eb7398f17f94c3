//! What can be asked over the control socket. Both sides share these types.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::accounts::{Account, Credential, Kind, Rights};
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
    /// What this person may do.
    pub rights: Rights,
}

/// `GET /accounts?guests=…`: of which side.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct WantedAccounts {
    /// Guests instead of staff.
    #[serde(default)]
    pub guests: bool,
}

/// `PATCH /accounts/ADDRESS`: what is to change; what is absent stays.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct ChangeAccount {
    /// Whether sign-in is locked.
    pub locked: Option<bool>,
    /// Whether this person may send invitations.
    pub invite: Option<bool>,
    /// Whether this person may invite colleagues.
    pub invite_internal: Option<bool>,
    /// Whether this person may administer the gateway.
    pub admin: Option<bool>,
}

/// `PUT /accounts/ADDRESS/password`.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetPassword {
    /// The new password, in clear.
    pub password: String,
}

/// One account, without secrets.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is one answer to one question of a script")]
pub struct AccountLine {
    /// The primary address.
    pub address: Address,
    /// The display name, if there is one.
    pub name: Option<String>,
    /// Other addresses.
    pub aliases: Vec<Address>,
    /// Whether this is a guest.
    pub guest: bool,
    /// Whether this person may send invitations.
    pub may_invite: bool,
    /// Whether this person may invite colleagues.
    pub may_invite_internal: bool,
    /// Whether this person may administer the gateway.
    pub admin: bool,
    /// Whether the password is the organisation's, and none is kept here.
    pub directory: bool,
    /// Whether sign-in is locked.
    pub locked: bool,
    /// When it was added, RFC 3339.
    pub created: String,
    /// When it was used last, RFC 3339; only where one account is asked for.
    pub last_use: Option<String>,
    /// Of a guest: who invited, the last one last.
    pub inviters: Vec<Address>,
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
        .route("/accounts/{address}", get(show).patch(change).delete(remove))
        .route("/accounts/{address}/password", put(set_password))
        .with_state(roster)
}

async fn list(
    State(roster): State<Roster>,
    Query(wanted): Query<WantedAccounts>,
) -> Result<Json<Vec<AccountLine>>, RosterFault> {
    Ok(Json(roster.list(wanted.kind())?.iter().map(AccountLine::from).collect()))
}

async fn add(
    State(roster): State<Roster>,
    Json(wanted): Json<AddAccount>,
) -> Result<Json<AccountLine>, RosterFault> {
    Ok(Json(AccountLine::from(&roster.add(wanted.into()).await?)))
}

async fn show(
    State(roster): State<Roster>,
    Path(address): Path<Address>,
) -> Result<Json<AccountLine>, RosterFault> {
    Ok(Json(AccountLine::shown(&roster, &address)?))
}

async fn change(
    State(roster): State<Roster>,
    Path(address): Path<Address>,
    Json(wanted): Json<ChangeAccount>,
) -> Result<Json<AccountLine>, RosterFault> {
    Ok(Json(wanted.apply(&roster, &address).await?))
}

async fn remove(
    State(roster): State<Roster>,
    Path(address): Path<Address>,
) -> Result<Json<AccountLine>, RosterFault> {
    Ok(Json(AccountLine::from(&roster.remove(&address).await?)))
}

async fn set_password(
    State(roster): State<Roster>,
    Path(address): Path<Address>,
    Json(wanted): Json<SetPassword>,
) -> Result<StatusCode, RosterFault> {
    roster.set_password(&address, &Secret::new(wanted.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl WantedAccounts {
    /// The side that is asked for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        if self.guests { Kind::Guest } else { Kind::Staff }
    }
}

impl ChangeAccount {
    /// Makes the changes.
    ///
    /// # Errors
    /// [`RosterFault`].
    pub async fn apply(self, roster: &Roster, address: &Address) -> Result<AccountLine, RosterFault> {
        if self.invite.is_some() || self.invite_internal.is_some() || self.admin.is_some() {
            let changed = |old: Rights| Rights {
                invite: self.invite.unwrap_or(old.invite),
                invite_internal: self.invite_internal.unwrap_or(old.invite_internal),
                admin: self.admin.unwrap_or(old.admin),
            };
            roster.set_rights(address, changed).await?;
        }
        if let Some(locked) = self.locked {
            roster.lock(address, locked).await?;
        }
        AccountLine::shown(roster, address)
    }
}

impl AccountLine {
    /// One account, with its last use.
    ///
    /// # Errors
    /// [`RosterFault`].
    pub fn shown(roster: &Roster, address: &Address) -> Result<Self, RosterFault> {
        let (account, last) = roster.show(address)?;
        Ok(Self { last_use: last.map(|last| last.at.to_string()), ..Self::from(&account) })
    }
}

impl From<AddAccount> for NewStaff {
    fn from(wanted: AddAccount) -> Self {
        Self {
            mailbox: wanted.mailbox,
            aliases: wanted.aliases,
            password: Secret::new(wanted.password),
            rights: wanted.rights,
        }
    }
}

impl From<&Account> for AccountLine {
    fn from(account: &Account) -> Self {
        Self {
            address: account.mailbox.address.clone(),
            name: account.mailbox.name.clone(),
            aliases: account.aliases.clone(),
            guest: account.kind == Kind::Guest,
            may_invite: account.rights.invite,
            may_invite_internal: account.rights.invite_internal,
            admin: account.rights.admin,
            directory: account.credential == Credential::Organisation,
            locked: account.locked,
            created: account.created.to_string(),
            last_use: None,
            inviters: account.inviters.iter().map(|inviter| inviter.address.clone()).collect(),
        }
    }
}

impl IntoResponse for RosterFault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Foreign(_) | Self::Password(_) | Self::NoPassword(_) | Self::Guest(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Exists(_) | Self::Conflict => StatusCode::CONFLICT,
            Self::Unknown(_) | Self::Nobody(_) => StatusCode::NOT_FOUND,
            Self::Hash(_) | Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(Problem { problem: self.to_string() })).into_response()
    }
}
