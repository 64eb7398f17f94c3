//! What becomes of a message, by what the next hop says.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::sink::{Answer, Sink};
use super::*;
use crate::mail::edit::{Edit, Edits};
use crate::net::resolver::{MailHost, MailHosts};
use crate::smtp::parameter::Notify;

/// The usual answer, but these words to lines that begin so.
fn but(
    begin: &'static str,
    words: &'static str,
) -> impl FnMut(&str, usize) -> Option<Answer> + Send + 'static {
    move |line, _| line.starts_with(begin).then_some(Answer::Say(words))
}

/// These words the first time a line begins so, and then the usual answer.
fn first(
    begin: &'static str,
    answer: fn() -> Answer,
) -> impl FnMut(&str, usize) -> Option<Answer> + Send + 'static {
    let mut times = 0;
    move |line, _| {
        times += usize::from(line.starts_with(begin));
        (line.starts_with(begin) && times == 1).then(answer)
    }
}

fn text(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).unwrap()
}

#[tokio::test]
async fn a_message_arrives_as_it_was_accepted() {
    let sink = Sink::new(|_, _| None).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["kim@partner.example", "lee@partner.example"]).await;
    let taken = sink.taken(1).await;
    assert_eq!(text(&taken[0].data), MAIL);
    assert_eq!(taken[0].mail, format!("MAIL FROM:<ann@corp.example> SIZE={} BODY=8BITMIME", MAIL.len()));
    assert_eq!(taken[0].rcpt, ["RCPT TO:<kim@partner.example>", "RCPT TO:<lee@partner.example>"]);
    house.close().await;
}

#[tokio::test]
async fn a_copy_arrives_with_its_edits_and_the_others_without() {
    let sink = Sink::new(|_, _| None).await;
    let house = Plan::to(&[sink.address]).open();
    let edits = Edits::new(vec![Edit { range: 0..4, replacement: Bytes::from_static(b"Of") }]).unwrap();
    let kept = house.spool.keep(Bytes::from(edits.encode())).await.unwrap();
    let mut batch = Batch::new();
    batch.relies_on(&kept);
    house.store.commit(batch).await.unwrap();
    house
        .post_as("ann@corp.example", &["kim@partner.example", "lee@partner.example"], MAIL, |_, envelopes| {
            envelopes[0].edits = Some(kept.reference());
        })
        .await;
    let mut taken = sink.taken(2).await;
    taken.sort_by_key(|taken| taken.rcpt.clone());
    assert_eq!(text(&taken[0].data), MAIL.replacen("From", "Of", 1));
    assert_eq!(taken[0].rcpt, ["RCPT TO:<kim@partner.example>"]);
    assert_eq!(text(&taken[1].data), MAIL);
    drop(kept);
    house.close().await;
}

#[tokio::test]
async fn the_built_in_mailbox_shows_what_a_next_hop_would_get() {
    let mailbox = Mailbox::new(Arc::new(ManualClock::at(Timestamp::from_millis(0))));
    let house = Plan { mailbox: Some(mailbox.clone()), ..Plan::by(Route::Mx) }.open();
    house.post("ann@corp.example", &["kim@partner.example", "lee@partner.example"]).await;
    house.queue.drained().await;
    house.post("", &["ann@corp.example"]).await;
    house.queue.drained().await;
    let letters = mailbox.list();
    assert_eq!(letters.iter().map(|letter| letter.id).collect::<Vec<_>>(), [2, 1], "newest first");
    let letter = mailbox.letter(1).unwrap();
    assert_eq!(letter.to, [address("kim@partner.example"), address("lee@partner.example")]);
    assert_eq!(letter.from, ReversePath::Address(address("ann@corp.example")));
    assert_eq!(text(&letter.octets), MAIL);
    house.close().await;
}

#[tokio::test]
async fn a_refused_recipient_is_reported_and_the_others_get_the_message() {
    let sink = Sink::new(but("RCPT TO:<kim", "550 5.1.1 no such user")).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["kim@partner.example", "lee@partner.example"]).await;
    let taken = sink.taken(2).await;
    assert_eq!(taken[0].rcpt, ["RCPT TO:<lee@partner.example>"]);
    assert!(taken[1].mail.starts_with("MAIL FROM:<> "));
    assert_eq!(taken[1].rcpt, ["RCPT TO:<ann@corp.example>"]);
    let report = text(&taken[1].data);
    for part in ["550 5.1.1 no such user", "Status: 5.1.1", "kim@partner.example", "Subject: Plans"] {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
    assert!(!report.contains("lee@partner.example"));
    house.close().await;
}

#[tokio::test]
async fn a_server_that_takes_nobody_and_wants_data_gets_a_lone_dot() {
    let sink = Sink::new(but("RCPT TO:<kim", "550 5.1.1 no such user")).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("", &["kim@partner.example"]).await;
    sink.heard(".", 1).await;
    house.post("ann@corp.example", &["lee@partner.example"]).await;
    let taken = sink.taken(1).await;
    assert_eq!(text(&taken[0].data), MAIL);
    assert_eq!(sink.connections(), 1, "the connection is as good as before");
    house.close().await;
}

