//! The rounds, over the store's memory engine, with a clock that is moved by hand.

use crate::accounts::{Account, Credential, Kind, Rights, Session};
use crate::base::address::Address;
use crate::base::clock::{Lifespan, ManualClock, Timestamp};
use crate::base::id::{AccountId, InvitationId, MessageId};
use crate::base::secret::Token;
use crate::config::{Rates, Settings};
use crate::invites::receipt::{Invitee, Receipt};
use crate::invites::{Handover, Invitation, Life, Standing, State};
use crate::template::{Shelf, Templates};

use super::*;

const DAY: Duration = Duration::from_hours(24);

struct House {
    janitor: Janitor,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl House {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let invite = "invite@corp.example".parse().unwrap();
        let web = "127.0.0.1:8443".parse().unwrap();
        let mut settings = Settings::in_directory(folder.path(), &[invite], web).unwrap();
        settings.storage.reserve = 0;
        let (store, spool) = Store::in_memory(&settings.storage).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_521_600_000)));
        let (accounts, invites) = (Accounts::new(store.clone()), Invites::new(store.clone()));
        let queue = Queue::open(store.clone(), spool.clone(), clock.clone(), &settings.relay).unwrap();
        let shelf = Shelf::new(Templates::built_in());
        let (server, organisation) = (&settings.server, &settings.organisation);
        let notices =
            Notices::new(queue.clone(), spool, shelf, clock.clone(), server, organisation, &settings.web);
        let end_after = settings.guests.end_after;
        let janitor = Janitor::new(store, accounts, invites, notices, queue, clock.clone(), end_after);
        Self { janitor, clock, _folder: folder }
    }

    async fn account(&self, kind: Kind, address: &str) -> Account {
        let account = Account {
            language: None,
            id: AccountId::fresh(),
            kind,
            mailbox: address.parse::<Address>().unwrap().into(),
            aliases: Vec::new(),
            credential: Credential::Organisation,
            rights: Rights::default(),
            locked: false,
            created: self.clock.now(),
            inviters: Vec::new(),
        };
        let mut batch = Batch::new();
        self.janitor.accounts.insert(&mut batch, &account).unwrap();
        self.janitor.store.commit(batch).await.unwrap();
        self.sign_in(&account).await;
        account
    }

    async fn sign_in(&self, account: &Account) {
        let now = self.clock.now();
        let session = Session {
            account: account.id,
            address: account.mailbox.address.clone(),
            started: now,
            ends: now + DAY,
            csrf: String::new(),
            origin: None,
        };
        let mut batch = Batch::new();
        self.janitor.accounts.start_session(&mut batch, &Token::fresh().unwrap(), &session).unwrap();
        self.janitor.store.commit(batch).await.unwrap();
    }

    /// Lets days pass; gives how much there was to do on each on which there was something.
    async fn pass(&self, days: u32) -> Vec<(u32, usize)> {
        let mut done = Vec::new();
        for day in 1..=days {
            self.clock.advance(DAY);
            let tended = self.janitor.tend_unused().await.unwrap();
            assert_eq!(self.janitor.tend_unused().await.unwrap(), 0, "a second round does nothing");
            done.extend((tended > 0).then_some((day, tended)));
        }
        done
    }
}

#[tokio::test]
async fn a_guest_who_never_comes_is_warned_twice_and_then_gone() {
    let house = House::open();
    let kim = house.account(Kind::Guest, "kim@partner.example").await;
    house.account(Kind::Staff, "ann@corp.example").await;
    assert_eq!(house.pass(370).await, [(351, 1), (362, 1), (365, 1)]);
    let left = house.janitor.accounts.list(None, 10).unwrap();
    assert_eq!(left.len(), 1, "staff stay");
    assert!(house.janitor.accounts.by_id(kim.id).unwrap().is_none());
    assert_eq!(house.janitor.queue.len(), 3, "two warnings and a farewell");
}

#[tokio::test]
async fn a_guest_who_comes_back_after_a_warning_stays() {
    let house = House::open();
    let kim = house.account(Kind::Guest, "kim@partner.example").await;
    assert_eq!(house.pass(363).await, [(351, 1), (362, 1)]);
    house.sign_in(&kim).await;
    assert_eq!(house.pass(350).await, []);
    assert_eq!(house.pass(1).await, [(1, 1)], "everything begins anew");
    assert!(house.janitor.accounts.by_id(kim.id).unwrap().is_some());
}

#[tokio::test]
async fn where_accounts_never_end_nobody_is_warned() {
    let mut house = House::open();
    house.janitor.end_after = None;
    house.account(Kind::Guest, "kim@partner.example").await;
    assert_eq!(house.pass(800).await, []);
}

#[tokio::test]
async fn counts_of_invitations_go_after_a_day_however_many_there_are() {
    let House { janitor, clock, _folder } = House::open();
    let people: Vec<Address> =
        (0..SWEEP_MAX * 2).map(|number| format!("kim{number}@partner.example").parse().unwrap()).collect();
    let mut batch = Batch::new();
    let rates = Rates { per_hour: None, per_day: None, per_domain: None, ..Rates::default() };
    janitor.invites.count(&mut batch, AccountId::fresh(), people.iter(), &rates, clock.now()).unwrap();
    janitor.store.commit(batch).await.unwrap();

    clock.advance(Duration::from_hours(24));
    assert_eq!(janitor.sweep_tallies().await.unwrap(), 0);
    clock.advance(Duration::from_hours(1));
    assert_eq!(janitor.sweep_tallies().await.unwrap(), SWEEP_MAX * 2);
    assert_eq!(janitor.sweep_tallies().await.unwrap(), 0);
}

