use std::time::Duration;

use crate::config::Storage;
use crate::store::{CommitError, Store};

use super::*;

/// 12:00 UTC sharp.
const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);
const AN_HOUR: Duration = Duration::from_hours(1);

fn book() -> (Invites, Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
    let (store, _spool) = Store::in_memory(&storage).unwrap();
    (Invites::new(store.clone()), store, folder)
}

fn people(range: std::ops::Range<u32>) -> Vec<Address> {
    range.map(|number| format!("kim{number}@partner.example").parse().unwrap()).collect()
}

/// Counts and commits.
async fn invite(
    invites: &Invites,
    store: &Store,
    inviter: AccountId,
    people: &[Address],
    now: Timestamp,
) -> Result<(), Reached> {
    let mut batch = Batch::new();
    let rates = Rates { per_domain: None, ..Rates::default() };
    match invites.count(&mut batch, inviter, people.iter(), &rates, now) {
        Ok(()) => store.commit(batch).await.unwrap(),
        Err(CountFault::Reached(reached)) => return Err(reached),
        Err(CountFault::Store(fault)) => panic!("{fault}"),
    }
    Ok(())
}

#[tokio::test]
async fn a_hundred_an_hour_and_the_next_when_the_first_are_an_hour_old() {
    let (invites, store, _folder) = book();
    let ann = AccountId::fresh();
    invite(&invites, &store, ann, &people(0..40), NOON).await.unwrap();
    invite(&invites, &store, ann, &people(40..90), NOON + Duration::from_mins(10)).await.unwrap();
    let now = NOON + Duration::from_mins(20);
    invite(&invites, &store, ann, &people(90..100), now).await.unwrap();

    let reached = invite(&invites, &store, ann, &people(100..101), now).await.unwrap_err();
    assert_eq!(reached, Reached { scope: Scope::Hour, limit: 100, until: NOON + AN_HOUR });
    // Fifty do not fit before the second message is an hour old.
    let reached = invite(&invites, &store, ann, &people(100..150), now).await.unwrap_err();
    assert_eq!(reached.until, NOON + AN_HOUR + Duration::from_mins(10));
    // Others are not concerned.
    invite(&invites, &store, AccountId::fresh(), &people(0..100), now).await.unwrap();

    let just_before = NOON + AN_HOUR - Duration::from_millis(1);
    invite(&invites, &store, ann, &people(100..101), just_before).await.unwrap_err();
    invite(&invites, &store, ann, &people(100..140), NOON + AN_HOUR).await.unwrap();
}

#[tokio::test]
async fn five_hundred_a_day() {
    let (invites, store, _folder) = book();
    let ann = AccountId::fresh();
    for hour in 0..5 {
        let people = people(hour * 100..hour * 100 + 100);
        invite(&invites, &store, ann, &people, NOON + AN_HOUR * hour).await.unwrap();
    }
    let reached = invite(&invites, &store, ann, &people(500..501), NOON + AN_HOUR * 23).await.unwrap_err();
    assert_eq!(reached, Reached { scope: Scope::Day, limit: 500, until: NOON + AN_HOUR * 24 });
    invite(&invites, &store, ann, &people(500..501), NOON + AN_HOUR * 24).await.unwrap();
}

#[tokio::test]
async fn five_a_day_to_the_same_person_however_the_address_is_spelt() {
    let (invites, store, _folder) = book();
    let (ann, kim) = (AccountId::fresh(), "kim@partner.example".parse::<Address>().unwrap());
    for _ in 0..5 {
        invite(&invites, &store, ann, std::slice::from_ref(&kim), NOON).await.unwrap();
    }
    let spelt: Address = "KIM@Partner.Example".parse().unwrap();
    let reached =
        invite(&invites, &store, ann, std::slice::from_ref(&spelt), NOON + AN_HOUR).await.unwrap_err();
    assert_eq!((reached.limit, reached.until), (5, NOON + AN_HOUR * 24));
    assert_eq!(reached.scope, Scope::Invitee(spelt));
    invite(&invites, &store, ann, &people(0..1), NOON).await.unwrap();
    // A colleague may.
    invite(&invites, &store, AccountId::fresh(), std::slice::from_ref(&kim), NOON).await.unwrap();
}

