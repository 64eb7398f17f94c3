use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::base::address::{Address, ReversePath};
use crate::base::clock::ManualClock;
use crate::mail::edit::Source as _;
use crate::smtp::parameter::{MailParameters, RcptParameters};

mod orders;

const MINUTE: Duration = Duration::from_mins(1);

struct House {
    clock: Arc<ManualClock>,
    store: Store,
    spool: Spool,
    queue: Queue,
}

impl House {
    fn open(directory: &Path) -> Self {
        Self::open_at(directory, clock())
    }

    fn open_at(directory: &Path, clock: Arc<ManualClock>) -> Self {
        let (store, spool) = Store::open(&storage(directory)).unwrap();
        Self::with(store, spool, clock)
    }

    fn with(store: Store, spool: Spool, clock: Arc<ManualClock>) -> Self {
        let queue =
            Queue::open(store.clone(), spool.clone(), clock.clone(), &config::Relay::default()).unwrap();
        Self { clock, store, spool, queue }
    }

    /// A message whose recipients each have edits of their own, so that each is claimed alone.
    async fn post(&self, recipients: &[&str]) -> Message {
        let (message, batch, admission) = self.write(recipients).await;
        self.store.commit(batch).await.unwrap();
        self.queue.admit(admission);
        message
    }

    async fn write(&self, recipients: &[&str]) -> (Message, Batch, Admission) {
        let body = self.spool.keep(Bytes::from(vec![b'x'; 10_000])).await.unwrap();
        let message = Message {
            id: MessageId::fresh(),
            kind: Kind::Invitation,
            body: body.reference(),
            sender: ReversePath::Null,
            parameters: MailParameters::default(),
            received: self.clock.now(),
            header_len: 0,
        };
        let mut bodies = vec![body];
        let mut envelopes = Vec::new();
        for recipient in recipients {
            let edits = self.spool.keep(Bytes::from((*recipient).to_owned())).await.unwrap();
            envelopes.push(Envelope {
                recipient: Address::parse(recipient).unwrap(),
                parameters: RcptParameters::default(),
                edits: Some(edits.reference()),
                invitation: None,
            });
            bodies.push(edits);
        }
        let mut batch = Batch::new();
        let admission = self.queue.add(&mut batch, &message, &envelopes, &bodies).unwrap();
        (message, batch, admission)
    }

    async fn settle(&self, claim: Claim, verdict: Verdict) {
        let mut batch = Batch::new();
        let settlement = self.queue.settle(&mut batch, &claim, &[verdict]).unwrap();
        self.store.commit(batch).await.unwrap();
        self.queue.finish(claim, settlement);
    }

    fn has_record_of(&self, message: &Message) -> bool {
        MESSAGES.get(&self.store, &message.id).unwrap().is_some()
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)))
}

fn recipient(claim: &Claim) -> String {
    claim.envelopes().map(|envelope| envelope.recipient.to_string()).collect()
}

fn later() -> Verdict {
    Verdict::Again { answer: "450 later".to_owned(), delay_reported: false }
}

#[tokio::test]
async fn mail_goes_on_although_nobody_waits_for_its_commit_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let (_, batch, admission) = house.write(&["kim@partner.example"]).await;
    // A browser that closes its connection ends the future that waits.
    tokio::select! {
        biased;
        _ = house.queue.commit(batch, vec![admission]) => panic!("nobody should have waited so long"),
        () = std::future::ready(()) => {}
    }
    let claim = house.queue.claim().await.unwrap();
    assert_eq!(recipient(&claim), "kim@partner.example");
}

#[tokio::test]
async fn a_claim_waits_for_what_is_admitted() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let queue = house.queue.clone();
    let claimer = tokio::spawn(async move { recipient(&queue.claim().await.unwrap()) });
    tokio::task::yield_now().await;
    house.post(&["kim@partner.example"]).await;
    assert_eq!(claimer.await.unwrap(), "kim@partner.example");
}

