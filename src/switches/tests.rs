//! The switches over the store's memory engine, and over one that is opened again.

use std::net::Ipv4Addr;

use futures_util::FutureExt as _;

use super::*;
use crate::base::clock::ManualClock;

const BY: Hand<'_> = Hand::COMMAND_LINE;

struct Desk {
    store: Store,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage =
            config::Storage { reserve: 0, ..config::Storage::in_directory(folder.path().to_owned()) };
        let (store, _spool) = Store::in_memory(&storage).unwrap();
        Self { store, clock: Arc::new(ManualClock::at(Timestamp::from_millis(7))), _folder: folder }
    }

    /// As a daemon does that starts with this file.
    fn open(&self, change: impl FnOnce(&mut config::Invite)) -> Switchboard {
        let mut invite = config::Invite::at(Vec::new());
        change(&mut invite);
        let clock = self.clock.clone();
        Switchboard::open(self.store.clone(), clock, &invite, &config::Registration::default()).unwrap()
    }
}

fn one(switches: &Switchboard, switch: Switch) -> Standing {
    switches.list().into_iter().find(|standing| standing.switch == switch).unwrap()
}

#[tokio::test]
async fn what_is_set_wins_over_the_file_for_all_at_once_and_after_a_restart() {
    let desk = Desk::new();
    let switches = desk.open(|_| ());
    let reader = switches.clone();
    assert!(reader.now().invitations);
    let ann = Address::parse("ann@corp.example").unwrap();
    let hand = Hand { by: Some(&ann), peer: Some(Ipv4Addr::LOCALHOST.into()) };
    switches.set(Switch::Invitations, "false", hand).await.unwrap();
    switches.set(Switch::Lifespan, "30 days", BY).await.unwrap();
    assert!(!reader.now().invitations);

    let again = desk.open(|_| ());
    assert_eq!(again.now(), reader.now());
    let standing = one(&again, Switch::Invitations);
    assert_eq!((standing.value.as_str(), standing.file.as_str()), ("false", "true"));
    let set = standing.set.unwrap();
    assert_eq!((set.by.unwrap(), set.at), (ann, Timestamp::from_millis(7)));
}

#[tokio::test]
async fn what_is_given_back_is_the_file_s_again_also_when_the_file_has_changed() {
    let desk = Desk::new();
    desk.open(|_| ()).set(Switch::Receipts, "always", BY).await.unwrap();
    let switches = desk.open(|invite| invite.lifespan = Lifespan::days(20));
    assert_eq!(switches.now().lifespan.in_days(), 20);
    assert_eq!(switches.now().receipts, Receipts::Always);
    for _ in 0..2 {
        switches.give_back(Switch::Receipts, BY).await.unwrap();
        assert_eq!(switches.now().receipts, Receipts::Asked);
        assert_eq!(one(&switches, Switch::Receipts).set, None);
    }
    assert_eq!(desk.open(|_| ()).now().receipts, Receipts::Asked);
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words_and_changes_nothing() {
    let desk = Desk::new();
    let switches = desk.open(|_| ());
    let before = switches.now();
    for (switch, value, words) in [
        (Switch::Invitations, "off", "“off” is neither true nor false"),
        (Switch::Receipts, "never", "“never” is neither always nor asked"),
        (Switch::Lifespan, "91 days", "“91 days” is not from 1 to 90 days; write for example \"90 days\""),
        (Switch::Lifespan, "14", "“14” is not from 1 to 90 days; write for example \"90 days\""),
        (Switch::Lifespan, "-1 days", "“-1 days” is not from 1 to 90 days; write for example \"90 days\""),
    ] {
        let fault = switches.set(switch, value, BY).await.unwrap_err();
        assert_eq!(fault.to_string(), words);
    }
    assert_eq!(switches.now(), before);
    assert!(switches.list().iter().all(|standing| standing.set.is_none()));
    assert!(Switch::of("invite.enable").unwrap_err().to_string().contains("there is no switch"));
}

#[tokio::test]
async fn what_the_file_s_bounds_no_longer_allow_holds_no_longer() {
    let desk = Desk::new();
    desk.open(|_| ()).set(Switch::Lifespan, "60 days", BY).await.unwrap();
    let switches = desk.open(|invite| invite.lifespan_max = Lifespan::days(30));
    assert_eq!(switches.now().lifespan.in_days(), 14);
    assert_eq!(one(&switches, Switch::Lifespan).set, None);
}

#[tokio::test]
async fn every_value_of_the_file_can_be_set_as_it_is_written_there() {
    let desk = Desk::new();
    let switches = desk.open(|_| ());
    for (written, days) in [("2 weeks", "14 days"), ("1 week 1day", "8 days"), ("24 hours", "1 day")] {
        switches.set(Switch::Lifespan, written, BY).await.unwrap();
        assert_eq!(one(&switches, Switch::Lifespan).value, days);
    }
    for standing in switches.list() {
        switches.set(standing.switch, &standing.file, BY).await.unwrap();
        let set = one(&switches, standing.switch).set.unwrap();
        assert_eq!(set.value, standing.file);
    }
}

#[tokio::test]
async fn a_change_that_is_written_holds_even_if_whoever_asked_goes_away() {
    let desk = Desk::new();
    let switches = desk.open(|_| ());
    assert!(switches.set(Switch::Invitations, "false", BY).now_or_never().is_none());
    // The next one waits for its turn; nothing was set that it could take back.
    switches.give_back(Switch::Receipts, BY).await.unwrap();
    assert!(!switches.now().invitations);
    assert_eq!(desk.open(|_| ()).now(), switches.now());
}
