//! From what the door, the data and the disk say to what the client hears.
//!
//! The only place where a refusal gets SMTP's codes; the words are the refusal's own.

use std::io;

use crate::intake::refusal::Refusal;
use crate::intake::submission::Accepted;
use crate::smtp::data::DataFault;
use crate::smtp::reply::{EnhancedCode, Reply};

/// Yes: from here on it is ours (RFC 5321 §6.1).
pub(super) fn accepted(accepted: &Accepted) -> Reply {
    let text = match accepted.invitations {
        0 => format!("Taken as {}", accepted.id),
        1 => format!("Taken as {}: 1 person is invited", accepted.id),
        people => format!("Taken as {}: {people} people are invited", accepted.id),
    };
    Reply::new(250, EnhancedCode(2, 0, 0), text)
}

/// No, from the door.
pub(super) fn refused(refusal: &Refusal) -> Reply {
    let (code, enhanced) = match refusal {
        Refusal::NotYourAddress { .. }
        | Refusal::ForeignFrom(_)
        | Refusal::InvitationsOff
        | Refusal::MayNotInvite(_)
        | Refusal::MayNotInviteColleagues(_)
        | Refusal::BlockedDomain(_)
        | Refusal::NotAllowedDomain(_)
        | Refusal::Automatic(_)
        | Refusal::CameBack
        | Refusal::NotReturned(_)
        | Refusal::NotYourInvitation(_)
        | Refusal::AutomaticAnswer(_)
        | Refusal::Loop { invites: true, .. } => (550, EnhancedCode(5, 7, 1)),
        Refusal::UnknownAddress(_) | Refusal::NotInDirectory(_) => (550, EnhancedCode(5, 1, 1)),
        // RFC 3463 §3.3: "mailbox disabled".
        Refusal::LockedOut(_) => (550, EnhancedCode(5, 2, 1)),
        Refusal::NobodyOutside
        | Refusal::NobodyInside
        | Refusal::InternalOff
        | Refusal::BothSides
        | Refusal::Outsider(_)
        | Refusal::RecipientRefused
        | Refusal::UnreadRecipients
        | Refusal::BadTag { .. }
        | Refusal::BadSuffix { .. }
        | Refusal::InviteAddress(_)
        | Refusal::Colleague(_)
        | Refusal::HasAccount(_)
        | Refusal::NotChanged(_)
        | Refusal::Lifespan { .. } => (550, EnhancedCode(5, 1, 3)),
        Refusal::NoSuchDomain(_) | Refusal::TakesNoMail(_) | Refusal::Misspelt { .. } => {
            (550, EnhancedCode(5, 1, 2))
        }
        Refusal::TooMany(_) => (450, EnhancedCode(4, 7, 1)),
        Refusal::NoFrom | Refusal::BlankSubject | Refusal::SubjectTooLong { .. } | Refusal::NoText => {
            (550, EnhancedCode(5, 6, 0))
        }
        // Not 452: behind DATA a client would only try the same message again, and its sender would never hear.
        Refusal::TooManyInvitees { .. } | Refusal::TooManyInDomain { .. } => (550, EnhancedCode(5, 5, 3)),
        Refusal::Structure(_) | Refusal::Unclear => (550, EnhancedCode(5, 6, 1)),
        // RFC 5321 §6.3; RFC 3463 §3.5: "routing loop detected".
        Refusal::Loop { invites: false, .. } => (550, EnhancedCode(5, 4, 6)),
        Refusal::QueueFull | Refusal::DiskFull => (452, EnhancedCode(4, 3, 1)),
        // RFC 4954 §6: "temporary authentication failure".
        Refusal::DirectorySilent => (454, EnhancedCode(4, 7, 0)),
        // RFC 3463 §3.5: "directory server failure".
        Refusal::ColleaguesUnknown => (451, EnhancedCode(4, 4, 3)),
        Refusal::Internal => (451, EnhancedCode(4, 3, 0)),
    };
    Reply::new(code, enhanced, refusal.to_string())
}

/// No, because of the octets themselves.
pub(super) fn faulty(fault: DataFault) -> Reply {
    let enhanced = match fault {
        DataFault::BareCrOrLf => EnhancedCode(5, 6, 11),
        DataFault::NulBeginsLine | DataFault::LineTooLong => EnhancedCode(5, 6, 0),
    };
    Reply::new(550, enhanced, fault.to_string())
}

