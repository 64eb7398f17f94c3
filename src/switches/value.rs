//! What a switch can be set to, written as in the file.

use std::ops::RangeInclusive;

use thiserror::Error;

use crate::base::clock::Lifespan;
use crate::config::{Receipts, units};
use crate::switches::{Switch, Switches};

/// Why a text is no value of a switch, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueFault {
    /// It is neither on nor off.
    #[error("“{0}” is neither true nor false")]
    OnOrOff(String),
    /// It is neither of the two.
    #[error("“{0}” is neither always nor asked")]
    Receipts(String),
    /// It is no time that a link may be valid.
    #[error("“{text}” is not from {} to {} days; write for example \"{} days\"", shortest.in_days(), longest.in_days(), longest.in_days())]
    Lifespan {
        /// What was wanted.
        text: String,
        /// `invite.lifespan_min`.
        shortest: Lifespan,
        /// `invite.lifespan_max`.
        longest: Lifespan,
    },
}

impl Switches {
    /// One of them.
    #[must_use]
    pub fn value(self, switch: Switch) -> String {
        match switch {
            Switch::Invitations => self.invitations.to_string(),
            Switch::VerifyEmail => self.verify_email.to_string(),
            Switch::Receipts => match self.receipts {
                Receipts::Always => "always".to_owned(),
                Receipts::Asked => "asked".to_owned(),
            },
            Switch::Lifespan => match self.lifespan.in_days() {
                1 => "1 day".to_owned(),
                days => format!("{days} days"),
            },
        }
    }

    /// The same with another value of one.
    pub(super) fn with(
        self,
        switch: Switch,
        value: &str,
        lifespans: &RangeInclusive<Lifespan>,
    ) -> Result<Self, ValueFault> {
        Ok(match switch {
            Switch::Invitations => Self { invitations: on_or_off(value)?, ..self },
            Switch::VerifyEmail => Self { verify_email: on_or_off(value)?, ..self },
            Switch::Receipts => Self { receipts: receipts(value)?, ..self },
            Switch::Lifespan => Self { lifespan: lifespan(value, lifespans)?, ..self },
        })
    }
}

fn on_or_off(text: &str) -> Result<bool, ValueFault> {
    units::switch(text).map_err(|_| ValueFault::OnOrOff(text.to_owned()))
}

fn receipts(text: &str) -> Result<Receipts, ValueFault> {
    units::one_of(&Receipts::WORDS)(text).map_err(|_| ValueFault::Receipts(text.to_owned()))
}

/// Whole days, within the bounds.
fn lifespan(text: &str, lifespans: &RangeInclusive<Lifespan>) -> Result<Lifespan, ValueFault> {
    let lifespan = units::days(text).ok().filter(|lifespan| lifespans.contains(lifespan));
    lifespan.ok_or_else(|| ValueFault::Lifespan {
        text: text.to_owned(),
        shortest: *lifespans.start(),
        longest: *lifespans.end(),
    })
}
