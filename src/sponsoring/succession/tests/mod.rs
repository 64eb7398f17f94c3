//! The looks and the rounds, over the store's memory engine, with a clock that is moved by hand.

mod people;

use crate::accounts::{Credential, Rights};
use crate::auth::directory::{Directory, Person};
use crate::auth::enrolment::{Enrolment, Freshness};
use crate::auth::password::Passwords;
use crate::base::address::Domain;
use crate::base::clock::ManualClock;
use crate::base::id::AccountId;
use crate::config::Settings;
use crate::net::throttle::Failures;
use crate::sponsoring::succession::tests::people::{People, left, person};
use crate::template::{Shelf, Templates};

use super::*;

const DAY: Duration = Duration::from_hours(24);
const DORA: &str = "dora@corp.example";
const EMIL: &str = "emil@corp.example";
const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

struct House {
    succession: Succession,
    people: Arc<People>,
    clock: Arc<ManualClock>,
    lifecycle: Lifecycle,
    _folder: tempfile::TempDir,
}

impl House {
    /// Dora, who has two addresses and an account, and Emil are in the directory.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let invite = "invite@corp.example".parse().unwrap();
        let web = "127.0.0.1:8443".parse().unwrap();
        let mut settings = Settings::in_directory(folder.path(), &[invite], web).unwrap();
        settings.storage.reserve = 0;
        let (store, spool) = Store::in_memory(&settings.storage).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_521_600_000)));
        let accounts = Accounts::new(store.clone());
        let people = Arc::new(People::default());
        let enrolment = Enrolment::new(
            Arc::clone(&people) as Arc<dyn Directory>,
            accounts.clone(),
            store.clone(),
            clock.clone(),
            vec![Domain::parse("corp.example").unwrap()],
            Freshness::NONE,
        );
        let failures = || Failures::new(clock.clone(), 10, 10);
        let authenticator = Authenticator::new(accounts.clone(), Passwords::new(1), failures(), failures());
        let queue = Queue::open(store.clone(), spool.clone(), clock.clone(), &settings.relay).unwrap();
        let shelf = Shelf::new(Templates::built_in());
        let (server, organisation) = (&settings.server, &settings.organisation);
        let notices =
            Notices::new(queue.clone(), spool, shelf, clock.clone(), server, organisation, &settings.web);
        let parts = Parts {
            invites: Invites::new(store.clone()),
            authenticator: authenticator.with_directory(enrolment),
            clock: clock.clone(),
            store,
            accounts,
            notices,
            queue,
        };
        let rules = Rules { guests: GuestAccounts::default(), subject: "Invitation".to_owned() };
        let succession = Succession::new(parts, rules);
        let house = Self { succession, people, clock, lifecycle: Lifecycle::new(), _folder: folder };
        house.account(Kind::Staff, DORA, &[]).await;
        house.people.is(person(DORA));
        house.people.is(person(EMIL));
        house
    }

    async fn account(&self, kind: Kind, text: &str, inviters: &[&str]) {
        let account = Account {
            id: AccountId::fresh(),
            kind,
            mailbox: address(text).into(),
            aliases: (text == DORA).then(|| address("d.dale@corp.example")).into_iter().collect(),
            credential: Credential::Organisation,
            rights: Rights::default(),
            locked: false,
            created: self.clock.now(),
            inviters: inviters.iter().map(|inviter| address(inviter).into()).collect(),
            language: None,
        };
        let mut batch = Batch::new();
        self.succession.parts.accounts.insert(&mut batch, &account).unwrap();
        self.succession.parts.store.commit(batch).await.unwrap();
    }

    /// The first part of a look; whether it came to its end.
    async fn look(&self) -> bool {
        self.succession.look(&mut None, &self.lifecycle).await.is_ok()
    }

    async fn tend(&self) -> usize {
        self.succession.tend(&self.lifecycle).await.unwrap()
    }

    fn mails(&self) -> usize {
        self.succession.parts.queue.len()
    }

    fn vacancy(&self, text: &str) -> Option<Stored<Vacancy>> {
        self.succession.parts.accounts.vacancy(&address(text).key()).unwrap()
    }

    fn asked(&self, text: &str) -> Address {
        self.vacancy(text).unwrap().value.asked.unwrap().address
    }

    /// Who has invited this guest; `None` where the account has ended.
    fn inviters(&self, text: &str) -> Option<Vec<String>> {
        let guest = self.succession.parts.accounts.by_address(&address(text)).unwrap()?;
        Some(guest.value.inviters.iter().map(|inviter| inviter.address.to_string()).collect())
    }

    /// As if the button had been pressed.
    async fn is_taken_over(&self, text: &str) {
        let old = self.vacancy(text).unwrap();
        let new = Vacancy { successor: Some(address(EMIL).into()), ..old.value.clone() };
        let mut batch = Batch::new();
        self.succession.parts.accounts.change_vacancy(&mut batch, &old, &new).unwrap();
        self.succession.parts.store.commit(batch).await.unwrap();
    }

    /// The same house after a restart with this setting.
    fn with_fallback(mut self, text: &str) -> Self {
        let guests = GuestAccounts { fallback_sponsor: Some(address(text)), ..GuestAccounts::default() };
        self.succession.rules = Arc::new(Rules { guests, subject: String::new() });
        self
    }
}

