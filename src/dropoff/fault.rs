//! Why something was not taken, in words for the guest.

use std::io;

use thiserror::Error;

use crate::base::address::Address;
use crate::base::filename::FileName;
use crate::base::size::Size;
use crate::store::StoreFault;

/// Why a drop-off, or a file of it, was not taken. Nothing has changed, unless said otherwise.
#[derive(Debug, Error)]
pub enum DepositFault {
    /// There is none, or it is somebody else's.
    #[error("This drop-off or file is not there.")]
    NotThere,
    /// The guest has no account any more, or a locked one.
    #[error("Your access here has ended or is locked. Please ask the person who invited you.")]
    NoAccess,
    /// It was handed over.
    #[error("This drop-off has been sent already. Please begin a new one.")]
    Closed,
    /// To nobody.
    #[error("Please choose at least one person to send to.")]
    NoRecipient,
    /// To too many.
    #[error("Please choose at most {0} people to send to.")]
    TooManyRecipients(usize),
    /// To somebody who is not to be had.
    #[error("You cannot send to {0}. Please choose one of the people offered.")]
    NotARecipient(Address),
    /// No subject.
    #[error("Please enter a subject.")]
    NoSubject,
    /// Over the limit.
    #[error("Please use at most {0} characters for the subject.")]
    SubjectTooLong(usize),
    /// Over the limit.
    #[error("Please use at most {0} characters for the message.")]
    MessageTooLong(usize),
    /// Nothing to send.
    #[error("Please add at least one file.")]
    NoFiles,
    /// Not everything is there.
    #[error("“{0}” has not arrived whole yet. Please wait for it, or remove it.")]
    Unfinished(FileName),
    /// Nothing that could be one.
    #[error("This file has no name that could be kept. Please rename it and try again.")]
    NoName,
    /// By its ending.
    #[error("Files whose names end in “.{0}” are not accepted.")]
    Blocked(String),
    /// Over the limit.
    #[error("A file may have at most {}.", Size(*.0))]
    FileTooLarge(u64),
    /// Over the limit.
    #[error("One drop-off may have at most {0} files.")]
    TooManyFiles(usize),
    /// Over the limit.
    #[error("You may have at most {} here at once; {} are left.", Size(*.max), Size(*.left))]
    GuestFull {
        /// In all.
        max: u64,
        /// What others of this guest's files leave.
        left: u64,
    },
    /// Over the limit.
    #[error("You may have at most {0} drop-offs here at once. Please wait until older ones have ended.")]
    TooManyDropoffs(u32),
    /// Over the limit.
    #[error("You may have at most {0} unfinished uploads. Please finish or remove one first.")]
    TooManyUploads(u32),
    /// The reserve is reached.
    #[error("There is not enough space on our side just now. Please try again later.")]
    DiskFull,
    /// Not where the last promise ended.
    #[error("The upload stands at {at}.")]
    Offset {
        /// Where it goes on.
        at: u64,
    },
    /// A length was said before, and another now; or one behind which it is already.
    #[error("The length of this upload is another.")]
    Length,
    /// More came than was announced. What was announced is kept, but for the last piece.
    #[error("More came than was announced.")]
    Beyond,
    /// Somebody is sending it just now and does not let go.
    #[error("This file is being uploaded just now.")]
    Busy,
    /// The sender broke off or fell silent. What has arrived is kept and may be resumed.
    #[error("The upload was interrupted; {at} octets are here.")]
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
