//! Connections that send as fast as the gateway answers, and write down what it acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::ClientConfig;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::gateway::Facts;
use crate::harness::authority::trusting;
use crate::harness::client::{Client, stuffed};
use crate::ledger::{Kind, Sent};

/// Of three mails, one invites.
const INVITATION_EVERY: usize = 3;

/// Of so many mails, one is too large for a segment of the spool.
const LARGE_EVERY: usize = 50;

/// All connections of one life of the gateway.
pub struct Pumps {
    running: JoinSet<Vec<Sent>>,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    acknowledged: AtomicU64,
    changed: Notify,
}

impl Pumps {
    /// Starts so many.
    pub fn start(facts: &Facts, round: usize, count: usize) -> Self {
        let tls = trusting(&std::fs::read_to_string(&facts.ca).unwrap());
        let mut pumps = Self { running: JoinSet::new(), count: Arc::default() };
        for pump in 0..count {
            let (facts, tls, count) = (facts.clone(), Arc::clone(&tls), Arc::clone(&pumps.count));
            pumps
                .running
                .spawn(async move { pump_until_cut(facts, tls, &format!("{round}-{pump}"), &count).await });
        }
        pumps
    }

    /// Waits until so many mails are acknowledged.
    pub async fn acknowledged(&self, wanted: u64) {
        loop {
            let changed = self.count.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.count.acknowledged.load(Ordering::SeqCst) >= wanted {
                return;
            }
            changed.await;
        }
    }

    /// Waits until every connection has found out that nobody answers. Gives what was sent.
    pub async fn finish(self) -> Vec<Sent> {
        self.running.join_all().await.into_iter().flatten().collect()
    }
}

async fn pump_until_cut(facts: Facts, tls: Arc<ClientConfig>, name: &str, count: &Count) -> Vec<Sent> {
    let mut sent = Vec::new();
    let Ok(mut client) = Client::try_connect_tls(facts.submissions, tls, "localhost").await else {
        return sent;
    };
    let login = [format!("EHLO {name}.example\r\n"), auth_plain(&facts.user, &facts.password)];
    for command in login {
        if client.try_exchange(command.as_bytes(), 1).await.is_err() {
            return sent;
        }
    }
    for number in 0.. {
        let mail = Sent::new(&format!("{name}-{number}"), kind_of(number));
        let envelope = envelope(&facts, &mail);
        let replies = 2 + envelope.matches("RCPT ").count();
        let message = stuffed(&mail.message(&facts.user));
        sent.push(mail);
        // One dialogue at a time; a cut anywhere in it ends the connection.
        match client.try_exchange(envelope.as_bytes(), replies).await {
            Ok(answer) => answer.assert(354),
            Err(_) => break,
        };
        match client.try_exchange(&message, 1).await {
            Ok(answer) => answer.assert(250),
            Err(_) => break,
        };
        if let Some(last) = sent.last_mut() {
            last.acknowledged = true;
        }
        count.acknowledged.fetch_add(1, Ordering::SeqCst);
        count.changed.notify_waiters();
    }
    sent
}

fn kind_of(number: usize) -> Kind {
    if number % LARGE_EVERY == LARGE_EVERY - 1 {
        Kind::Large
    } else if number % INVITATION_EVERY == INVITATION_EVERY - 1 {
        Kind::Invitation
    } else {
        Kind::Ordinary
    }
}

fn envelope(facts: &Facts, mail: &Sent) -> String {
    let invite = (mail.kind == Kind::Invitation).then(|| facts.invite.clone());
    let mut commands = vec![format!("MAIL FROM:<{}>", facts.user)];
    commands.extend(mail.recipients.iter().chain(&invite).map(|recipient| format!("RCPT TO:<{recipient}>")));
    commands.push("DATA\r\n".to_owned());
    commands.join("\r\n")
}

fn auth_plain(user: &str, password: &str) -> String {
    use base64::Engine;
    let response = base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{password}"));
    format!("AUTH PLAIN {response}\r\n")
}
