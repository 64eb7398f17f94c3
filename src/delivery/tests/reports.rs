//! What the sender hears beside failures: successes that were asked for, and delays (RFC 3461).

use super::sink::{Answer, Sink};
use super::*;
use crate::mail::edit::{Edit, Edits};
use crate::smtp::parameter::{Notify, Return};

const SUCCESS: Notify = Notify::On { success: true, failure: false, delay: false };
const FAILURE: Notify = Notify::On { success: false, failure: true, delay: false };
const DELAY: Notify = Notify::On { success: false, failure: false, delay: true };
const HOUR: Duration = Duration::from_hours(1);

/// A next hop that knows nothing of reports.
async fn plain_sink() -> Sink {
    Sink::new(|line, _| {
        line.starts_with("EHLO").then_some(Answer::Say("250-sink.example\r\n250-8BITMIME\r\n250 PIPELINING"))
    })
    .await
}

/// A next hop where these recipients are busy for ever.
async fn busy_sink() -> Sink {
    Sink::new(|line, _| line.contains("@busy.example").then_some(Answer::Say("450 4.2.1 mailbox busy"))).await
}

impl House {
    /// Puts a mail into the queue whose recipients are asked about so.
    async fn post_with_wishes(&self, from: &str, to: &[(&str, Notify)]) {
        let recipients: Vec<&str> = to.iter().map(|(recipient, _)| *recipient).collect();
        self.post_as(from, &recipients, MAIL, |message, envelopes| {
            message.parameters.ret = Some(Return::Full);
            message.parameters.envid = Some("plans-1".to_owned());
            for (envelope, (_, notify)) in envelopes.iter_mut().zip(to) {
                envelope.parameters.notify = *notify;
                envelope.parameters.orcpt = Some(format!("rfc822;{}", envelope.recipient));
            }
        })
        .await;
    }

    /// Lets the time pass, from one attempt to the next.
    async fn let_pass(&self, time: Duration) {
        let begin = self.clock.now();
        while self.clock.now().since(begin) < time {
            self.wait_for_deferral().await;
        }
    }
}

/// A report with its folded lines joined.
fn unfolded(data: &[u8]) -> String {
    String::from_utf8(data.to_vec()).unwrap().replace("\r\n ", " ")
}