#[tokio::test]
async fn the_null_sender_hears_nothing() {
    let sink = Sink::new(but("RCPT", "550 5.1.1 no such user")).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("", &["kim@partner.example"]).await;
    sink.heard(".", 1).await;
    let lines = sink.lines();
    house.close().await;
    assert_eq!(lines.iter().filter(|line| line.starts_with("MAIL")).count(), 1);
}

#[tokio::test]
async fn who_wants_no_report_gets_none() {
    let sink = Sink::new(but("RCPT TO:<kim", "550 5.1.1 no such user")).await;
    let house = Plan::to(&[sink.address]).open();
    house
        .post_as("ann@corp.example", &["kim@partner.example"], MAIL, |_, envelopes| {
            envelopes[0].parameters.notify = Notify::Never;
        })
        .await;
    sink.heard("RCPT TO:<kim@partner.example> NOTIFY=NEVER", 1).await;
    house.queue.drained().await;
    house.close().await;
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_at_its_time() {
    for line in ["MAIL", "RCPT", "DATA", "."] {
        let sink = Sink::new(first(line, || Answer::Say("451 4.3.0 later"))).await;
        let house = Plan::to(&[sink.address]).open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        let posted = house.clock.now();
        house.wait_for_deferral().await;
        assert!((60..=75).contains(&house.clock.now().since(posted).as_secs()));
        assert_eq!(text(&sink.taken(1).await[0].data), MAIL, "after 451 to {line}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_and_nothing_is_lost() {
    for (line, answer) in [
        ("DATA", (|| Answer::SayAndClose("354 go ahead")) as fn() -> Answer),
        (".", || Answer::Close),
        ("RCPT", || Answer::Close),
        ("greeting", || Answer::Close),
        ("greeting", || Answer::Say("554 5.3.2 go away")),
        ("RCPT", || Answer::SayAndClose("421 4.3.2 shutting down")),
        ("EHLO", || Answer::Say("what?")),
    ] {
        let sink = Sink::new(first(line, answer)).await;
        let house = Plan::to(&[sink.address]).open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        house.wait_for_deferral().await;
        assert_eq!(text(&sink.taken(1).await[0].data), MAIL);
        house.close().await;
    }
}

#[tokio::test]
async fn an_invitation_is_sent_with_the_hops_words_or_bounced_with_its_reason() {
    let sink = Sink::new(but("RCPT TO:<lee", "550 5.1.1 no such user")).await;
    let house = Plan::to(&[sink.address]).open();
    let kim = house.invite("kim@partner.example").await;
    let lee = house.invite("lee@partner.example").await;
    let to = ["kim@partner.example", "lee@partner.example"];
    house
        .post_as("ann@corp.example", &to, MAIL, |_, envelopes| {
            envelopes[0].invitation = Some(kim);
            envelopes[1].invitation = Some(lee);
        })
        .await;
    sink.taken(2).await;
    let state = format!("{:?}", house.state_of(kim));
    assert!(state.starts_with("Sent") && state.contains("250 2.0.0 kept"), "{state}");
    let state = format!("{:?}", house.state_of(lee));
    assert!(state.starts_with("Bounced") && state.contains("550 5.1.1 no such user"), "{state}");
    house.close().await;
}

#[tokio::test]
async fn what_cannot_be_delivered_for_five_days_is_reported() {
    let sink = Sink::new(but("RCPT TO:<kim", "450 4.2.1 mailbox busy")).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    let posted = house.clock.now();
    while house.clock.now().since(posted) < 5 * DAY {
        house.wait_for_deferral().await;
    }
    // The first told of the delay.
    let report = text(&sink.taken(2).await[1].data).replace("\r\n ", " ");
    assert!(report.contains("Status: 5.4.7"), "{report}");
    assert!(report.contains("the last answer of 127.0.0.1 was: 450 4.2.1 mailbox busy"), "{report}");
    house.close().await;
}

#[tokio::test]
async fn what_the_hop_cannot_take_is_refused_without_asking_it() {
    let umlaut = MAIL.replace("Plans", "Grüße");
    let large = format!("Subject: large\r\n\r\n{}", "0123456789\r\n".repeat(10_000));
    for (ehlo, mail, status) in [
        ("250-sink.example\r\n250 PIPELINING", umlaut.as_str(), "Status: 5.6.3"),
        ("250-sink.example\r\n250 SIZE 100000", large.as_str(), "Status: 5.3.4"),
    ] {
        let sink = Sink::new(but("EHLO", ehlo)).await;
        let house = Plan::to(&[sink.address]).open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        sink.taken(1).await;
        house.post_as("ann@corp.example", &["kim@partner.example"], mail, |_, _| {}).await;
        let report = text(&sink.taken(2).await[1].data);
        assert!(report.contains(status), "{report}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_client_that_merely_says_smtputf8_reaches_every_hop() {
    let sink = Sink::new(but("EHLO", "250-sink.example\r\n250 PIPELINING")).await;
    let house = Plan::to(&[sink.address]).open();
    house
        .post_as("ann@corp.example", &["kim@partner.example"], MAIL, |message, _| {
            message.parameters.smtputf8 = true;
        })
        .await;
    assert_eq!(sink.taken(1).await[0].mail, "MAIL FROM:<ann@corp.example>");
    house.close().await;
}

#[tokio::test]
async fn an_internationalised_address_needs_a_hop_that_knows_it() {
    let sink = Sink::new(|_, _| None).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["ким@partner.example"]).await;
    let report = text(&sink.taken(1).await[0].data);
    assert!(report.contains("Status: 5.6.7"), "{report}");
    house.close().await;
}

#[tokio::test]
async fn a_server_of_the_old_days_is_spoken_to_step_by_step() {
    let sink = Sink::new(|line, _| line.starts_with("EHLO").then_some(Answer::Say("500 5.5.1 what?"))).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["kim@partner.example", "lee@partner.example"]).await;
    let taken = sink.taken(1).await;
    assert_eq!(taken[0].mail, "MAIL FROM:<ann@corp.example>");
    assert_eq!(taken[0].rcpt.len(), 2);
    house.close().await;
}

#[tokio::test]
async fn the_dns_decides_where_mail_goes_and_whether_it_can() {
    let sink = Sink::new(|_, _| None).await;
    let mut plan = Plan::by(Route::Mx);
    plan.mx_port = sink.address.port();
    let host = "mx.partner.example".to_owned();
    let hosts = |names: &[(u16, &str)]| {
        MailHosts::Hosts(names.iter().map(|&(preference, name)| MailHost::new(preference, name)).collect())
    };
    for domain in ["partner.example", "corp.example"] {
        plan.zone.mx.insert(domain.into(), hosts(&[(10, &host)]));
    }
    plan.zone.mx.insert("null.example".into(), MailHosts::NullMx);
    let us = "Postern.corp.example";
    plan.zone.mx.insert("ours.example".into(), hosts(&[(10, us), (20, &host)]));
    // An equal stands before us by chance; whoever is preferred to us may be asked.
    plan.zone.mx.insert("shared.example".into(), hosts(&[(10, &host), (10, us), (20, &host)]));
    plan.zone.mx.insert("second.example".into(), hosts(&[(10, &host), (20, us)]));
    plan.zone.addresses.insert(host, vec![sink.address.ip()]);
    let house = plan.open();
    house.post("", &["kim@partner.example"]).await;
    assert_eq!(sink.taken(1).await[0].rcpt, ["RCPT TO:<kim@partner.example>"]);
    for (number, (recipient, status)) in [
        ("a@null.example", "5.1.10"),
        ("a@nowhere.example", "5.1.2"),
        ("a@ours.example", "5.4.6"),
        ("a@shared.example", "5.4.6"),
    ]
    .into_iter()
    .enumerate()
    {
        house.post("ann@corp.example", &[recipient]).await;
        let report = text(&sink.taken(number + 2).await[number + 1].data);
        assert!(report.contains(&format!("Status: {status}")), "{report}");
    }
    house.post("ann@corp.example", &["a@second.example"]).await;
    assert_eq!(sink.taken(6).await[5].rcpt, ["RCPT TO:<a@second.example>"]);
    house.close().await;
}

#[tokio::test]
async fn a_slow_destination_does_not_hold_up_another() {
    let sink = Sink::new(|line, _| line.contains("@slow.example").then_some(Answer::Hang)).await;
    let mut plan = Plan::by(Route::Mx);
    plan.mx_port = sink.address.port();
    for domain in ["slow.example", "fast.example"] {
        plan.zone.addresses.insert(domain.into(), vec![sink.address.ip()]);
    }
    let house = plan.open();
    for _ in 0..10 {
        house.post("ann@corp.example", &["kim@slow.example"]).await;
    }
    sink.heard("RCPT TO:<kim@slow.example>", 4).await;
    for _ in 0..10 {
        house.post("ann@corp.example", &["lee@fast.example"]).await;
    }
    sink.taken(10).await;
    let slow = sink.lines().iter().filter(|line| line.contains("slow.example")).count();
    assert_eq!(slow, 4, "so many at once for one destination");
}

#[tokio::test]
async fn what_was_queued_before_a_restart_is_delivered_after_it() {
    let down = Sink::new(but("greeting", "421 4.3.2 closed")).await;
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let house = Plan::to(&[down.address]).open_with(store, spool, directory);
    for number in 0..5 {
        house.post(&format!("ann{number}@corp.example"), &["kim@partner.example", "lee@other.example"]).await;
    }
    poll(|| house.queue.next_due().is_some_and(|due| due > house.clock.now())).await;
    let directory = house.stop().await;

    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let up = Sink::new(move |line, _| {
        counted.fetch_add(usize::from(line.starts_with("MAIL")), Ordering::SeqCst);
        None
    })
    .await;
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let house = Plan::to(&[up.address]).open_with(store, spool, directory);
    assert_eq!(house.queue.len(), 5);
    house.clock.advance(2 * MINUTE);
    let taken = up.taken(5).await;
    assert!(taken.iter().all(|taken| taken.rcpt.len() == 2 && text(&taken.data) == MAIL));
    house.close().await;
    assert_eq!(seen.load(Ordering::SeqCst), 5);
}
