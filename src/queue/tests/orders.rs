//! What an administrator orders, as the queue sees it.

use std::fs::{self, File};

use futures_util::FutureExt as _;

use super::*;
use crate::audit::Hand;
use crate::queue::order::{Order, OrderFault};

const KIM: &str = "kim@partner.example";
const LEE: &str = "lee@partner.example";

/// The recipients that an order concerned.
async fn obeyed(house: &House, order: Order, message: &Message) -> Vec<String> {
    let concerned = house.queue.obey(order, message.id, Hand::COMMAND_LINE).await.unwrap();
    concerned.iter().map(ToString::to_string).collect()
}

async fn refusal(house: &House, order: Order, message: &Message) -> OrderFault {
    house.queue.obey(order, message.id, Hand::COMMAND_LINE).await.unwrap_err()
}

#[tokio::test]
async fn what_is_held_is_not_due_before_it_is_released_even_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let message = house.post(&[KIM, LEE]).await;
    assert_eq!(obeyed(&house, Order::Hold, &message).await, [KIM, LEE]);
    assert_eq!((house.queue.next_due(), house.queue.len()), (None, 1));
    assert!(matches!(refusal(&house, Order::Hold, &message).await, OrderFault::Nothing(_)));
    // To try at once is not to release.
    assert!(matches!(refusal(&house, Order::Retry, &message).await, OrderFault::Nothing(_)));
    house.store.close().await;
    drop((house.queue, house.store, house.spool));

    let house = House::open_at(directory.path(), house.clock);
    assert_eq!((house.queue.next_due(), house.queue.len()), (None, 1));
    house.clock.advance(MINUTE);
    assert_eq!(obeyed(&house, Order::Release, &message).await, [KIM, LEE]);
    assert_eq!(house.queue.next_due(), Some(house.clock.now()));
    assert!(matches!(refusal(&house, Order::Release, &message).await, OrderFault::Nothing(_)));
    for _ in [KIM, LEE] {
        let claim = house.queue.claim().await.unwrap();
        house.settle(claim, Verdict::Done).await;
    }
    assert!(house.queue.is_empty());
}

#[tokio::test]
async fn what_waits_for_its_time_is_tried_now_and_remembers_its_attempts() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let message = house.post(&[KIM]).await;
    let claim = house.queue.claim().await.unwrap();
    house.settle(claim, later()).await;
    assert!(house.queue.next_due().unwrap() > house.clock.now());
    assert_eq!(obeyed(&house, Order::Retry, &message).await, [KIM]);
    assert_eq!(house.queue.next_due(), Some(house.clock.now()));
    let claim = house.queue.claim().await.unwrap();
    assert_eq!(claim.attempts(), 1);
    assert_eq!(claim.entries[0].value.schedule.last_answer.as_deref(), Some("450 later"));
}

#[tokio::test]
async fn what_is_dropped_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let (held, message) = (house.post(&[KIM]).await, house.post(&[KIM, LEE]).await);
    obeyed(&house, Order::Hold, &held).await;
    for (message, recipients) in [(&held, &[KIM][..]), (&message, &[KIM, LEE])] {
        assert_eq!(obeyed(&house, Order::Drop, message).await, recipients);
        assert!(!house.has_record_of(message));
        assert!(matches!(refusal(&house, Order::Drop, message).await, OrderFault::Unknown(_)));
    }
    assert_eq!((house.queue.next_due(), house.queue.len()), (None, 0));
    house.queue.drained().await;
}

#[tokio::test]
async fn what_is_on_its_way_goes_on_whatever_is_ordered() {
    for order in [Order::Hold, Order::Drop] {
        let directory = tempfile::tempdir().unwrap();
        let house = House::open(directory.path());
        let message = house.post(&[KIM, LEE]).await;
        let on_its_way = house.queue.claim().await.unwrap();
        let other = if recipient(&on_its_way) == KIM { LEE } else { KIM };
        assert_eq!(obeyed(&house, order, &message).await, [other]);
        assert!(house.has_record_of(&message));
        assert!(matches!(refusal(&house, Order::Retry, &message).await, OrderFault::Nothing(_)));
        house.settle(on_its_way, Verdict::Done).await;
        assert_eq!(house.queue.is_empty(), order == Order::Drop);
        assert_eq!(house.has_record_of(&message), order == Order::Hold);
    }
}

#[tokio::test]
async fn an_order_that_nothing_comes_of_leaves_all_in_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let message = house.post(&[KIM]).await;
    let due = house.queue.next_due();
    assert!(matches!(refusal(&house, Order::Release, &message).await, OrderFault::Nothing(_)));
    assert_eq!(house.queue.next_due(), due);
    // The disk fails at the commit: what was taken out comes back.
    house.store.close().await;
    assert!(matches!(refusal(&house, Order::Hold, &message).await, OrderFault::Store(_)));
    assert_eq!(house.queue.next_due(), due);
}

#[tokio::test]
async fn an_order_is_noted_even_if_whoever_gave_it_goes_away() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let message = house.post(&[KIM]).await;
    let journal = directory.path().join("lines");
    let lines = tracing_subscriber::fmt().with_writer(Arc::new(File::create(&journal).unwrap()));
    let _journal = tracing::subscriber::set_default(lines.finish());
    let gone = house.queue.obey(Order::Drop, message.id, Hand::COMMAND_LINE).now_or_never();
    assert!(gone.is_none(), "there was something to wait for");
    house.queue.drained().await;
    let noted = fs::read_to_string(journal).unwrap();
    assert!(noted.contains("queue ordered") && noted.contains("drop"), "{noted}");
}

#[tokio::test]
async fn figures_of_a_part_say_so_whether_messages_are_many_or_their_recipients() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    house.post(&[KIM, LEE]).await;
    let message = house.post(&[KIM, LEE]).await;
    obeyed(&house, Order::Hold, &message).await;
    for (messages, recipients, is_whole, seen) in
        [(3, 5, true, (2, 2)), (1, 5, false, (2, 0)), (3, 3, false, (2, 1)), (3, 1, false, (1, 0))]
    {
        let census = house.queue.census_of(messages, recipients).unwrap();
        let figures = (census.messages, census.is_whole, (census.due, census.held));
        assert_eq!(figures, (2, is_whole, seen), "{messages} messages, {recipients} recipients");
    }
}

#[tokio::test]
async fn a_page_of_the_list_ends_early_where_messages_have_many_recipients() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::open(directory.path());
    let (first, second) = (house.post(&[KIM, LEE]).await, house.post(&[KIM]).await);
    for (limit, recipients, seen) in [(3, 3, 2), (3, 2, 1), (3, 1, 1), (1, 9, 1)] {
        let page = house.queue.page(None, limit, recipients).unwrap();
        let next = (seen == 1).then_some(first.id);
        assert_eq!((page.messages.len(), page.next), (seen, next), "{limit}, {recipients}");
    }
    let last = house.queue.page(Some(first.id), 3, 1).unwrap();
    assert_eq!((last.messages[0].message.id, last.next), (second.id, None));
}
