//! Runs the stories of `tests/dialogues`: what a client says (`C:`), what it hears (`S:`), how the house
//! answers when the dialogue asks it (`H:`, before the line that makes it ask; without one it says yes).
//!
//! The first line of a story is its title, the second `listener:` and `peer:`. In what the client says `\r`,
//! `\n` and `\0` are the octets of that name and `{x*9}` is `x` nine times; CRLF is added. `(closed)` ends a
//! story that the server ends.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::accounts::{Credential, Kind, Rights};
use crate::auth::{Identity, Verdict};
use crate::base::address::{Address, Domain};
use crate::base::id::{AccountId, MessageId};
use crate::base::mailbox::Mailbox;
use crate::config::{Role, TlsMode};
use crate::intake::refusal::Refusal;
use crate::intake::submission::Accepted;
use crate::smtp::data::{DataEnd, DataFault, DataReader, LineCheck};
use crate::smtp::line::LineReader;
use crate::smtpd::rules;

#[test]
fn every_story_goes_as_it_is_told() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut stories: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.sort();
    assert!(stories.len() >= 25, "{} stories", stories.len());
    for story in stories {
        let text = std::fs::read_to_string(&story).unwrap();
        tell(&story.file_stem().unwrap().to_string_lossy(), &text);
    }
}

/// Lines that a client could say, the wrong ones among them.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "(EHLO|HELO) client.example",
        "MAIL FROM:<(ann@corp.example)?>( SIZE=[0-9]{1,4})?",
        "RCPT TO:<(kim@partner.example|postmaster)>",
        "BDAT [0-9]( LAST)?",
        "AUTH (PLAIN|LOGIN)( AGFubgBzZWNyZXQ=)?",
        "DATA|RSET|NOOP|STARTTLS|HELP|YW5u|[*]|",
        "[ -~]{0,20}",
    ]
}

proptest! {
    #[test]
    fn nobody_sends_who_has_not_signed_in(said in proptest::collection::vec(line(), 0..20), tls in "starttls|implicit") {
        let mut dialogue = Play::new(&format!("listener: submission {tls}, peer: 192.0.2.1")).dialogue;
        for line in said {
            let mut step = dialogue.hear(line.as_bytes());
            if let Step::SignIn(_) = step {
                prop_assert!(dialogue.tls().is_some(), "a password in clear");
                step = dialogue.signed_in(Verdict::Refused);
            }
            match step {
                Step::Say(_) | Step::Skip(..) => {}
                Step::Close(_) => break,
                Step::StartTls(_) => dialogue.secured("TLS1.3".to_owned()),
                step => prop_assert!(false, "{:?}", step),
            }
        }
    }

    #[test]
    fn no_envelope_is_sealed_without_a_recipient(said in proptest::collection::vec(line(), 0..20)) {
        let mut dialogue = Play::new("listener: relay none, peer: 192.0.2.1").dialogue;
        for line in said {
            match dialogue.hear(line.as_bytes()) {
                Step::Open(envelope) => drop(dialogue.opened(envelope)),
                Step::Receive(_, envelope) => prop_assert!(!envelope.recipients.is_empty()),
                Step::Chunk { size, envelope, .. } => {
                    prop_assert!(!envelope.recipients.is_empty());
                    dialogue.chunk_taken(size, envelope);
                }
                Step::Say(_) | Step::Skip(..) => {}
                Step::Close(_) => break,
                step => prop_assert!(false, "{:?}", step),
            }
        }
    }

    #[test]
    fn nothing_makes_it_panic(said in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..9)) {
        let mut dialogue = Play::new("listener: relay starttls, peer: 192.0.2.1").dialogue;
        for line in said {
            dialogue.hear(&line);
        }
    }
}

/// The server's side of a story, as a session would play it, with a house that answers as the story says.
struct Play {
    dialogue: Dialogue,
    lines: LineReader,
    heard: BytesMut,
    said: VecDeque<String>,
    answers: VecDeque<String>,
    /// Reads a message that has not ended.
    reader: Option<DataReader>,
    check: LineCheck,
    /// Needs more octets than were heard.
    unfinished: Option<Step>,
    is_closed: bool,
}

