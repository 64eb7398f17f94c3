//! How next hops are reached: kept connections, the next host, TLS, AUTH.

use std::fs;

use super::sink::{Answer, Sink};
use super::*;
use crate::base::secret::Secret;
use crate::net::tls::{SelfMade, ServerTls, self_made};

const STARTTLS: &str = "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 STARTTLS";

#[tokio::test]
async fn one_connection_carries_one_message_after_the_other() {
    let sink = Sink::new(|_, _| None).await;
    let mut plan = Plan::to(&[sink.address]);
    plan.relay.messages_per_connection = 3;
    let house = plan.open();
    for number in 1..=7 {
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        sink.taken(number).await;
        house.queue.drained().await;
    }
    let connections: Vec<_> = sink.taken(7).await.iter().map(|taken| taken.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2, 2, 2, 3]);
    sink.heard("QUIT", 2).await;
    house.close().await;
    sink.heard("QUIT", 3).await;
    let mail = sink.lines().into_iter().filter(|line| line == "RSET").count();
    assert_eq!(mail, 0, "nothing was left to reset");
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_at_once() {
    let sink = Sink::new(|line, connection| {
        (line.starts_with("MAIL FROM:<second") && connection == 1).then_some(Answer::Close)
    })
    .await;
    let house = Plan::to(&[sink.address]).open();
    house.post("first@corp.example", &["kim@partner.example"]).await;
    sink.taken(1).await;
    house.queue.drained().await;
    house.post("second@corp.example", &["kim@partner.example"]).await;
    let taken = sink.taken(2).await;
    assert_eq!(taken[1].connection, 2);
    house.close().await;
}

#[tokio::test]
async fn a_transaction_without_end_is_reset_before_the_next() {
    let sink = Sink::new(|line, _| (line == "DATA").then_some(Answer::Say("450 4.3.2 not now"))).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    poll(|| house.queue.next_due().is_some_and(|due| due > house.clock.now())).await;
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    sink.heard("MAIL", 2).await;
    let lines = sink.lines();
    let second = lines.iter().rposition(|line| line.starts_with("MAIL")).unwrap();
    assert_eq!(lines[second - 1], "RSET");
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed_with_a_farewell() {
    let sink = Sink::new(|_, _| None).await;
    let mut plan = Plan::to(&[sink.address]);
    plan.relay.idle_timeout = Duration::from_millis(20);
    let house = plan.open();
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    sink.heard("QUIT", 1).await;
    house.close().await;
}

#[tokio::test]
async fn the_next_smarthost_is_asked_when_one_does_not_serve() {
    let unwilling: [fn(&str) -> Option<Answer>; 4] = [
        |line| (line == "greeting").then_some(Answer::Say("421 4.3.2 closed")),
        |line| (line == "greeting").then_some(Answer::Say("554 5.3.2 no service")),
        |line| (line == "greeting").then_some(Answer::Close),
        |line| line.starts_with("MAIL").then_some(Answer::SayAndClose("421 4.3.2 closing")),
    ];
    for answer in unwilling {
        let first = Sink::new(move |line, _| answer(line)).await;
        let second = Sink::new(|_, _| None).await;
        let house = Plan::to(&[first.address, second.address]).open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        second.taken(1).await;
        assert_eq!(first.connections(), 1);
        house.close().await;
    }
}

#[tokio::test]
async fn a_host_that_failed_is_left_alone_for_a_while() {
    let first = Sink::new(|line, _| (line == "greeting").then_some(Answer::Close)).await;
    let second = Sink::new(|_, _| None).await;
    let house = Plan::to(&[first.address, second.address]).open();
    for number in 1..=3 {
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        second.taken(number).await;
    }
    assert_eq!(first.connections(), 1);
    house.close().await;
}

#[tokio::test]
async fn over_starttls_the_server_must_prove_its_name() {
    for (names, is_right) in [(["127.0.0.1"], true), (["another.example"], false)] {
        let directory = tempfile::tempdir().unwrap();
        let tls = certificate(directory.path(), &names);
        let sink =
            Sink::with_tls(Some(tls), |line, _| line.starts_with("EHLO").then_some(Answer::Say(STARTTLS)))
                .await;
        let mut plan = Plan::to(&[sink.address]);
        plan.smarthost().tls = HopTls::StartTls;
        plan.relay.trust = Some(directory.path().join("ca.pem"));
        let house = plan.open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        if is_right {
            sink.taken(1).await;
            house.close().await;
            continue;
        }
        poll(|| house.queue.next_due().is_some_and(|due| due > house.clock.now())).await;
        let claimed = sink.lines();
        assert!(claimed.iter().all(|line| !line.starts_with("MAIL")), "{claimed:?}");
        house.stop().await;
    }
}

#[tokio::test]
async fn mail_does_not_go_in_clear_where_starttls_is_demanded() {
    let sink = Sink::new(|_, _| None).await;
    let mut plan = Plan::to(&[sink.address]);
    plan.smarthost().tls = HopTls::StartTls;
    let house = plan.open();
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    poll(|| house.queue.next_due().is_some_and(|due| due > house.clock.now())).await;
    assert!(sink.lines().iter().all(|line| !line.starts_with("MAIL")));
    house.stop().await;
}

#[tokio::test]
async fn a_mail_exchanger_gets_tls_with_whatever_certificate_and_mail_in_clear_if_it_fails() {
    for works in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let tls = certificate(directory.path(), &["another.example"]);
        let sink = Sink::with_tls(Some(tls), move |line, connection| match line {
            line if line.starts_with("EHLO") => Some(Answer::Say(STARTTLS)),
            "STARTTLS" if connection == 1 && !works => Some(Answer::SayAndClose("220 2.0.0 go ahead")),
            _ => None,
        })
        .await;
        let mut plan = Plan::by(Route::Mx);
        plan.mx_port = sink.address.port();
        plan.zone.addresses.insert("partner.example".into(), vec![sink.address.ip()]);
        let house = plan.open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        sink.taken(1).await;
        assert_eq!(sink.lines().iter().filter(|line| line.starts_with("EHLO")).count(), 2);
        assert_eq!(sink.connections(), if works { 1 } else { 2 });
        house.close().await;
    }
}

