//! Many sign-ins a second against the directory, while it goes away and comes back: nothing worse than "later".
//!
//! `cargo test --test directory load` makes a short run; `LOAD_SECONDS=60 cargo test --release --test directory load --
//! --nocapture` a long one, and prints figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::harness::house::House;
use crate::slapd::{PASSWORD, Slapd};

/// Mail clients that sign in one after the other, each over a connection of its own.
const CLIENTS: usize = 24;

/// Of a run that nobody asked to be long.
const SECONDS: u64 = 6;

/// With the directory, without it, and with it again.
const PHASES: [&str; 3] = ["up", "down", "up again"];

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_sign_ins_outlives_the_directory() {
    let Some(mut slapd) = Slapd::start() else { return };
    let directory = slapd.settings(&[&slapd.tls_url()], "");
    let house = House::open_with(|settings| settings.directory = Some(directory)).await;
    let seconds = std::env::var("LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let third = Duration::from_secs(seconds) / 3;
    let house = Arc::new(house);
    let phase = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();

    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (house, phase) = (Arc::clone(&house), Arc::clone(&phase));
        let name = ["dora", "fred", "erik", "gus(it)"][number % 4];
        clients.spawn(async move {
            let mut heard = BTreeMap::<(usize, u16), Vec<Duration>>::new();
            while begun.elapsed() < 3 * third {
                let mut client = house.secure_client().await;
                let (asked, at) = (Instant::now(), phase.load(Ordering::SeqCst));
                let code = client.sign_in(name, PASSWORD).await.code;
                // What was asked in one phase and answered in another belongs to the change between them.
                if phase.load(Ordering::SeqCst) == at {
                    heard.entry((at, code)).or_default().push(asked.elapsed());
                } else {
                    assert!([235, 454].contains(&code), "at a change: {code}");
                }
                client.quit().await;
            }
            heard
        });
    }
    sleep_until((begun + third).into()).await;
    slapd.stop();
    phase.store(1, Ordering::SeqCst);
    sleep_until((begun + 2 * third).into()).await;
    slapd.go();
    phase.store(2, Ordering::SeqCst);

    let mut heard = BTreeMap::<(usize, u16), Vec<Duration>>::new();
    while let Some(one) = clients.join_next().await {
        one.unwrap().into_iter().for_each(|(key, times)| heard.entry(key).or_default().extend(times));
    }
    for ((at, code), times) in &mut heard {
        times.sort_unstable();
        let of = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
        eprintln!(
            "directory {:8}: {code} × {:6}, {:4} a second, median {:.1} ms, 99 of 100 within {:.1} ms",
            PHASES[*at],
            times.len(),
            u128::try_from(times.len()).unwrap() * 1000 / third.as_millis(),
            of(50),
            of(99)
        );
    }
    let count = |at, code| heard.get(&(at, code)).map_or(0, Vec::len);
    assert!(heard.keys().all(|(_, code)| [235, 454].contains(code)), "something worse than temporary");
    assert!(count(0, 235) > 0 && count(1, 454) > 0 && count(2, 235) > 0, "each phase was seen");
    assert_eq!((count(0, 454), count(1, 235)), (0, 0));
    Arc::into_inner(house).unwrap().close().await;
}
