//! The address of an invitation is corrected, by the rules that hold for inviting somebody.

use std::collections::BTreeSet;

use crate::accounts::Kind;
use crate::audit::{self, Event};
use crate::base::address::Address;
use crate::base::id::InvitationId;
use crate::intake::Intake;
use crate::intake::Policy;
use crate::intake::fault::{failed, unnoticed};
use crate::intake::policy::Inviter;
use crate::intake::refusal::Refusal;
use crate::intake::sorting::{Sorter, Whom};
use crate::invites::Invitation;
use crate::store::Batch;
use crate::tending::TendingFault;

/// How often it is tried anew because somebody else changed the invitation.
const ROUNDS_MAX: usize = 8;

impl Intake {
    /// Corrects the address of an invitation in its inviter's name: the person gets a fresh link there, and links that
    /// went to the wrong address open nothing any more. It counts as one invitation.
    ///
    /// # Errors
    /// Why the address cannot be invited, or the invitation not be changed.
    pub async fn readdress(&self, id: InvitationId, right: &Address) -> Result<Invitation, Refusal> {
        let invitation = self.inner.parts.renewals.tending().show(id).map_err(not_changed)?;
        let whom = Whom::of(&invitation);
        let author = invitation.inviter;
        match self.staff(&author.address).await? {
            Some(identity) if whom.is_open_to(identity.rights) => {
                let inviter = Inviter { author, account: identity.account };
                self.readdress_by(&inviter, id, whom, right).await
            }
            _ => Err(whom.forbidden(author.address)),
        }
    }

    /// The same for an inviter whose right to invite is known.
    pub(super) async fn readdress_by(
        &self,
        inviter: &Inviter,
        id: InvitationId,
        whom: Whom,
        right: &Address,
    ) -> Result<Invitation, Refusal> {
        if !self.inner.parts.switches.now().invitations {
            return Err(Refusal::InvitationsOff);
        }
        self.can_be_invited(whom, right).await?;
        for _ in 0..ROUNDS_MAX {
            let mut batch = Batch::new();
            self.count(&mut batch, inviter.account, [right].into_iter())?;
            let done = self.inner.parts.renewals.readdress(batch, id, right).await;
            if let Some(invitation) = done.map_err(not_changed)? {
                audit::record(&Event::Readdressed { invitation: id, invitee: right });
                return Ok(invitation);
            }
        }
        Err(not_changed(TendingFault::Conflict))
    }

    async fn can_be_invited(&self, whom: Whom, right: &Address) -> Result<(), Refusal> {
        let Policy { invite, organisation, .. } = &self.inner.policy;
        // An address alone asks for no language.
        let languages = BTreeSet::new();
        let sorter = Sorter { invite, domains: &organisation.domains, languages: &languages };
        sorter.on_side(whom, right.clone())?;
        let account = self.inner.parts.guests.accounts.by_address(right).map_err(|fault| failed(&fault))?;
        match account.map(|account| account.value.kind) {
            Some(Kind::Staff) if whom == Whom::Outsiders => Err(Refusal::Colleague(right.clone())),
            Some(_) => Err(Refusal::HasAccount(right.clone())),
            None if whom == Whom::Colleagues => self.check_colleagues(&[right]).await,
            None => self.inner.domains.check(&[right]).await,
        }
    }
}

/// A fault of ours is told as one; anything else in its own words.
fn not_changed(fault: TendingFault) -> Refusal {
    match fault {
        TendingFault::Store(fault) => failed(&fault),
        TendingFault::Notice(fault) => unnoticed(fault),
        fault => Refusal::NotChanged(fault.to_string()),
    }
}