#[tokio::test]
async fn the_manager_is_asked_once() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    house.people.is(left(DORA));
    for _ in 0..3 {
        assert!(house.look().await);
        assert_eq!(house.mails(), 1, "nobody is asked twice");
        house.clock.advance(DAY);
    }
    assert_eq!(house.asked(DORA), address(EMIL));
}

#[tokio::test]
async fn a_silent_directory_proves_nothing_and_stops_no_handing_over() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    house.account(Kind::Guest, LEE, &["bo@corp.example"]).await;
    *house.people.is_down.lock().unwrap() = true;
    assert!(!house.look().await);
    assert!(house.vacancy(DORA).is_none() && house.mails() == 0, "nobody has left");

    *house.people.is_down.lock().unwrap() = false;
    house.people.is(left(DORA));
    assert!(house.look().await);
    house.is_taken_over("bo@corp.example").await;
    let mails = house.mails();
    *house.people.is_down.lock().unwrap() = true;
    house.clock.advance(DAY * 40);
    assert!(house.succession.tend(&house.lifecycle).await.is_err());
    assert_eq!(house.inviters(LEE).unwrap(), [EMIL]);
    assert_eq!(house.inviters(KIM).unwrap(), [DORA]);
    assert_eq!(house.mails(), mails, "Kim was not warned");
}

#[tokio::test]
async fn who_is_back_has_the_guests_back_and_leaves_again_like_the_first_time() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    for _ in 0..2 {
        house.people.is(left(DORA));
        assert!(house.look().await);
        house.clock.advance(DAY * 28);
        assert_eq!(house.tend().await, 1, "warned, each time");
        // Back a moment before the end: no look has seen it.
        house.people.is(person(DORA));
        house.clock.advance(DAY * 5);
        assert!(house.tend().await == 0 && house.vacancy(DORA).is_none());
        assert_eq!(house.inviters(KIM).unwrap(), [DORA]);
    }
    house.people.is(left(DORA));
    assert!(house.look().await);
    house.clock.advance(DAY * 31);
    assert_eq!((house.tend().await, house.tend().await), (1, 0), "warned late, and not ended at once");
    house.clock.advance(DAY * 3);
    assert_eq!(house.tend().await, 1);
    assert!(house.inviters(KIM).is_none() && house.vacancy(DORA).is_none());
}

#[tokio::test]
async fn a_warning_from_before_the_vacancy_is_none() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    let accounts = &house.succession.parts.accounts;
    let kim = accounts.by_address(&address(KIM)).unwrap().unwrap().value.id;
    let mut batch = Batch::new();
    accounts.note_vacancy_warning(&mut batch, &address(DORA).key(), kim, house.clock.now()).unwrap();
    house.succession.parts.store.commit(batch).await.unwrap();
    house.clock.advance(DAY);
    house.people.is(left(DORA));
    assert!(house.look().await);
    house.clock.advance(DAY * 31);
    assert_eq!(house.tend().await, 1);
    assert!(house.inviters(KIM).is_some(), "warned first");
}

#[tokio::test]
async fn guests_whom_others_invited_lose_only_the_one() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA, EMIL]).await;
    house.people.is(left(DORA));
    assert!(house.look().await);
    let mails = house.mails();
    house.clock.advance(DAY * 29);
    assert_eq!(house.tend().await, 0);
    house.clock.advance(DAY);
    assert_eq!(house.tend().await, 1);
    assert_eq!(house.inviters(KIM).unwrap(), [EMIL]);
    assert_eq!(house.mails(), mails, "there is nothing to be warned of");
    assert!(house.vacancy(DORA).is_none());
}

