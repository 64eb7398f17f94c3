//! What can be asked over the control socket about the switches. Both sides share these types.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::base::address::Address;
use crate::control::api::Problem;
use crate::store::CommitError;
use crate::switches::{Hand, Standing, Switch, SwitchFault, Switchboard};

/// Whoever may open the socket is an administrator; who it is, nobody says.
pub const COMMAND_LINE: Hand<'_> = Hand { by: None, peer: None };

/// `PUT /switches/KEY`.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetSwitch {
    /// As the file would have it.
    pub value: String,
}

/// One switch. Values are written as in the file.
#[derive(Debug, Serialize, Deserialize)]
pub struct SwitchLine {
    /// Its key in the file.
    pub key: String,
    /// What holds.
    pub value: String,
    /// What the file says.
    pub file: String,
    /// What was set in its place; null where the file decides.
    pub set: Option<SetLine>,
}

/// That it was set, and by whom.
#[derive(Debug, Serialize, Deserialize)]
pub struct SetLine {
    /// The administrator; null for the command line.
    pub by: Option<Address>,
    /// When, RFC 3339.
    pub at: String,
}

/// Routes to the switches.
pub fn router(switches: Switchboard) -> Router {
    Router::new()
        .route("/switches", get(list))
        .route("/switches/{key}", put(set).delete(give_back))
        .with_state(switches)
}

async fn list(State(switches): State<Switchboard>) -> Json<Vec<SwitchLine>> {
    Json(SwitchLine::all(&switches))
}

async fn set(
    State(switches): State<Switchboard>,
    Path(key): Path<String>,
    Json(wanted): Json<SetSwitch>,
) -> Result<Json<Vec<SwitchLine>>, SwitchFault> {
    switches.set(Switch::of(&key)?, &wanted.value, COMMAND_LINE).await?;
    Ok(Json(SwitchLine::all(&switches)))
}

async fn give_back(
    State(switches): State<Switchboard>,
    Path(key): Path<String>,
) -> Result<Json<Vec<SwitchLine>>, SwitchFault> {
    switches.give_back(Switch::of(&key)?, COMMAND_LINE).await?;
    Ok(Json(SwitchLine::all(&switches)))
}

impl SwitchLine {
    /// All of them, as they stand now.
    #[must_use]
    pub fn all(switches: &Switchboard) -> Vec<Self> {
        switches.list().into_iter().map(Self::from).collect()
    }
}

impl From<Standing> for SwitchLine {
    fn from(standing: Standing) -> Self {
        Self {
            key: standing.switch.key().to_owned(),
            value: standing.value,
            file: standing.file,
            set: standing.set.map(|set| SetLine { by: set.by, at: set.at.to_string() }),
        }
    }
}

impl IntoResponse for SwitchFault {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Value(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Commit(CommitError::Conflict) => StatusCode::CONFLICT,
            Self::Commit(CommitError::Store(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(Problem { problem: self.to_string() })).into_response()
    }
}
