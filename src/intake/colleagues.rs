//! Colleagues as invitees: people of the organisation who have no account here yet.
//!
//! Whoever is invited must be able to accept. So the directory is asked about each of them while the client listens; one
//! that is silent is never a "no". Without a directory an identity provider vouches for whole domains, and cannot be
//! asked.

use crate::accounts::Rights;
use crate::auth::Colleague;
use crate::auth::enrolment::LookupFault;
use crate::base::address::Address;
use crate::intake::Intake;
use crate::intake::fault::failed;
use crate::intake::policy::Inviter;
use crate::intake::refusal::Refusal;
use crate::intake::sorting::{Guestlist, Whom};

impl Intake {
    /// Whoever invites may stand among the recipients, to have a copy; nobody invites himself or herself.
    pub(super) fn without_inviter(
        &self,
        inviter: &Inviter,
        mut list: Guestlist,
    ) -> Result<Guestlist, Refusal> {
        let accounts = &self.inner.parts.guests.accounts;
        let mut invitees = Vec::with_capacity(list.invitees.len());
        for invitee in list.invitees {
            let account = accounts.by_address(&invitee.address).map_err(|fault| failed(&fault))?;
            let is_inviter = account.is_some_and(|account| account.value.id == inviter.account);
            if is_inviter { &mut list.courtesy } else { &mut invitees }.push(invitee);
        }
        Ok(Guestlist { invitees, ..list })
    }

    /// Whether all of them can sign in here.
    pub(super) async fn check_colleagues(&self, invitees: &[&Address]) -> Result<(), Refusal> {
        let domains = &self.inner.policy.invite.internal_domains;
        for &invitee in invitees {
            if !domains.contains(invitee.domain()) {
                return Err(Refusal::NotInDirectory(invitee.clone()));
            }
            match self.inner.parts.authenticator.colleague(invitee).await {
                Ok(Colleague::Free) => {}
                Ok(Colleague::Locked) => return Err(Refusal::LockedOut(invitee.clone())),
                Ok(Colleague::Unknown) => return Err(Refusal::NotInDirectory(invitee.clone())),
                Err(LookupFault::Store(fault)) => return Err(failed(&fault)),
                Err(LookupFault::Directory(fault)) => {
                    tracing::error!(%fault, "nobody can say whether colleagues are in the directory");
                    return Err(Refusal::ColleaguesUnknown);
                }
            }
        }
        Ok(())
    }
}

impl Whom {
    /// Whether somebody with these rights may invite them.
    #[must_use]
    pub const fn is_open_to(self, rights: Rights) -> bool {
        match self {
            Self::Outsiders => rights.invite,
            Self::Colleagues => rights.invite_internal,
        }
    }

    /// What who may not invite them hears.
    pub(super) fn forbidden(self, inviter: Address) -> Refusal {
        match self {
            Self::Outsiders => Refusal::MayNotInvite(inviter),
            Self::Colleagues => Refusal::MayNotInviteColleagues(inviter),
        }
    }

    /// What who invites nobody hears.
    pub(super) const fn nobody(self) -> Refusal {
        match self {
            Self::Outsiders => Refusal::NobodyOutside,
            Self::Colleagues => Refusal::NobodyInside,
        }
    }
}