/// Goes through all tables once; gives how many records went.
async fn forget(janitor: &Janitor) -> usize {
    let (mut gone, mut walk) = janitor.forget_invitations(Walk::default()).await.unwrap();
    while !walk.is_at_beginning() {
        let (more, next) = janitor.forget_invitations(walk).await.unwrap();
        (gone, walk) = (gone + more, next);
    }
    gone
}

#[tokio::test]
async fn of_an_invitation_that_was_over_for_a_year_nothing_is_left() {
    let house = House::open();
    let House { janitor, clock, .. } = &house;
    let kim = house.account(Kind::Guest, "kim@partner.example").await;
    let invitation = |number: usize, state| Invitation {
        id: InvitationId::fresh(),
        inviter: "ann@corp.example".parse::<Address>().unwrap().into(),
        invitee: format!("kim{number}@partner.example").parse::<Address>().unwrap().into(),
        internal: false,
        subject: "Plans".to_owned(),
        message_id: None,
        lifespan: Lifespan::days(14),
        created: clock.now(),
        state,
        life: Life::default(),
        language: None,
    };
    let at = clock.now();
    let mut batch = Batch::new();
    let mut links = Vec::new();
    let mut states = vec![State::Withdrawn { at }; SWEEP_MAX];
    states.push(State::Queued);
    states.push(State::Sent(Handover { at, reply: "250 Fine".to_owned() }));
    states.push(State::Accepted { sent: None, at, account: kim.id });
    let mut invitees = Vec::new();
    for (number, state) in states.into_iter().enumerate() {
        let (invitation, link) = (invitation(number, state), Token::fresh().unwrap());
        janitor.invites.insert(&mut batch, &invitation, &link).unwrap();
        let mailbox = invitation.invitee.clone();
        invitees.push(Invitee { invitation: invitation.id, mailbox, has_account: false });
        links.push(link.hash());
    }
    let receipt = |invitees: &[Invitee]| Receipt {
        id: MessageId::fresh(),
        inviter: "ann@corp.example".parse::<Address>().unwrap().into(),
        subject: "Plans".to_owned(),
        message_id: None,
        accepted: at,
        lifespan: Lifespan::days(14),
        invitees: invitees.to_vec(),
        courtesy: Vec::new(),
        attachments: Vec::new(),
    };
    let (of_the_first, of_all) = (receipt(&invitees[..2]), receipt(&invitees));
    for receipt in [&of_the_first, &of_all] {
        janitor.invites.keep_receipt(&mut batch, receipt).unwrap();
    }
    janitor.store.commit(batch).await.unwrap();

    clock.advance(DAY * 365);
    assert_eq!(forget(janitor).await, 0, "a year is not over");
    clock.advance(DAY);
    // The records first; then, on the next way through, what leads to them.
    let gone = forget(janitor).await + forget(janitor).await;
    assert_eq!(gone, 2 * SWEEP_MAX + 1, "withdrawn ones with a link each, and a receipt");
    assert_eq!(janitor.invites.receipt(of_the_first.id).unwrap(), None);
    assert!(janitor.invites.receipt(of_all.id).unwrap().is_some(), "some of it are remembered");
    let left = janitor.invites.list(None, 10).unwrap();
    assert_eq!(left.len(), 3, "one waits, one has expired less than a year ago, one became an account");
    assert_eq!(janitor.invites.sent_from(&left[0].inviter.address, None, 10).unwrap().len(), 3);
    assert_eq!(janitor.invites.newest(None, 3).unwrap().len(), 3, "nothing of the others stands in the way");

    clock.advance(DAY * 14);
    assert_eq!(forget(janitor).await + forget(janitor).await, 2, "the expired one, with its link");
    let mut batch = Batch::new();
    let account = janitor.accounts.by_id(kim.id).unwrap().unwrap();
    janitor.accounts.remove(&mut batch, &account).unwrap();
    janitor.store.commit(batch).await.unwrap();
    assert_eq!(forget(janitor).await + forget(janitor).await, 2, "its account is gone, too");
    assert!(matches!(janitor.invites.standing(&links[0], clock.now()).unwrap(), Standing::Unknown));
    assert!(matches!(janitor.invites.standing(&links[SWEEP_MAX], clock.now()).unwrap(), Standing::Open(_)));
    assert_eq!(forget(janitor).await, 0);
}

#[cfg(feature = "saml")]
#[tokio::test]
async fn questions_go_when_their_time_is_over_however_many_there_are() {
    let House { janitor, clock, .. } = &House::open();
    let requests = Requests::new(janitor.store.clone());
    for _ in 0..=SWEEP_MAX {
        requests.begin("idp", "", clock.now()).await.unwrap();
    }
    clock.advance(Duration::from_mins(9));
    let late = requests.begin("idp", "", clock.now()).await.unwrap();
    assert_eq!(janitor.sweep_questions().await.unwrap(), 0);
    clock.advance(Duration::from_mins(1));
    assert_eq!(janitor.sweep_questions().await.unwrap(), SWEEP_MAX + 1);
    assert_eq!(janitor.sweep_questions().await.unwrap(), 0);
    assert!(requests.take(&late, clock.now()).await.unwrap().is_some());
}