/// No, because the body cannot be kept.
pub(super) fn unwritten(error: &io::Error) -> Reply {
    refused(&match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::DiskFull,
        _ => Refusal::Internal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::address::Address;
    use crate::base::clock::{Lifespan, Timestamp};
    use crate::invites::tally::{Reached, Scope};
    use crate::mail::outline::OutlineFault;

    #[test]
    fn every_refusal_has_the_code_of_the_specification() {
        let ann = Address::parse("ann@corp.example").unwrap();
        let days = Lifespan::days;
        let reached = Reached { scope: Scope::Hour, limit: 100, until: Timestamp::from_millis(0) };
        for (refusal, expected) in [
            (Refusal::NotYourAddress { who: ann.clone(), claimed: ann.clone() }, "550 5.7.1"),
            (Refusal::ForeignFrom(ann.clone()), "550 5.7.1"),
            (Refusal::NoFrom, "550 5.6.0"),
            (Refusal::InvitationsOff, "550 5.7.1"),
            (Refusal::MayNotInvite(ann.clone()), "550 5.7.1"),
            (Refusal::NobodyOutside, "550 5.1.3"),
            (Refusal::NobodyInside, "550 5.1.3"),
            (Refusal::InternalOff, "550 5.1.3"),
            (Refusal::BothSides, "550 5.1.3"),
            (Refusal::Outsider(ann.clone()), "550 5.1.3"),
            (Refusal::MayNotInviteColleagues(ann.clone()), "550 5.7.1"),
            (Refusal::NotInDirectory(ann.clone()), "550 5.1.1"),
            (Refusal::LockedOut(ann.clone()), "550 5.2.1"),
            (Refusal::ColleaguesUnknown, "451 4.4.3"),
            (Refusal::RecipientRefused, "550 5.1.3"),
            (Refusal::UnreadRecipients, "550 5.1.3"),
            (Refusal::BadSuffix { address: ann.clone(), example: String::new() }, "550 5.1.3"),
            (Refusal::InviteAddress(ann.clone()), "550 5.1.3"),
            (Refusal::Colleague(ann.clone()), "550 5.1.3"),
            (Refusal::NoSuchDomain(ann.clone()), "550 5.1.2"),
            (Refusal::TakesNoMail(ann.clone()), "550 5.1.2"),
            (Refusal::Misspelt { written: ann.clone(), meant: ann.clone() }, "550 5.1.2"),
            (Refusal::BlockedDomain(ann.clone()), "550 5.7.1"),
            (Refusal::NotAllowedDomain(ann.clone()), "550 5.7.1"),
            (Refusal::TooMany(reached), "450 4.7.1"),
            (Refusal::UnknownAddress(ann.clone()), "550 5.1.1"),
            (Refusal::NotReturned(ann.clone()), "550 5.7.1"),
            (Refusal::NotYourInvitation(ann.clone()), "550 5.7.1"),
            (Refusal::AutomaticAnswer("List-Id".to_owned()), "550 5.7.1"),
            (Refusal::HasAccount(ann.clone()), "550 5.1.3"),
            (Refusal::NotChanged("It is used".to_owned()), "550 5.1.3"),
            (Refusal::BlankSubject, "550 5.6.0"),
            (Refusal::SubjectTooLong { characters: 300, limit: 256 }, "550 5.6.0"),
            (Refusal::NoText, "550 5.6.0"),
            (Refusal::TooManyInvitees { count: 51, limit: 50 }, "550 5.5.3"),
            (Refusal::TooManyInDomain { count: 9, domain: ann.domain().clone(), limit: 8 }, "550 5.5.3"),
            (Refusal::Lifespan { days: days(100), shortest: days(1), longest: days(90) }, "550 5.1.3"),
            (Refusal::Structure(OutlineFault::Partial), "550 5.6.1"),
            (Refusal::Unclear, "550 5.6.1"),
            (Refusal::Automatic("List-Id".to_owned()), "550 5.7.1"),
            (Refusal::CameBack, "550 5.7.1"),
            (Refusal::Loop { hops: 31, limit: 30, invites: false }, "550 5.4.6"),
            (Refusal::Loop { hops: 31, limit: 30, invites: true }, "550 5.7.1"),
            (Refusal::QueueFull, "452 4.3.1"),
            (Refusal::DiskFull, "452 4.3.1"),
            (Refusal::DirectorySilent, "454 4.7.0"),
            (Refusal::Internal, "451 4.3.0"),
        ] {
            assert_eq!(refused(&refusal).to_string(), format!("{expected} {refusal}"));
        }
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        assert_eq!(unwritten(&io::ErrorKind::StorageFull.into()).code, 452);
        assert_eq!(unwritten(&io::ErrorKind::PermissionDenied.into()).code, 451);
    }
}
