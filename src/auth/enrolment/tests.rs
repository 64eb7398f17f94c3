//! A directory that does as it is told, behind the door at which staff sign in.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::accounts::{Credential, Kind, Rights};
use crate::auth::password::Passwords;
use crate::auth::presence::Presence;
use crate::auth::{Authenticator, Verdict};
use crate::base::clock::{ManualClock, Timestamp};
use crate::config::Storage;
use crate::net::throttle::Failures;
use crate::store::{Batch, Stored};

use super::*;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "a heron at the mill pond";
/// Failures without a wait.
const FREE: u32 = 3;

/// Knows whom it is told, all with the same password.
#[derive(Default)]
struct Scripted {
    people: Mutex<Vec<(Person, Rights)>>,
    is_down: Mutex<bool>,
    /// Passwords that were tried.
    trials: Mutex<usize>,
}

impl Scripted {
    fn answer<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, Result<T, DirectoryFault>> {
        let is_down = *self.is_down.lock().unwrap();
        async move { if is_down { Err(DirectoryFault::Down("as told".to_owned())) } else { Ok(answer) } }
            .boxed()
    }
}

impl Directory for Scripted {
    fn find<'a>(&'a self, whom: Whom<'a>) -> BoxFuture<'a, Result<Option<Person>, DirectoryFault>> {
        let people = self.people.lock().unwrap();
        let known = people.iter().map(|(person, _)| person).find(|person| match whom {
            Whom::Name(name) => person.entry == name || person.address.to_string() == name,
            Whom::Entry(entry) => person.entry == entry,
            Whom::Address(address) => {
                person.address.same_mailbox(address) || person.aliases.contains(address)
            }
        });
        self.answer(known.cloned())
    }

    fn proves<'a>(
        &'a self,
        person: Option<&'a Person>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        *self.trials.lock().unwrap() += usize::from(person.is_some());
        self.answer(person.is_some_and(|person| !person.is_barred && password.reveal() == PASSWORD))
    }

    fn rights<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Rights, DirectoryFault>> {
        let people = self.people.lock().unwrap();
        let rights = people.iter().find(|(one, _)| one.entry == person.entry).map(|(_, rights)| *rights);
        self.answer(rights.unwrap_or_default())
    }

    fn delegates<'a>(
        &'a self,
        person: &'a Person,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        self.answer(person.entry == "dora" && address.to_string() == "office@corp.example")
    }
}

