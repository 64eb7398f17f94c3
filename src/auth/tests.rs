//! Names, passwords and throttles, against accounts that are kept here.

use std::sync::Arc;

use crate::accounts::Credential;
use crate::base::clock::{ManualClock, Timestamp};
use crate::config::Storage;
use crate::store::{Batch, Store};

use super::*;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "violet tractor seven";
/// Failures without a wait.
const FREE: u32 = 3;

struct Door {
    authenticator: Authenticator,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl Door {
    /// Known are ann (staff, with an alias), lee (staff, locked) and kim (a guest), all with the same password.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        let accounts = Accounts::new(store.clone());
        let passwords = Passwords::new(2);
        let hash = passwords.hash(&Secret::new(PASSWORD)).await.unwrap();
        let mut batch = Batch::new();
        for (address, kind, locked) in [
            ("ann@corp.example", Kind::Staff, false),
            ("lee@corp.example", Kind::Staff, true),
            ("kim@partner.example", Kind::Guest, false),
        ] {
            let account = Account {
                id: AccountId::fresh(),
                kind,
                mailbox: Address::parse(address).unwrap().into(),
                aliases: vec![Address::parse(&format!("a.{address}")).unwrap()],
                credential: Credential::Password(hash.clone()),
                rights: Rights::of_staff(true),
                locked,
                created: Timestamp::from_millis(0),
                inviters: Vec::new(),
                language: None,
            };
            accounts.insert(&mut batch, &account).unwrap();
        }
        store.commit(batch).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let throttle = |free| Failures::new(clock.clone(), free, 100);
        let authenticator = Authenticator::new(accounts, passwords, throttle(FREE), throttle(4 * FREE));
        Self { authenticator, clock, _folder: folder }
    }

    async fn try_as(&self, name: &str, password: &str, kind: Kind) -> Verdict {
        self.authenticator.sign_in(name, &Secret::new(password), PEER, &[kind], "smtp").await
    }
}

#[tokio::test]
async fn whoever_knows_the_password_comes_in_by_the_right_door() {
    let door = Door::open().await;
    for name in ["ann@corp.example", "ANN@corp.example", " a.ann@corp.example"] {
        let Verdict::Known(identity) = door.try_as(name, PASSWORD, Kind::Staff).await else {
            panic!("{name}");
        };
        assert!(identity.owns(&Address::parse("Ann@corp.example").unwrap()));
        assert!(identity.owns(&Address::parse("a.ann@corp.example").unwrap()));
        assert!(!identity.owns(&Address::parse("lee@corp.example").unwrap()));
    }
    assert!(matches!(door.try_as("kim@partner.example", PASSWORD, Kind::Guest).await, Verdict::Known(_)));
}

#[tokio::test]
async fn unknown_wrong_locked_and_the_wrong_door_are_one_answer_and_one_throttle() {
    for (name, password) in [
        ("nobody@corp.example", PASSWORD),
        ("not an address", PASSWORD),
        ("ann@corp.example", "wrong"),
        ("lee@corp.example", PASSWORD),
        ("kim@partner.example", PASSWORD),
    ] {
        let door = Door::open().await;
        for _ in 0..=FREE {
            assert_eq!(door.try_as(name, password, Kind::Staff).await, Verdict::Refused, "{name}");
        }
        let Verdict::Throttled(wait) = door.try_as(name, password, Kind::Staff).await else {
            panic!("{name}");
        };
        door.clock.advance(wait);
        assert_eq!(door.try_as(name, password, Kind::Staff).await, Verdict::Refused, "{name}");
    }
}

#[tokio::test]
async fn the_right_password_waits_too_and_then_clears_the_throttle() {
    let door = Door::open().await;
    for _ in 0..=FREE {
        door.try_as("ann@corp.example", "wrong", Kind::Staff).await;
    }
    let Verdict::Throttled(wait) = door.try_as("ann@corp.example", PASSWORD, Kind::Staff).await else {
        panic!("not throttled");
    };
    door.clock.advance(wait);
    assert!(matches!(door.try_as("ann@corp.example", PASSWORD, Kind::Staff).await, Verdict::Known(_)));
    for _ in 0..FREE {
        assert_eq!(door.try_as("ann@corp.example", "wrong", Kind::Staff).await, Verdict::Refused);
    }
}

#[tokio::test]
async fn no_other_spelling_of_a_name_is_a_fresh_start() {
    let door = Door::open().await;
    let spellings = [
        "kim@partner.example",
        "\"kim\"@partner.example",
        "\"\\kim\"@partner.example",
        " \"K\\im\"@PARTNER.example ",
        "kim@\u{ff50}artner.example",
    ];
    for spelling in spellings.iter().take(4) {
        assert_eq!(door.try_as(spelling, "wrong", Kind::Guest).await, Verdict::Refused, "{spelling}");
    }
    for spelling in spellings {
        let verdict = door.try_as(spelling, PASSWORD, Kind::Guest).await;
        assert!(matches!(verdict, Verdict::Throttled(_)), "{spelling}");
    }
}

#[tokio::test]
async fn a_peer_that_tries_many_names_is_throttled_and_no_guest_is_its_excuse() {
    let door = Door::open().await;
    for number in 0..=4 * FREE {
        let name = format!("name{number}@corp.example");
        assert_eq!(door.try_as(&name, "wrong", Kind::Guest).await, Verdict::Refused);
        if number % 4 == 0 {
            door.try_as("kim@partner.example", PASSWORD, Kind::Guest).await;
        }
    }
    assert!(matches!(door.try_as("new@corp.example", "wrong", Kind::Guest).await, Verdict::Throttled(_)));
    let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    let secret = Secret::new("wrong");
    let verdict =
        door.authenticator.sign_in("new@corp.example", &secret, elsewhere, &[Kind::Guest], "web").await;
    assert_eq!(verdict, Verdict::Refused);
}

#[tokio::test]
async fn of_guesses_made_side_by_side_few_are_answered() {
    let door = Door::open().await;
    let guesses = (0..12).map(|_| door.try_as("ann@corp.example", "wrong", Kind::Staff));
    let verdicts = futures_util::future::join_all(guesses).await;
    let refused = verdicts.iter().filter(|verdict| **verdict == Verdict::Refused).count();
    assert_eq!(refused, usize::try_from(FREE + 1).unwrap());
}

#[tokio::test]
async fn a_trusted_server_may_speak_for_staff_only() {
    let door = Door::open().await;
    let lookup = async |text: &str| door.authenticator.lookup(&Address::parse(text).unwrap()).await.unwrap();
    assert!(lookup("a.ANN@corp.example").await.is_some_and(|identity| identity.rights.invite));
    assert!(lookup("lee@corp.example").await.is_none());
    assert!(lookup("kim@partner.example").await.is_none());
    assert!(lookup("nobody@corp.example").await.is_none());
}

#[test]
fn an_ipv6_host_is_one_peer_whatever_address_it_picks() {
    let site = |text: &str| one_site(text.parse().unwrap()).to_string();
    assert_eq!(site("2001:db8:1:2:3::4"), site("2001:db8:1:2:ffff::"));
    assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:1:3::1"));
    assert_eq!(site("::ffff:192.0.2.1"), "192.0.2.1");
}

#[test]
fn the_wait_is_said_in_words() {
    for (seconds, words) in [(1, "a second"), (8, "8 seconds"), (60, "a minute"), (90, "2 minutes")] {
        assert!(too_often(Duration::from_secs(seconds)).to_string().contains(words));
    }
}
