//! Display names, as the people themselves write them.

use thiserror::Error;

use crate::base::mailbox::{breaks_line, is_unseen};
use crate::base::phrase::{Phrase, phrase};

/// Characters of a display name.
const NAME_MAX: usize = 64;

/// Why a display name is not one, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}", self.phrase())]
pub enum NameFault {
    /// Nothing but white space.
    Empty,
    /// Over 64 characters.
    TooLong,
    /// Line breaks, turned reading direction and the like.
    Control,
}

impl NameFault {
    /// What to do.
    #[must_use]
    pub fn phrase(self) -> Phrase {
        match self {
            Self::Empty => phrase!("Please enter your name."),
            Self::TooLong => phrase!("Please use at most {most} characters for your name.", most = NAME_MAX),
            Self::Control => phrase!("Please use only letters and other visible characters for your name."),
        }
    }
}

/// A name as people write it: 1 to 64 characters without white space around, all of them to be seen.
///
/// # Errors
/// [`NameFault`] says what to write instead.
pub fn display_name(text: &str) -> Result<&str, NameFault> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.chars().count() > NAME_MAX {
        return Err(NameFault::TooLong);
    }
    if name.chars().any(|c| breaks_line(c) || is_unseen(c)) {
        return Err(NameFault::Control);
    }
    Ok(name)
}