struct Door {
    authenticator: Authenticator,
    directory: Arc<Scripted>,
    accounts: Accounts,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Door {
    /// In the directory is Dora; bob has an account with a password here.
    async fn open(freshness: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        let accounts = Accounts::new(store.clone());
        let passwords = Passwords::new(2);
        let hash = passwords.hash(&Secret::new("kept here")).await.unwrap();
        let bob = Account {
            id: AccountId::fresh(),
            kind: Kind::Staff,
            mailbox: address("bob@corp.example").into(),
            aliases: Vec::new(),
            credential: Credential::Password(hash),
            rights: Rights::of_staff(true),
            locked: false,
            created: Timestamp::from_millis(0),
            inviters: Vec::new(),
            language: None,
        };
        let mut batch = Batch::new();
        accounts.insert(&mut batch, &bob).unwrap();
        store.commit(batch).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let directory = Arc::new(Scripted::default());
        let enrolment = Enrolment::new(
            Arc::clone(&directory) as Arc<dyn Directory>,
            accounts.clone(),
            store.clone(),
            clock.clone(),
            vec![Domain::parse("corp.example").unwrap()],
            Freshness { lookup: freshness, session: freshness },
        );
        let throttle = |free| Failures::new(clock.clone(), free, 100);
        let authenticator =
            Authenticator::new(accounts.clone(), passwords, throttle(FREE), throttle(8 * FREE))
                .with_directory(enrolment);
        let door = Self { authenticator, directory, accounts, store, _folder: folder };
        door.knows(&[dora()]);
        door
    }

    fn knows(&self, people: &[Person]) {
        let with_rights = people.iter().map(|person| (person.clone(), Rights::of_staff(true)));
        *self.directory.people.lock().unwrap() = with_rights.collect();
    }

    async fn try_as(&self, name: &str, password: &str) -> Verdict {
        self.authenticator.sign_in(name, &Secret::new(password), PEER, &[Kind::Staff], "smtp").await
    }

    fn account(&self, text: &str) -> Option<Stored<Account>> {
        self.accounts.by_address(&address(text)).unwrap()
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn dora() -> Person {
    Person {
        entry: "dora".to_owned(),
        id: Some("d0".to_owned()),
        name: "Dora Dale".to_owned(),
        address: address("dora@corp.example"),
        aliases: vec![address("d.dale@corp.example")],
        manager: None,
        is_barred: false,
        has_delegates: false,
    }
}

#[tokio::test]
async fn the_first_sign_in_opens_an_account_without_a_password() {
    let door = Door::open(Duration::ZERO).await;
    let Verdict::Known(identity) = door.try_as("CORP\\dora", PASSWORD).await else { panic!("not known") };
    let account = door.account("d.dale@corp.example").unwrap();
    assert_eq!((account.value.id, &account.value.credential), (identity.account, &Credential::Organisation));
    assert_eq!(account.value.mailbox.name.as_deref(), Some("Dora Dale"));
    assert!(identity.owns(&address("d.dale@corp.example")) && identity.rights.invite);
    // Nothing has changed, so nothing is written.
    let before = door.account("dora@corp.example").unwrap();
    assert!(matches!(door.try_as("dora", PASSWORD).await, Verdict::Known(_)));
    let mut batch = Batch::new();
    door.accounts.replace(&mut batch, &before, &before.value).unwrap();
    assert!(door.store.commit(batch).await.is_ok(), "the record was written again");
}

#[tokio::test]
async fn an_account_with_a_password_here_is_no_business_of_the_directory() {
    let door = Door::open(Duration::ZERO).await;
    let bob = Person { entry: "bob".to_owned(), address: address("bob@corp.example"), ..dora() };
    door.knows(&[bob]);
    assert_eq!(door.try_as("bob@corp.example", PASSWORD).await, Verdict::Refused);
    assert!(matches!(door.try_as("bob@corp.example", "kept here").await, Verdict::Known(_)));
    assert_eq!(*door.directory.trials.lock().unwrap(), 0);
    // By a name that only the directory has: the account that is here keeps the address.
    assert_eq!(door.try_as("bob", PASSWORD).await, Verdict::Refused);
    assert!(door.account("bob@corp.example").unwrap().value.credential.password().is_some());
}

#[tokio::test]
async fn no_answer_is_never_a_no() {
    let door = Door::open(Duration::ZERO).await;
    assert!(matches!(door.try_as("dora", PASSWORD).await, Verdict::Known(_)));
    *door.directory.is_down.lock().unwrap() = true;
    for _ in 0..=2 * FREE {
        assert_eq!(door.try_as("dora", "wrong or right").await, Verdict::Unavailable);
    }
    for known in ["dora@corp.example", "nobody@corp.example"] {
        let looked_up = door.authenticator.lookup(&address(known)).await;
        assert!(matches!(looked_up, Err(LookupFault::Directory(_))), "{known}");
    }
    // An address outside is nobody's in the directory: it is not asked.
    assert_eq!(door.authenticator.lookup(&address("kim@partner.example")).await.unwrap(), None);
    let account = door.account("dora@corp.example").unwrap().value;
    assert!(door.authenticator.still(account).await.is_err());
    *door.directory.is_down.lock().unwrap() = false;
    assert!(matches!(door.try_as("dora", PASSWORD).await, Verdict::Known(_)), "no failure was counted");
}

#[tokio::test]
async fn a_closed_throttle_keeps_guesses_from_the_directory_by_whatever_name() {
    let door = Door::open(Duration::ZERO).await;
    for _ in 0..=FREE {
        assert_eq!(door.try_as("dora", "wrong").await, Verdict::Refused);
    }
    let tried = *door.directory.trials.lock().unwrap();
    assert!(matches!(door.try_as("EVIL\\dora", PASSWORD).await, Verdict::Throttled(_)));
    assert!(matches!(door.try_as("dora@corp.example", PASSWORD).await, Verdict::Throttled(_)));
    let alias = Person { entry: "d.dale".to_owned(), ..dora() };
    door.knows(&[alias]);
    assert_eq!(door.try_as("d.dale", PASSWORD).await, Verdict::Refused, "as an unknown name");
    assert_eq!(*door.directory.trials.lock().unwrap(), tried);
}

#[tokio::test]
async fn unknown_wrong_and_barred_take_the_same_time() {
    let door = Door::open(Duration::ZERO).await;
    let barred = Person { entry: "barred".to_owned(), is_barred: true, ..dora() };
    door.knows(&[dora(), barred]);
    for name in ["dora", "nobody", "barred"] {
        let begun = tokio::time::Instant::now();
        assert_eq!(door.try_as(name, "wrong").await, Verdict::Refused);
        assert!(begun.elapsed() >= Duration::from_millis(400), "{name}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn an_account_follows_its_person_and_nobody_else() {
    let door = Door::open(Duration::ZERO).await;
    let Verdict::Known(before) = door.try_as("dora", PASSWORD).await else { panic!("not known") };
    let married = Person {
        name: "Dora Eddy".to_owned(),
        address: address("dora.eddy@corp.example"),
        aliases: vec![address("dora@corp.example"), address("bob@corp.example")],
        ..dora()
    };
    door.knows(std::slice::from_ref(&married));
    let Verdict::Known(after) = door.try_as("dora", PASSWORD).await else { panic!("not known") };
    assert_eq!(after.account, before.account);
    assert_eq!(after.mailbox.to_string(), "Dora Eddy <dora.eddy@corp.example>");
    assert_eq!(after.aliases, [address("dora@corp.example")], "bob's address stays bob's");
    assert!(door.account("d.dale@corp.example").is_none());
    // Somebody new, to whom Dora's old address is given while she still has it.
    let heir = Person { entry: "heir".to_owned(), id: Some("h0".to_owned()), ..dora() };
    door.knows(&[heir, married]);
    assert_eq!(door.try_as("heir", PASSWORD).await, Verdict::Refused, "not Dora");
    // The entry was made anew, as happens when a directory is moved.
    let again = Person { id: Some("d1".to_owned()), address: address("dora.eddy@corp.example"), ..dora() };
    door.knows(&[again]);
    assert!(
        matches!(door.try_as("dora", PASSWORD).await, Verdict::Known(known) if known.account == before.account)
    );
}

#[tokio::test]
async fn whoever_is_barred_is_out_at_the_next_look() {
    for (freshness, is_in) in [(Duration::ZERO, false), (Duration::from_hours(1), true)] {
        let door = Door::open(freshness).await;
        let Verdict::Known(identity) = door.try_as("dora", PASSWORD).await else { panic!("not known") };
        assert!(door.authenticator.again(&identity).await.unwrap().is_some());
        for people in [vec![Person { is_barred: true, ..dora() }], Vec::new()] {
            door.knows(&people);
            assert_eq!(door.authenticator.again(&identity).await.unwrap().is_some(), is_in);
            let looked_up = door.authenticator.lookup(&address("dora@corp.example")).await.unwrap();
            assert_eq!(looked_up.is_some(), is_in);
        }
        door.knows(&[dora()]);
        door.directory.people.lock().unwrap()[0].1 = Rights { admin: true, ..Rights::default() };
        let rights = door.authenticator.again(&identity).await.unwrap().unwrap().rights;
        assert_eq!(rights.admin, !is_in, "a right that was given a moment ago");
    }
}

#[tokio::test]
async fn a_lock_that_was_set_here_holds() {
    let door = Door::open(Duration::ZERO).await;
    assert!(matches!(door.try_as("dora", PASSWORD).await, Verdict::Known(_)));
    let old = door.account("dora@corp.example").unwrap();
    let mut batch = Batch::new();
    door.accounts.replace(&mut batch, &old, &Account { locked: true, ..old.value.clone() }).unwrap();
    door.store.commit(batch).await.unwrap();
    assert_eq!(door.try_as("dora", PASSWORD).await, Verdict::Refused);
    assert_eq!(door.authenticator.lookup(&address("dora@corp.example")).await.unwrap(), None);
}

#[tokio::test]
async fn who_writes_for_somebody_is_asked_of_the_directory_only() {
    let door = Door::open(Duration::ZERO).await;
    let Verdict::Known(dora) = door.try_as("dora", PASSWORD).await else { panic!("not known") };
    let Verdict::Known(bob) = door.try_as("bob@corp.example", "kept here").await else { panic!("not known") };
    let may = async |identity, text| {
        let asked = door.authenticator.may_write_as(identity, &address(text)).await;
        asked.map_err(|fault| fault.to_string())
    };
    assert_eq!(may(&dora, "d.dale@corp.example").await, Ok(true), "an address of her own");
    assert_eq!(may(&dora, "office@corp.example").await, Ok(true));
    assert_eq!(may(&dora, "bob@corp.example").await, Ok(false));
    assert_eq!(may(&bob, "office@corp.example").await, Ok(false), "he has no entry there");
    door.knows(&[Person { is_barred: true, ..self::dora() }]);
    assert_eq!(may(&dora, "office@corp.example").await, Ok(false), "barred a moment ago");
    *door.directory.is_down.lock().unwrap() = true;
    assert_eq!(may(&dora, "d.dale@corp.example").await, Ok(true), "asked without the directory");
    assert!(may(&dora, "office@corp.example").await.is_err());
}

#[tokio::test]
async fn a_shared_mailbox_is_there_though_nobody_can_sign_in_as_it() {
    let door = Door::open(Duration::ZERO).await;
    let office = Person {
        entry: "office".to_owned(),
        id: Some("o0".to_owned()),
        address: address("office@corp.example"),
        aliases: Vec::new(),
        is_barred: true,
        has_delegates: true,
        ..dora()
    };
    door.knows(&[dora(), office.clone()]);
    let presence = async || door.authenticator.presence(&office.address).await.unwrap();
    assert_eq!(presence().await, Presence::Here);
    door.knows(&[Person { has_delegates: false, ..office.clone() }]);
    assert_eq!(presence().await, Presence::Gone { manager: None });

    // Somebody who had an account here, and an assistant who wrote for her.
    door.knows(&[dora()]);
    assert!(matches!(door.try_as("dora", PASSWORD).await, Verdict::Known(_)));
    door.knows(&[Person { is_barred: true, has_delegates: true, ..dora() }]);
    let gone = door.authenticator.presence(&address("dora@corp.example")).await.unwrap();
    assert_eq!(gone, Presence::Gone { manager: None });
}
