//! `[registration]` and `[guests]`: how accounts of guests begin, and when they end.

use std::time::Duration;

use crate::config::section::Section;
use crate::config::units::{self, Wrong};

/// What stands for "they do not end".
const NEVER: &str = "never";
/// Nobody is warned 14 days before the end of less than two months.
const UNUSED_MIN: Duration = Duration::from_hours(60 * 24);
const UNUSED_MAX: Duration = Duration::from_hours(3650 * 24);

/// How an account of a guest begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Whether a second mail proves the address before the account opens.
    pub verify_email: bool,
}

/// How an account of a guest ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestAccounts {
    /// After so long without a sign-in; `None` is never.
    pub end_after: Option<Duration>,
}

impl Default for GuestAccounts {
    fn default() -> Self {
        Self { end_after: Some(Duration::from_hours(365 * 24)) }
    }
}

pub(super) fn registration(section: &mut Section<'_>) -> Registration {
    Registration { verify_email: section.or("verify_email", false, units::switch) }
}

pub(super) fn guests(section: &mut Section<'_>) -> GuestAccounts {
    GuestAccounts { end_after: section.or("end_after", GuestAccounts::default().end_after, unused) }
}

/// A time, or never.
fn unused(text: &str) -> Result<Option<Duration>, Wrong> {
    if text == NEVER {
        return Ok(None);
    }
    units::time(UNUSED_MIN..=UNUSED_MAX)(text)
        .map(Some)
        .map_err(|wrong| Wrong::new(wrong.problem, format!("{} Or write \"{NEVER}\".", wrong.remedy)))
}
