//! A next hop that fails at every turn, and the promise that holds all the same.

use std::collections::HashMap;

use super::sink::{Answer, Sink};
use super::*;

/// Numbers that look random and are the same in each run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test]
async fn every_recipient_ends_once_delivered_or_reported() {
    let mut dice = Dice(1);
    let sink = Sink::new(move |line, _| {
        let to_a_recipient = line.starts_with("RCPT") && !line.contains("corp.example");
        match dice.roll(30) {
            0 => Some(Answer::Close),
            1 if line != "DATA" && line != "greeting" => Some(Answer::Say("451 4.3.0 later")),
            2 => Some(Answer::SayAndClose("421 4.3.2 closing")),
            3 if to_a_recipient => Some(Answer::Say("550 5.1.1 no such user")),
            4 if line == "DATA" => Some(Answer::SayAndClose("354 go ahead")),
            _ => None,
        }
    })
    .await;
    let mut plan = Plan::to(&[sink.address]);
    // A delay is reported too, and is no end.
    plan.relay.delay_notice_after = plan.relay.give_up_after;
    let house = plan.open();
    let mut recipients = Vec::new();
    for number in 0..60 {
        let to: Vec<_> = (0..3).map(|copy| format!("r{number}-{copy}@partner.example")).collect();
        house.post("ann@corp.example", &[to[0].as_str(), &to[1], &to[2]]).await;
        recipients.extend(to);
    }
    while !house.queue.is_empty() {
        poll(|| house.queue.is_empty() || house.queue.next_due().is_some_and(|due| due > house.clock.now()))
            .await;
        house.clock.advance(MINUTE);
    }

    let mut ends: HashMap<&str, usize> = HashMap::new();
    let taken = sink.taken(1).await;
    let (reports, copies): (Vec<_>, Vec<_>) =
        taken.iter().partition(|taken| taken.mail.starts_with("MAIL FROM:<>"));
    let changed: Vec<_> = copies.iter().filter(|copy| copy.data != MAIL.as_bytes()).collect();
    assert!(changed.is_empty(), "{changed:?}");
    for recipient in &recipients {
        let is_named = |text: &str| text.contains(recipient.as_str());
        let delivered = copies.iter().filter(|copy| copy.rcpt.iter().any(|to| is_named(to))).count();
        let reported =
            reports.iter().filter(|report| is_named(&String::from_utf8_lossy(&report.data))).count();
        ends.insert(recipient, delivered + reported);
    }
    // The sink keeps nothing that it did not answer with 250, so twice is once too often.
    let wrong: Vec<_> = ends.into_iter().filter(|(_, count)| *count != 1).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(!reports.is_empty() && copies.len() > 50, "{} reports, {} copies", reports.len(), copies.len());
    house.close().await;
}
