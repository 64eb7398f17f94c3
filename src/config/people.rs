//! `[registration]` and `[guests]`: how accounts of guests begin, and when they end.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::base::address::{Address, Domain};
use crate::config::Organisation;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};

/// What stands for "they do not end".
const NEVER: &str = "never";
/// Nobody is warned 14 days before the end of less than two months.
const UNUSED: RangeInclusive<Duration> = Duration::from_hours(60 * 24)..=Duration::from_hours(3650 * 24);
/// Nobody is warned 3 days before the end of less than a week.
const UNSPONSORED: RangeInclusive<Duration> = Duration::from_hours(7 * 24)..=Duration::from_hours(3650 * 24);

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
    /// So long after nobody answers for the guest any more; `None` is never.
    pub end_without_sponsor: Option<Duration>,
    /// Who is asked to answer for the guests of somebody who has left and has no manager in a directory.
    pub fallback_sponsor: Option<Address>,
}

impl Default for GuestAccounts {
    fn default() -> Self {
        Self {
            end_after: Some(Duration::from_hours(365 * 24)),
            end_without_sponsor: Some(Duration::from_hours(30 * 24)),
            fallback_sponsor: None,
        }
    }
}

pub(super) fn registration(section: &mut Section<'_>) -> Registration {
    Registration { verify_email: section.or("verify_email", false, units::switch) }
}

pub(super) fn guests(section: &mut Section<'_>, organisation: Option<&Organisation>) -> GuestAccounts {
    let default = GuestAccounts::default();
    let ours = organisation.map_or(&[][..], |organisation| &organisation.domains);
    GuestAccounts {
        end_after: section.or("end_after", default.end_after, time_or_never(UNUSED)),
        end_without_sponsor: section.or(
            "end_without_sponsor",
            default.end_without_sponsor,
            time_or_never(UNSPONSORED),
        ),
        fallback_sponsor: section.optional("fallback_sponsor", |text| colleague(text, ours)),
    }
}

/// A time, or never.
fn time_or_never(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Option<Duration>, Wrong> {
    move |text| {
        if text == NEVER {
            return Ok(None);
        }
        units::time(range.clone())(text)
            .map(Some)
            .map_err(|wrong| Wrong::new(wrong.problem, format!("{} Or write \"{NEVER}\".", wrong.remedy)))
    }
}

/// An address of the organisation's: nobody outside answers for guests.
fn colleague(text: &str, ours: &[Domain]) -> Result<Address, Wrong> {
    let address = units::address(text)?;
    if ours.is_empty() || ours.contains(address.domain()) {
        return Ok(address);
    }
    Err(Wrong::new(
        format!("{address} is in no domain of the organisation"),
        "Write the address of somebody who may answer for guests, in one of organisation.domains.",
    ))
}
