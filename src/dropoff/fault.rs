//! Why something was not taken, in words for the guest.

use std::io;

use thiserror::Error;

use crate::base::address::Address;
use crate::base::filename::FileName;
use crate::base::phrase::{Phrase, phrase};
use crate::base::size::Size;
use crate::store::StoreFault;

/// Why a drop-off, or a file of it, was not taken. Nothing has changed, unless said otherwise.
#[derive(Debug, Error)]
#[error("{}", self.phrase())]
pub enum DepositFault {
    /// There is none, or it is somebody else's.
    NotThere,
    /// The guest has no account any more, or a locked one.
    NoAccess,
    /// It was handed over.
    Closed,
    /// To nobody.
    NoRecipient,
    /// To too many.
    TooManyRecipients(usize),
    /// To somebody who is not to be had.
    NotARecipient(Address),
    /// No subject.
    NoSubject,
    /// Over the limit.
    SubjectTooLong(usize),
    /// Over the limit.
    MessageTooLong(usize),
    /// Nothing to send.
    NoFiles,
    /// Not everything is there.
    Unfinished(FileName),
    /// Nothing that could be one.
    NoName,
    /// By its ending.
    Blocked(String),
    /// Over the limit.
    FileTooLarge(u64),
    /// Over the limit.
    TooManyFiles(usize),
    /// Over the limit.
    GuestFull {
        /// In all.
        max: u64,
        /// What others of this guest's files leave.
        left: u64,
    },
    /// Over the limit.
    TooManyDropoffs(u32),
    /// Over the limit.
    TooManyUploads(u32),
    /// The reserve is reached.
    DiskFull,
    /// Not where the last promise ended.
    Offset {
        /// Where it goes on.
        at: u64,
    },
    /// A length was said before, and another now; or one behind which it is already.
    Length,
    /// More came than was announced. What was announced is kept, but for the last piece.
    Beyond,
    /// Somebody is sending it just now and does not let go.
    Busy,
    /// The sender broke off or fell silent. What has arrived is kept and may be resumed.
    Interrupted {
        /// Where it goes on.
        at: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The disk failed.
    #[error("a file could not be kept: {0}")]
    Keep(#[from] io::Error),
}

impl DepositFault {
    /// What is lacking, and what to do. The cause of what failed on our side is for the log (`Display`).
    #[must_use]
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::NotThere => phrase!("This drop-off or file is not there."),
            Self::NoAccess => {
                phrase!("Your access here has ended or is locked. Please ask the person who invited you.")
            }
            Self::Closed => phrase!("This drop-off has been sent already. Please begin a new one."),
            Self::NoRecipient => phrase!("Please choose at least one person to send to."),
            Self::TooManyRecipients(most) => {
                phrase!("Please choose at most {most} people to send to.", most = most)
            }
            Self::NotARecipient(address) => phrase!(
                "You cannot send to {address}. Please choose one of the people offered.",
                address = address
            ),
            Self::NoSubject => phrase!("Please enter a subject."),
            Self::SubjectTooLong(most) => {
                phrase!("Please use at most {most} characters for the subject.", most = most)
            }
            Self::MessageTooLong(most) => {
                phrase!("Please use at most {most} characters for the message.", most = most)
            }
            Self::NoFiles => phrase!("Please add at least one file."),
            Self::Unfinished(name) => {
                phrase!("“{name}” has not arrived whole yet. Please wait for it, or remove it.", name = name)
            }
            Self::NoName => {
                phrase!("This file has no name that could be kept. Please rename it and try again.")
            }
            Self::Blocked(ending) => {
                phrase!("Files whose names end in “.{ending}” are not accepted.", ending = ending)
            }
            Self::FileTooLarge(most) => phrase!("A file may have at most {most}.", most = Size(*most)),
            Self::TooManyFiles(most) => phrase!("One drop-off may have at most {most} files.", most = most),
            Self::GuestFull { max, left } => phrase!(
                "You may have at most {most} here at once; {left} are left.",
                most = Size(*max),
                left = Size(*left)
            ),
            Self::TooManyDropoffs(most) => phrase!(
                "You may have at most {most} drop-offs here at once. Please wait until older ones have ended.",
                most = most
            ),
            Self::TooManyUploads(most) => phrase!(
                "You may have at most {most} unfinished uploads. Please finish or remove one first.",
                most = most
            ),
            Self::DiskFull => {
                phrase!("There is not enough space on our side just now. Please try again later.")
            }
            Self::Offset { at } => phrase!("The upload stands at {at}.", at = at),
            Self::Length => phrase!("The length of this upload is another."),
            Self::Beyond => phrase!("More came than was announced."),
            Self::Busy => phrase!("This file is being uploaded just now."),
            Self::Interrupted { at } => {
                phrase!("The upload was interrupted; {at} octets are here.", at = at)
            }
            Self::Store(_) | Self::Keep(_) => {
                phrase!("Something went wrong on our side. Please try again later.")
            }
        }
    }
}