#[tokio::test]
async fn two_addresses_of_one_sponsor_are_one_sponsor() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &["d.dale@corp.example", DORA]).await;
    let sponsors = house.succession.sponsors(None, &house.lifecycle).await.unwrap();
    assert_eq!(sponsors.found.len(), 1);
    assert_eq!(sponsors.found[&address(DORA).key()].guests.len(), 1, "Kim is named once");
    house.people.is(left(DORA));
    assert!(house.look().await);
    house.is_taken_over(DORA).await;
    assert_eq!(house.tend().await, 1);
    assert_eq!(house.inviters(KIM).unwrap(), [EMIL]);
}

#[tokio::test]
async fn whom_nobody_could_be_asked_about_is_asked_about_once_somebody_is_named() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    house.people.is(Person { manager: None, ..left(DORA) });
    let house = house.with_fallback(DORA);
    assert!(house.look().await);
    let since = house.vacancy(DORA).unwrap().value.since;
    assert_eq!(house.mails(), 0, "nobody is asked about the own guests");
    house.clock.advance(DAY);
    let house = house.with_fallback("desk@corp.example");
    for _ in 0..2 {
        assert!(house.look().await);
        assert_eq!(house.mails(), 1);
    }
    assert_eq!(house.asked(DORA), address("desk@corp.example"));
    assert_eq!(house.vacancy(DORA).unwrap().value.since, since);
}

#[tokio::test]
async fn a_name_that_cannot_be_read_keeps_nobody_else_waiting() {
    let house = House::open().await.with_fallback("desk@corp.example");
    house.account(Kind::Guest, KIM, &["ada@corp.example", DORA, "zoe@corp.example"]).await;
    house.people.unreadable.lock().unwrap().extend(["ada@corp.example", "CN=elsewhere"]);
    house.people.is(Person { manager: Some("CN=elsewhere".to_owned()), ..left(DORA) });
    assert!(house.look().await);
    assert!(house.vacancy("ada@corp.example").is_none(), "nothing is known of her");
    assert_eq!(house.asked(DORA), address("desk@corp.example"));
    assert!(house.vacancy("zoe@corp.example").is_some());

    // Nor one for whom the time is over.
    house.people.unreadable.lock().unwrap().push(DORA);
    house.clock.advance(DAY * 30);
    assert_eq!(house.tend().await, 1);
    assert_eq!(house.inviters(KIM).unwrap(), ["ada@corp.example", DORA]);
}

#[tokio::test]
async fn what_is_due_is_found_behind_all_that_is_not() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &["zoe@corp.example"]).await;
    assert!(house.look().await);
    house.clock.advance(DAY * 28);
    let mut batch = Batch::new();
    for number in 0..1_001 {
        let sponsor = address(&format!("a{number}@corp.example")).into();
        let vacancy = Vacancy { sponsor, since: house.clock.now(), asked: None, successor: None };
        house.succession.parts.accounts.open_vacancy(&mut batch, &vacancy).unwrap();
    }
    house.succession.parts.store.commit(batch).await.unwrap();
    assert_eq!(house.tend().await, 1);
    assert!(house.vacancy("a1000@corp.example").is_some());
    // None of them has a guest.
    assert!(house.look().await);
    assert!(house.vacancy("zoe@corp.example").is_some());
    assert_eq!(house.succession.parts.accounts.vacancies(None, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_ends_by_a_vacancy_that_has_changed() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    house.people.is(left(DORA));
    assert!(house.look().await);
    let accounts = &house.succession.parts.accounts;
    let (read, kim) = (house.vacancy(DORA).unwrap(), accounts.by_address(&address(KIM)).unwrap().unwrap());
    house.is_taken_over(DORA).await;
    let mut batch = Batch::new();
    accounts.rely_on_vacancy(&mut batch, &read).unwrap();
    accounts.remove(&mut batch, &kim).unwrap();
    assert!(matches!(house.succession.parts.store.commit(batch).await, Err(CommitError::Conflict)));
    assert!(house.inviters(KIM).is_some());
}

#[tokio::test]
async fn a_stop_ends_the_look() {
    let house = House::open().await;
    house.account(Kind::Guest, KIM, &[DORA]).await;
    house.people.is(left(DORA));
    house.lifecycle.stop();
    let asked = *house.people.asked.lock().unwrap();
    assert!(!house.look().await);
    assert_eq!(*house.people.asked.lock().unwrap(), asked);
}