#[tokio::test]
async fn a_deferred_envelope_waits_longer_each_time_and_a_restart_does_not_hurry_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut house = House::open(directory.path());
    house.post(&["kim@partner.example"]).await;
    for (attempts, wait) in [(0, 1), (1, 2), (2, 4), (3, 8)] {
        let claim = house.queue.claim().await.unwrap();
        assert_eq!(claim.attempts(), attempts);
        house.settle(claim, later()).await;
        house.store.close().await;
        drop((house.queue, house.store, house.spool));

        house = House::open_at(directory.path(), house.clock);
        let due = house.queue.next_due().unwrap().since(house.clock.now());
        assert!((wait * MINUTE..=wait * MINUTE * 5 / 4).contains(&due), "{due:?}");
        house.clock.advance(due);
    }
    let claim = house.queue.claim().await.unwrap();
    let schedule = &claim.entries[0].value.schedule;
    assert_eq!(schedule.last_answer.as_deref(), Some("450 later"));
    assert_eq!(schedule.first_attempt, Some(Timestamp::from_millis(1_800_000_000_000)));
}

#[tokio::test]
async fn a_claim_that_is_dropped_comes_again_after_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    house.post(&["kim@partner.example"]).await;
    drop(house.queue.claim().await.unwrap());
    let due = house.queue.next_due().unwrap();
    assert!(due.since(house.clock.now()) >= MINUTE);
    house.clock.advance(due.since(house.clock.now()));
    assert_eq!(house.queue.claim().await.unwrap().attempts(), 0);
}

#[tokio::test]
async fn what_was_claimed_in_a_crash_is_due_again_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::in_memory(&storage(directory.path())).unwrap();
    let house = House::with(store, spool, clock());
    house.post(&["kim@partner.example"]).await;
    let claim = house.queue.claim().await.unwrap();
    let next = House::with(house.store.clone(), house.spool.clone(), clock());
    assert_eq!(recipient(&next.queue.claim().await.unwrap()), recipient(&claim));
}

#[tokio::test]
async fn a_message_leaves_with_its_last_envelope() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let message = house.post(&["kim@partner.example", "lee@partner.example"]).await;
    let first = house.queue.claim().await.unwrap();
    house.settle(first, Verdict::Done).await;
    assert!(house.has_record_of(&message));
    assert_eq!(house.spool.open(&message.body).unwrap().len(), 10_000);
    assert_eq!(house.queue.len(), 1);

    let second = house.queue.claim().await.unwrap();
    house.settle(second, Verdict::Done).await;
    assert!(!house.has_record_of(&message));
    assert!(house.queue.is_empty());
}

#[tokio::test]
async fn a_message_settled_side_by_side_leaves_with_the_next_settlement() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let message = house.post(&["kim@partner.example", "lee@partner.example"]).await;
    let claims = [house.queue.claim().await.unwrap(), house.queue.claim().await.unwrap()];
    let mut settlements = Vec::new();
    for claim in &claims {
        let mut batch = Batch::new();
        settlements.push(house.queue.settle(&mut batch, claim, &[Verdict::Done]).unwrap());
        house.store.commit(batch).await.unwrap();
    }
    for (claim, settlement) in claims.into_iter().zip(settlements) {
        house.queue.finish(claim, settlement);
    }
    assert!(house.queue.is_empty());
    assert!(house.has_record_of(&message), "neither knew that it was the last");

    house.store.close().await;
    drop((house.queue, house.store, house.spool));
    let house = House::open(directory.path());
    assert!(house.queue.is_empty(), "a record without envelopes is no message");
    house.post(&["kim@partner.example"]).await;
    let next = house.queue.claim().await.unwrap();
    house.settle(next, Verdict::Done).await;
    assert!(!house.has_record_of(&message));
}

#[tokio::test]
async fn bodies_that_no_record_names_are_gone_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let kept = house.post(&["kim@partner.example"]).await;
    let gone = house.post(&["lee@partner.example"]).await;
    house.queue.claim().await.unwrap().end_turn();
    let claim = house.queue.claim().await.unwrap();
    assert_eq!(claim.message.id, gone.id);
    house.settle(claim, Verdict::Done).await;
    house.store.close().await;
    drop((house.queue, house.store, house.spool));

    let house = House::open(directory.path());
    let read = |message: &Message| house.spool.open(&message.body).and_then(|body| body.read(0..10_000));
    assert_eq!(read(&kept).unwrap().len(), 10_000);
    assert!(read(&gone).is_err());
}

fn storage(directory: &Path) -> config::Storage {
    config::Storage {
        reserve: 0,
        segment_body_max: 4096,
        ..config::Storage::in_directory(directory.to_owned())
    }
}
