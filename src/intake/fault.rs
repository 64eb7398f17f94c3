//! What goes wrong inside: written to the journal, and told to the sender without its cause.

use crate::intake::copies::CopyFault;
use crate::intake::refusal::Refusal;
use crate::mail::rewrite::RewriteFault;
use crate::notices::NoticeFault;
use crate::store::{CommitError, StoreFault};

/// Rewriting reads the spool and burns processor time: neither belongs on the threads that carry mail.
pub(super) async fn on_a_thread_of_its_own<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyFault> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(CopyFault::NoText)) => Err(Refusal::NoText),
        Ok(Err(CopyFault::Store(fault))) => Err(failed(&fault)),
        // The same message would fail in the same way again: its sender must hear of it.
        Ok(Err(CopyFault::Rewrite(RewriteFault::Check(flaw)))) => {
            tracing::warn!(flaw, "a message that cannot be rewritten was refused");
            Err(Refusal::Unclear)
        }
        Ok(Err(fault)) => {
            tracing::error!(%fault, "a copy could not be written");
            Err(Refusal::Internal)
        }
        Err(fault) => {
            tracing::error!(%fault, "writing a copy ended unexpectedly");
            Err(Refusal::Internal)
        }
    }
}

/// The spool did not take a body.
pub(super) fn unwritten(fault: std::io::Error) -> Refusal {
    failed(&StoreFault::Io(fault))
}

/// A mail of our own could not be written.
pub(super) fn unnoticed(fault: NoticeFault) -> Refusal {
    match fault {
        NoticeFault::Store(fault) => failed(&fault),
        NoticeFault::Keep(fault) => unwritten(fault),
        fault => {
            tracing::error!(%fault, "a notice could not be written");
            Refusal::Internal
        }
    }
}

/// The store did not take a batch.
pub(super) fn uncommitted(fault: CommitError) -> Refusal {
    match fault {
        CommitError::Store(fault) => failed(&fault),
        CommitError::Conflict => {
            tracing::error!("a message could not be kept: others were first again and again");
            Refusal::Internal
        }
    }
}

/// The store failed. A full disk is told as one; anything else is ours to mend and goes to the journal.
pub(super) fn failed(fault: &StoreFault) -> Refusal {
    if matches!(fault, StoreFault::Full) {
        return Refusal::DiskFull;
    }
    tracing::error!(%fault, "a message could not be kept");
    Refusal::Internal
}
