//! The book: where a link leads, and what changes it.

use std::time::Duration;

use crate::base::address::Address;
use crate::config::Storage;

use super::*;

const START: Timestamp = Timestamp::from_millis(1_795_500_000_000);
const DAY: Duration = Duration::from_hours(24);

fn invitation() -> Invitation {
    let mailbox = |text| Mailbox::from(Address::parse(text).unwrap());
    Invitation {
        id: InvitationId::fresh(),
        inviter: mailbox("ann@corp.example"),
        invitee: mailbox("kim@partner.example"),
        internal: false,
        subject: "Plans".to_owned(),
        message_id: None,
        lifespan: Lifespan::days(14),
        created: START,
        state: State::Queued,
        life: Life::default(),
        language: None,
    }
}

/// A book with one invitation, its link, and what keeps it.
async fn book() -> (Invites, Store, Invitation, Token, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
    let (store, _spool) = Store::in_memory(&storage).unwrap();
    let (invites, invitation, link) = (Invites::new(store.clone()), invitation(), Token::fresh().unwrap());
    let mut batch = Batch::new();
    invites.insert(&mut batch, &invitation, &link).unwrap();
    store.commit(batch).await.unwrap();
    (invites, store, invitation, link, folder)
}

#[tokio::test]
async fn a_link_lives_from_the_handover_to_its_last_moment() {
    let (invites, store, invitation, link, _folder) = book().await;
    let long_after = START + DAY * 100;
    assert!(matches!(invites.standing(&link.hash(), long_after).unwrap(), Standing::Open(_)));

    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let mut batch = Batch::new();
    assert!(invites.mark_sent(&mut batch, &old, START + DAY, "250 2.0.0 Ok").unwrap());
    store.commit(batch).await.unwrap();
    let last = START + DAY * 15;
    assert!(matches!(invites.standing(&link.hash(), last).unwrap(), Standing::Open(_)));
    let too_late = last + Duration::from_millis(1);
    assert!(matches!(invites.standing(&link.hash(), too_late).unwrap(), Standing::Expired(_)));
}

#[tokio::test]
async fn inviting_again_for_a_shorter_time_ends_no_earlier_link() {
    let (invites, store, invitation, link, _folder) = book().await;
    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let mut batch = Batch::new();
    invites.mark_sent(&mut batch, &old, START, "250 2.0.0 Ok").unwrap();
    store.commit(batch).await.unwrap();

    let now = START + DAY * 5;
    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let again = Invitation { lifespan: Lifespan::days(1), ..invitation };
    let fresh = Token::fresh().unwrap();
    let mut batch = Batch::new();
    invites.invite_again(&mut batch, &old, &again, now, &fresh).unwrap();
    store.commit(batch).await.unwrap();
    for link in [link, fresh] {
        assert!(matches!(invites.standing(&link.hash(), now).unwrap(), Standing::Open(_)));
    }
}

#[tokio::test]
async fn used_withdrawn_and_unknown_links_lead_to_pages_of_their_own() {
    let (invites, store, invitation, link, _folder) = book().await;
    let stranger = Token::fresh().unwrap();
    assert!(matches!(invites.standing(&stranger.hash(), START).unwrap(), Standing::Unknown));

    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let mut batch = Batch::new();
    assert!(invites.mark_accepted(&mut batch, &old, START, AccountId::fresh()).unwrap());
    store.commit(batch).await.unwrap();
    // Used wins over expired: such a person has an account.
    assert!(matches!(invites.standing(&link.hash(), START + DAY * 99).unwrap(), Standing::Used(_)));

    let (invites, store, invitation, link, _folder) = book().await;
    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let mut batch = Batch::new();
    assert!(invites.mark_withdrawn(&mut batch, &old, START).unwrap());
    store.commit(batch).await.unwrap();
    assert!(matches!(invites.standing(&link.hash(), START).unwrap(), Standing::Withdrawn(_)));
}

#[tokio::test]
async fn what_is_no_news_changes_no_record() {
    let (invites, store, invitation, _link, _folder) = book().await;
    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let mut batch = Batch::new();
    invites.mark_accepted(&mut batch, &old, START, AccountId::fresh()).unwrap();
    store.commit(batch).await.unwrap();

    let old = invites.by_id(invitation.id).unwrap().unwrap();
    let mut batch = Batch::new();
    assert!(!invites.mark_accepted(&mut batch, &old, START, AccountId::fresh()).unwrap());
    assert!(!invites.mark_opened(&mut batch, &old, START).unwrap());
    assert!(!invites.mark_bounced(&mut batch, &old, START, "550").unwrap());
    assert!(!invites.mark_withdrawn(&mut batch, &old, START).unwrap());
    store.commit(batch).await.unwrap();
    let now = invites.by_id(invitation.id).unwrap().unwrap();
    assert_eq!((now.version, now.value), (old.version, old.value));
}