#[tokio::test]
async fn a_smarthost_is_signed_in_to_as_it_likes() {
    for (ehlo, lines) in [
        ("250-sink.example\r\n250 AUTH PLAIN LOGIN", vec!["AUTH PLAIN AHBvc3Rlcm4AaHVudGVyMg=="]),
        ("250-sink.example\r\n250 AUTH LOGIN", vec!["AUTH LOGIN", "cG9zdGVybg==", "aHVudGVyMg=="]),
    ] {
        let sink = Sink::new(move |line, _| match line {
            line if line.starts_with("EHLO") => Some(Answer::Say(ehlo)),
            "AUTH LOGIN" => Some(Answer::Say("334 VXNlcm5hbWU6")),
            "cG9zdGVybg==" => Some(Answer::Say("334 UGFzc3dvcmQ6")),
            line if line.starts_with("AUTH PLAIN") || line == "aHVudGVyMg==" => {
                Some(Answer::Say("235 2.7.0 welcome"))
            }
            _ => None,
        })
        .await;
        let mut plan = Plan::to(&[sink.address]);
        plan.smarthost().login = Some(("postern".to_owned(), Secret::new("hunter2")));
        let house = plan.open();
        house.post("ann@corp.example", &["kim@partner.example"]).await;
        sink.taken(1).await;
        assert_eq!(sink.lines()[1..=lines.len()], lines);
        house.close().await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_ours_to_mend_and_bounces_nothing() {
    let sink = Sink::new(|line, _| match line {
        line if line.starts_with("EHLO") => Some(Answer::Say("250-sink.example\r\n250 AUTH PLAIN")),
        line if line.starts_with("AUTH") => Some(Answer::Say("535 5.7.8 wrong")),
        _ => None,
    })
    .await;
    let mut plan = Plan::to(&[sink.address]);
    plan.smarthost().login = Some(("postern".to_owned(), Secret::new("hunter2")));
    let house = plan.open();
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    poll(|| house.queue.next_due().is_some_and(|due| due > house.clock.now())).await;
    assert_eq!(house.queue.len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_the_answer_to_the_dot() {
    let sink = Sink::new(|_, _| None).await;
    let house = Plan::to(&[sink.address]).open();
    house.post("ann@corp.example", &["kim@partner.example"]).await;
    sink.heard("MAIL", 1).await;
    let queue = house.queue.clone();
    house.stop().await;
    assert_eq!(sink.taken(1).await.len(), 1);
    assert!(queue.is_empty(), "what was sent is noted");
}

/// Writes a certificate for these names, and `ca.pem` that vouches for it.
fn certificate(directory: &Path, names: &[&str]) -> ServerTls {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let SelfMade { ca, certificate, key } = self_made(&names).unwrap();
    for (file, text) in [("ca.pem", ca), ("cert.pem", certificate), ("key.pem", key)] {
        fs::write(directory.join(file), text).unwrap();
    }
    ServerTls::load(&directory.join("cert.pem"), &directory.join("key.pem"), &[]).unwrap()
}