fn tell(name: &str, text: &str) {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let (_, title) = lines.next().unwrap();
    assert!(title.starts_with("# "), "{name}: no title");
    let (_, setting) = lines.next().unwrap();
    let mut play = Play::new(setting);
    play.say(&play.dialogue.greeting());
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let heard = play.said.front().cloned();
        match line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")) {
            ("S", expected) => {
                assert_eq!(heard.as_deref(), Some(expected), "{name}:{number}");
                play.said.pop_front();
            }
            ("C", said) => {
                assert_eq!(heard, None, "{name}:{number}: not expected");
                assert!(!play.is_closed, "{name}:{number}: the server has closed");
                play.hear(&octets(said));
            }
            ("H", answer) => play.answers.push_back(answer.to_owned()),
            ("(closed)", _) => assert!(play.is_closed, "{name}:{number}: not closed"),
            _ => panic!("{name}:{number}: {line}"),
        }
    }
    assert!(play.said.is_empty() && play.answers.is_empty(), "{name}: {:?} {:?}", play.said, play.answers);
    assert_eq!(play.is_closed, text.trim_end().ends_with("(closed)"), "{name}: closed?");
}

impl Play {
    /// `listener: submission starttls, peer: 192.0.2.1`
    fn new(setting: &str) -> Self {
        let (listener, peer) = setting.split_once(", peer: ").unwrap();
        let (role, tls) = listener.strip_prefix("listener: ").unwrap().split_once(' ').unwrap();
        let terms = Terms {
            addresses: None,
            hostname: Domain::parse("mail.corp.example").unwrap(),
            postmaster: Address::parse("postmaster@corp.example").unwrap(),
            tls: match tls {
                "starttls" => TlsMode::StartTls,
                "implicit" => TlsMode::Implicit,
                "none" => TlsMode::None,
                other => panic!("{other}"),
            },
            role: match role {
                "submission" => Role::Submission,
                "relay" => Role::Relay { trusted: vec!["192.0.2.0/24".parse().unwrap()] },
                other => panic!("{other}"),
            },
            message_octets: 1000,
            recipients: 3,
            command_errors: 4,
            idle: Duration::from_mins(5),
            message_time: Duration::from_mins(10),
        };
        let is_implicit = terms.tls == TlsMode::Implicit;
        let mut dialogue = Dialogue::new(Arc::new(terms), peer.parse().unwrap());
        if is_implicit {
            dialogue.secured("TLS1.3".to_owned());
        }
        Self {
            dialogue,
            lines: LineReader::default(),
            heard: BytesMut::new(),
            said: VecDeque::new(),
            answers: VecDeque::new(),
            reader: None,
            check: LineCheck::default(),
            unfinished: None,
            is_closed: false,
        }
    }

    fn say(&mut self, reply: &Reply) {
        let mut out = BytesMut::new();
        reply.write(&mut out);
        let text = String::from_utf8(out.to_vec()).unwrap();
        self.said.extend(text.split_terminator("\r\n").map(|line| line.trim_end().to_owned()));
    }

    fn hear(&mut self, octets: &[u8]) {
        self.heard.extend_from_slice(octets);
        while !self.is_closed {
            let Some(step) = self.next_step() else { return };
            self.take(step);
        }
    }

    fn next_step(&mut self) -> Option<Step> {
        if let Some(mut reader) = self.reader.take() {
            let DataEnd::Complete { used } = reader.read(&self.heard, &mut BytesMut::new()) else {
                self.heard.clear();
                self.reader = Some(reader);
                return None;
            };
            drop(self.heard.split_to(used));
            return Some(self.end(reader.fault()));
        }
        if let Some(step) = self.unfinished.take() {
            if size_of(&step) <= self.heard.len() {
                return Some(step);
            }
            self.unfinished = Some(step);
            return None;
        }
        let octets_max = self.dialogue.line_octets_max(&self.heard);
        match self.lines.take(&mut self.heard, octets_max) {
            Ok(line) => line.map(|line| self.dialogue.hear(&line)),
            Err(fault) => Some(self.dialogue.hear_fault(fault)),
        }
    }

