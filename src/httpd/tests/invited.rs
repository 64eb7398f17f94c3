//! Invitations that a test begins with.

use super::*;

impl House {
    /// An invitation from Ana, sent now.
    pub(super) async fn invite(&self, invitee: &str) -> (InvitationId, Token) {
        self.invite_to(invitee, false).await
    }

    /// The same, for somebody outside or for a colleague.
    pub(super) async fn invite_to(&self, invitee: &str, internal: bool) -> (InvitationId, Token) {
        let now = self.clock.now();
        let invitation = Invitation {
            id: InvitationId::fresh(),
            inviter: mailbox("Ana <Berg>", "ana@corp.example"),
            invitee: mailbox("Kim Roe", invitee),
            internal,
            subject: "Drawings".to_owned(),
            message_id: None,
            lifespan: Lifespan::days(14),
            created: now,
            state: State::Sent(Handover { at: now, reply: "250 2.0.0 fine".to_owned() }),
            life: Life::default(),
            language: None,
        };
        let link = Token::fresh().unwrap();
        let mut batch = Batch::new();
        self.invites.insert(&mut batch, &invitation, &link).unwrap();
        self.store.commit(batch).await.unwrap();
        (invitation.id, link)
    }

    pub(super) fn state(&self, id: InvitationId) -> State {
        self.invites.by_id(id).unwrap().unwrap().value.state
    }
}