#[tokio::test]
async fn so_many_a_day_to_one_domain_whoever_is_there() {
    let (invites, store, _folder) = book();
    let ann = AccountId::fresh();
    let rates = Rates { per_hour: None, per_day: None, per_invitee: None, per_domain: Some(3) };
    let invite = async |inviter, people: &[Address], now| {
        let mut batch = Batch::new();
        let counted = invites.count(&mut batch, inviter, people.iter(), &rates, now);
        store.commit(batch).await.unwrap();
        counted.map_err(|fault| match fault {
            CountFault::Reached(reached) => reached,
            CountFault::Store(fault) => panic!("{fault}"),
        })
    };
    let elsewhere: [Address; 1] = ["kim@supplier.example".parse().unwrap()];
    invite(ann, &people(0..2), NOON).await.unwrap();
    invite(ann, &[people(2..3), elsewhere.to_vec()].concat(), NOON + AN_HOUR).await.unwrap();
    let reached = invite(ann, &people(3..4), NOON + AN_HOUR * 2).await.unwrap_err();
    let domain = Domain::parse("partner.example").unwrap();
    assert_eq!(reached, Reached { scope: Scope::Domain(domain), limit: 3, until: NOON + AN_HOUR * 24 });
    // Neither the other domain nor a colleague is concerned.
    invite(ann, &elsewhere, NOON + AN_HOUR * 2).await.unwrap();
    invite(AccountId::fresh(), &people(0..3), NOON + AN_HOUR * 2).await.unwrap();
    invite(ann, &people(3..5), NOON + AN_HOUR * 24).await.unwrap();
}

#[tokio::test]
async fn two_at_once_do_not_slip_through_together() {
    let (invites, store, _folder) = book();
    let ann = AccountId::fresh();
    invite(&invites, &store, ann, &people(0..99), NOON).await.unwrap();
    let batch_for = |people: &[Address]| {
        let mut batch = Batch::new();
        invites.count(&mut batch, ann, people.iter(), &Rates::default(), NOON).map(|()| batch)
    };
    let (first, second) = (batch_for(&people(100..101)).unwrap(), batch_for(&people(101..102)).unwrap());
    store.commit(first).await.unwrap();
    assert!(matches!(store.commit(second).await, Err(CommitError::Conflict)));
    assert!(matches!(batch_for(&people(101..102)), Err(CountFault::Reached(_))));
}

#[tokio::test]
async fn what_is_unlimited_is_not_counted() {
    let (invites, store, _folder) = book();
    let rates = Rates { per_hour: None, per_day: None, per_invitee: None, per_domain: None };
    let mut batch = Batch::new();
    invites.count(&mut batch, AccountId::fresh(), people(0..9).iter(), &rates, NOON).unwrap();
    store.commit(batch).await.unwrap();
    assert!(TALLIES.scan(&store, None, 10).unwrap().is_empty());
}

#[tokio::test]
async fn after_a_day_nothing_is_left_to_sweep_and_before_nothing_is_swept() {
    let (invites, store, _folder) = book();
    let ann = AccountId::fresh();
    invite(&invites, &store, ann, &people(0..3), NOON).await.unwrap();
    invite(&invites, &store, ann, &people(0..1), NOON + AN_HOUR * 2).await.unwrap();
    let sweep = async |now, limit| {
        let mut batch = Batch::new();
        let swept = invites.sweep_tallies(&mut batch, now, limit).unwrap();
        store.commit(batch).await.unwrap();
        (swept, TALLIES.scan(&store, None, 10).unwrap().len())
    };
    assert_eq!(sweep(NOON + AN_HOUR * 24, 10).await, (0, 4));
    // The counts of ann and of the first person go on.
    assert_eq!(sweep(NOON + AN_HOUR * 25, 3).await.0, 3);
    assert_eq!(sweep(NOON + AN_HOUR * 25, 3).await, (1, 2));
    assert_eq!(sweep(NOON + AN_HOUR * 27, 10).await, (2, 0));
    assert!(ENDS.scan(&store, None, 10).unwrap().is_empty());
}

#[test]
fn a_tally_stays_small() {
    let mut tally = Tally::default();
    for minute in 0..3 * DAY {
        tally = tally.lately(minute).with(minute, 7);
    }
    assert_eq!(tally.0.len(), 1440);
}