    fn take(&mut self, mut step: Step) {
        loop {
            step = match step {
                Step::Say(reply) => return self.say(&reply),
                Step::Close(reply) => {
                    self.is_closed = true;
                    return self.say(&reply);
                }
                Step::StartTls(reply) => {
                    self.say(&reply);
                    self.heard.clear();
                    return self.dialogue.secured("TLS1.3".to_owned());
                }
                Step::SignIn(credentials) => {
                    let verdict = self.verdict(&credentials);
                    self.dialogue.signed_in(verdict)
                }
                Step::Open(envelope) => match self.refusal() {
                    None => self.dialogue.opened(envelope),
                    Some(refusal) => self.dialogue.refused(rules::refused(&refusal)),
                },
                Step::Receive(go_ahead, _) => {
                    self.reader = Some(DataReader::default());
                    return self.say(&go_ahead);
                }
                step if size_of(&step) > self.heard.len() => {
                    self.unfinished = Some(step);
                    return;
                }
                Step::Chunk { size, is_last, envelope } => {
                    let octets = self.heard.split_to(usize::try_from(size).unwrap());
                    self.check.read(&octets);
                    if is_last {
                        let fault = std::mem::take(&mut self.check).finish();
                        self.end(fault)
                    } else {
                        self.dialogue.chunk_taken(size, envelope)
                    }
                }
                Step::Skip(size, reply) => {
                    drop(self.heard.split_to(usize::try_from(size).unwrap()));
                    Step::Say(reply)
                }
            };
        }
    }

    fn end(&mut self, fault: Option<DataFault>) -> Step {
        let id = MessageId::from_octets([7; 16]);
        match (fault, self.refusal()) {
            (Some(fault), _) => self.dialogue.refused(rules::faulty(fault)),
            (None, Some(refusal)) => self.dialogue.refused(rules::refused(&refusal)),
            (None, None) => self.dialogue.accepted(rules::accepted(&Accepted { id, invitations: 1 })),
        }
    }

    fn refusal(&mut self) -> Option<Refusal> {
        let ann = Address::parse("ann@corp.example").unwrap();
        let bob = Address::parse("bob@corp.example").unwrap();
        Some(match self.answers.pop_front()?.as_str() {
            "yes" => return None,
            "not her address" => Refusal::NotYourAddress { who: ann, claimed: bob },
            "foreign sender" => Refusal::ForeignFrom(Address::parse("kim@partner.example").unwrap()),
            "blank subject" => Refusal::BlankSubject,
            "disk full" => Refusal::DiskFull,
            "own problem" => Refusal::Internal,
            other => panic!("{other}"),
        })
    }

    fn verdict(&mut self, credentials: &Credentials) -> Verdict {
        match self.answers.pop_front().as_deref() {
            None => {
                assert_eq!((credentials.name.as_str(), credentials.password.reveal()), ("ann", "secret"));
                Verdict::Known(Identity {
                    account: AccountId::from_octets([1; 16]),
                    kind: Kind::Staff,
                    mailbox: Mailbox::from(Address::parse("ann@corp.example").unwrap()),
                    aliases: Vec::new(),
                    rights: Rights::of_staff(true),
                    credential: Credential::Organisation,
                })
            }
            Some("wrong password") => Verdict::Refused,
            Some("wait 90 seconds") => Verdict::Throttled(Duration::from_secs(90)),
            Some("directory silent") => Verdict::Unavailable,
            Some(other) => panic!("{other}"),
        }
    }
}

/// Octets that a step wants to read.
fn size_of(step: &Step) -> usize {
    match step {
        Step::Chunk { size, .. } | Step::Skip(size, _) => usize::try_from(*size).unwrap(),
        _ => 0,
    }
}

/// The octets of what a client says in a story, with CRLF.
fn octets(said: &str) -> Vec<u8> {
    let mut text = said.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0");
    while let Some((start, end)) = text.find('{').zip(text.find('}')) {
        let (what, times) = text[start + 1..end].split_once('*').unwrap();
        let repeated = what.repeat(times.parse().unwrap());
        text.replace_range(start..=end, &repeated);
    }
    format!("{text}\r\n").into_bytes()
}
