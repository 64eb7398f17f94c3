//! Pulling the plug, again and again, while mail comes in at full speed: what was acknowledged arrives, at whom it was
//! for, and twice only where the plug was pulled between the next hop's 250 and our note of it.
//!
//! `cargo test --test crash` does a few rounds; `CRASH_ROUNDS=50 cargo test --test crash -- --nocapture` does many,
//! and says what it saw.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and reports on standard output"
)]

mod gateway;
#[allow(dead_code, reason = "the stories use the rest")]
mod harness;
mod ledger;
mod pump;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::gateway::{Cut, Gateway, Home};
use crate::harness::hop::{Hop, Manners};
use crate::ledger::Ledger;
use crate::pump::Pumps;

/// Rounds of a run that nobody asked to be long.
const FEW_ROUNDS: usize = 4;

/// In one of so many rounds the next hop is away.
const AWAY_EVERY: usize = 3;

/// Connections that send at once.
const PUMPS: usize = 8;

/// The plug is pulled after at most so many acknowledgements.
const ACKNOWLEDGED_MAX: u64 = 400;

/// And at most so long after the last of them, so that it falls between any two steps.
const MICROSECONDS_MAX: u64 = 20_000;

/// How long a round may take to be acknowledged.
const ROUND_TIME: Duration = Duration::from_mins(1);

/// How long the last start may take to deliver what is left.
const REST_TIME: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_mail_survives_kill_9() {
    run(Cut::Kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_mail_survives_a_power_cut() {
    run(Cut::Power).await;
}

async fn run(cut: Cut) {
    let rounds = std::env::var("CRASH_ROUNDS").map_or(FEW_ROUNDS, |rounds| rounds.parse().unwrap());
    let hop = Hop::start().await;
    let away = Hop::down(Manners::default());
    let home = Home::new(cut);
    let mut ledger = Ledger::default();
    for round in 0..rounds {
        ledger.starting();
        // Now and then nothing can be delivered, so that a full queue goes from one life to the next.
        let next_hop = if round % AWAY_EVERY == AWAY_EVERY - 1 { &away } else { &hop };
        let gateway = Gateway::start(&home, next_hop.address()).await;
        let pumps = Pumps::start(&gateway.facts, round, PUMPS);
        let acknowledged = pumps.acknowledged(random(ACKNOWLEDGED_MAX));
        let in_time = tokio::time::timeout(ROUND_TIME, acknowledged).await;
        assert!(in_time.is_ok(), "the gateway takes no mail\n{}", home.log());
        tokio::time::sleep(Duration::from_micros(random(MICROSECONDS_MAX))).await;
        let at = gateway.pull_the_plug();
        ledger.killed(at);
        ledger.sent(pumps.finish().await);
        home.restore();
        ledger.received(hop.take());
        println!("round {}: {ledger}", round + 1);
    }

    ledger.starting();
    let gateway = Gateway::start(&home, hop.address()).await;
    let end = Instant::now() + REST_TIME;
    while let Some(missing) = ledger.missing() {
        assert!(Instant::now() < end, "acknowledged and lost: {missing}; {ledger}\n{}", home.log());
        ledger.received(hop.next_within(Duration::from_secs(1)).await);
    }
    gateway.stop().await;
    ledger.received(hop.take());
    println!("{rounds} rounds: {ledger}");
    assert!(ledger.faults().is_empty(), "{}", ledger.faults().join("\n"));
    assert_eq!(hop.faults(), [""; 0]);
}

/// Less than `bound`, as the process's hash seeds fall.
fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(bound) % bound
}