#[tokio::test]
async fn what_a_plain_hop_took_is_reported_as_relayed_to_who_asked() {
    let sink = plain_sink().await;
    let house = Plan::to(&[sink.address]).open();
    let to = [
        ("kim@partner.example", SUCCESS),
        ("lee@partner.example", FAILURE),
        ("mo@partner.example", Notify::Unsaid),
        ("ned@partner.example", Notify::Never),
    ];
    house.post_with_wishes("ann@corp.example", &to).await;
    let taken = sink.taken(2).await;
    assert_eq!(taken[0].rcpt[0], "RCPT TO:<kim@partner.example>", "the hop would not understand more");
    assert!(taken[1].mail.starts_with("MAIL FROM:<>"), "{}", taken[1].mail);
    assert_eq!(taken[1].rcpt, ["RCPT TO:<ann@corp.example>"]);
    let report = unfolded(&taken[1].data);
    for part in [
        "Subject: On its way: Plans",
        "Original-Envelope-Id: plans-1",
        "Original-Recipient: rfc822; kim@partner.example",
        "Final-Recipient: rfc822; kim@partner.example",
        "Action: relayed",
        "Status: 2.0.0",
        "Remote-MTA: dns; 127.0.0.1",
        "Diagnostic-Code: smtp; 250 2.0.0 kept",
        "text/rfc822-headers",
    ] {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
    assert_eq!(report.matches("Action:").count(), 1, "nobody asked about the others:\n{report}");
    assert!(!report.contains("Hello"), "RET=FULL speaks of failures only:\n{report}");
    house.close().await;
    assert_eq!(sink.taken(2).await.len(), 2);
}

#[tokio::test]
async fn a_hop_that_knows_reports_gets_the_wishes_and_the_duty() {
    let sink = Sink::new(|_, _| None).await;
    let house = Plan::to(&[sink.address]).open();
    house.post_with_wishes("ann@corp.example", &[("kim@partner.example", SUCCESS)]).await;
    let taken = sink.taken(1).await;
    assert!(taken[0].mail.ends_with("RET=FULL ENVID=plans-1"), "{}", taken[0].mail);
    assert_eq!(
        taken[0].rcpt,
        ["RCPT TO:<kim@partner.example> NOTIFY=SUCCESS ORCPT=rfc822;kim@partner.example"]
    );
    house.close().await;
    assert_eq!(sink.taken(1).await.len(), 1);
}

#[tokio::test]
async fn the_null_sender_hears_of_no_success_and_no_delay() {
    let sink = plain_sink().await;
    let house = Plan::to(&[sink.address]).open();
    house.post_with_wishes("", &[("kim@partner.example", SUCCESS)]).await;
    sink.taken(1).await;
    house.close().await;
    assert_eq!(sink.taken(1).await.len(), 1);

    let sink = busy_sink().await;
    let house = Plan::to(&[sink.address]).open();
    house.post_with_wishes("", &[("kim@busy.example", DELAY)]).await;
    house.let_pass(8 * HOUR).await;
    assert_eq!(house.queue.len(), 1);
    house.stop().await;
    assert!(sink.taken(0).await.is_empty());
}

#[tokio::test]
async fn one_report_tells_of_who_got_it_and_who_did_not() {
    let sink = Sink::new(|line, _| match line {
        line if line.starts_with("EHLO") => Some(Answer::Say("250-sink.example\r\n250 8BITMIME")),
        line if line.starts_with("RCPT TO:<lee") => Some(Answer::Say("550 5.1.1 no such user")),
        _ => None,
    })
    .await;
    let house = Plan::to(&[sink.address]).open();
    let to = [("kim@partner.example", SUCCESS), ("lee@partner.example", FAILURE)];
    house.post_with_wishes("ann@corp.example", &to).await;
    let report = unfolded(&sink.taken(2).await[1].data);
    for part in ["Subject: Not delivered: Plans", "Action: relayed", "Action: failed", "Hello"] {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
    house.close().await;
    assert_eq!(sink.taken(2).await.len(), 2);
}

#[tokio::test]
async fn the_built_in_mailbox_is_where_mail_is_delivered() {
    let mailbox = Mailbox::new(Arc::new(ManualClock::at(Timestamp::from_millis(0))));
    let house = Plan { mailbox: Some(mailbox.clone()), ..Plan::by(Route::Mx) }.open();
    house.post_with_wishes("ann@corp.example", &[("kim@partner.example", SUCCESS)]).await;
    house.close().await;
    let report = unfolded(&mailbox.letter(2).unwrap().octets);
    for part in ["Subject: Delivered: Plans", "Action: delivered", "Status: 2.0.0"] {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
    assert!(!report.contains("Remote-MTA"), "{report}");
}

#[tokio::test]
async fn the_report_on_an_invitation_does_not_hold_its_link() {
    const LINK: &[u8] = b"https://postern.corp.example/i/secret\r\n";
    let sink = Sink::new(|line, _| match line {
        line if line.starts_with("EHLO") => Some(Answer::Say("250-sink.example\r\n250 8BITMIME")),
        line if line.starts_with("RCPT TO:<lee") => Some(Answer::Say("550 5.1.1 no such user")),
        _ => None,
    })
    .await;
    let house = Plan::to(&[sink.address]).open();
    let end = MAIL.len() as u64;
    let edits = Edits::new(vec![Edit { range: end..end, replacement: Bytes::from_static(LINK) }]).unwrap();
    let kept = house.spool.keep(Bytes::from(edits.encode())).await.unwrap();
    let mut batch = Batch::new();
    batch.relies_on(&kept);
    house.store.commit(batch).await.unwrap();
    let kim = house.invite("kim@partner.example").await;
    let to = ["kim@partner.example", "lee@partner.example"];
    house
        .post_as("ann@corp.example", &to, MAIL, |message, envelopes| {
            message.parameters.ret = Some(Return::Full);
            envelopes[0].invitation = Some(kim);
            for envelope in envelopes {
                envelope.edits = Some(kept.reference());
                envelope.parameters.notify = Notify::On { success: true, failure: true, delay: true };
            }
        })
        .await;
    drop(kept);
    let taken = sink.taken(2).await;
    assert!(taken[0].data.ends_with(LINK));
    let report = unfolded(&taken[1].data);
    assert!(report.contains("Action: relayed") && report.contains("Action: failed"), "{report}");
    assert!(report.contains("Hello") && !report.contains("secret"), "{report}");
    assert!(matches!(house.state_of(kim), State::Sent { .. }));
    house.close().await;
}

#[tokio::test]
async fn a_delay_is_reported_once_after_four_hours_to_who_wants_to_hear_it() {
    let sink = busy_sink().await;
    let house = Plan::to(&[sink.address]).open();
    let to = [
        ("kim@busy.example", Notify::Unsaid),
        ("lee@busy.example", DELAY),
        ("mo@busy.example", FAILURE),
        ("ned@busy.example", Notify::Never),
    ];
    house.post_with_wishes("ann@corp.example", &to).await;
    let posted = house.clock.now();
    while house.clock.now().since(posted) < 4 * HOUR {
        assert!(sink.taken(0).await.is_empty(), "after {:?}", house.clock.now().since(posted));
        house.wait_for_deferral().await;
    }
    let report = unfolded(&sink.taken(1).await[0].data);
    for part in [
        "Subject: Delayed: Plans",
        "kim@busy.example",
        "lee@busy.example",
        "Action: delayed",
        "Status: 4.2.1",
        "Diagnostic-Code: smtp; 450 4.2.1 mailbox busy",
        // When it was posted, and five days.
        "Will-Retry-Until: Wed, 20 Jan 2027 08:00:00 +0000",
    ] {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
    assert_eq!(report.matches("Action: delayed").count(), 2, "{report}");
    assert!(!report.contains("Hello"), "{report}");
    house.let_pass(24 * HOUR).await;
    assert_eq!(sink.taken(1).await.len(), 1, "once");
    house.stop().await;
}

#[tokio::test]
async fn a_delay_that_was_reported_is_not_reported_again_after_a_restart() {
    let sink = busy_sink().await;
    let directory = tempfile::tempdir().unwrap();
    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let house = Plan::to(&[sink.address]).open_with(store, spool, directory);
    house.post("ann@corp.example", &["kim@busy.example"]).await;
    house.let_pass(5 * HOUR).await;
    sink.taken(1).await;
    let now = house.clock.now();
    poll(|| house.queue.len() == 1).await;
    let directory = house.stop().await;

    let (store, spool) = Store::open(&storage(directory.path())).unwrap();
    let house = Plan::to(&[sink.address]).open_with(store, spool, directory);
    house.clock.advance(now.since(house.clock.now()));
    house.let_pass(5 * HOUR).await;
    assert_eq!(sink.taken(1).await.len(), 1);
    house.stop().await;
}
