//! One message over a connection: MAIL, RCPT, DATA and the dot (RFC 5321 §3.3), in as few round trips as the server
//! allows (RFC 2920).

use bytes::BytesMut;

use crate::base::address::Address;
use crate::delivery::client::{Client, ClientFault};
use crate::delivery::convert::has_utf8_header;
use crate::delivery::courier::{CHUNK_OCTETS, Duty, Outcome, Parcel, Reason};
use crate::smtp::command::Command;
use crate::smtp::data::DataWriter;
use crate::smtp::parameter::MailParameters;
use crate::smtp::reply::{EnhancedCode, Reply};

/// A transaction that did not come to its end; the connection is of no more use.
#[derive(Debug)]
pub(super) struct Lost {
    /// How far it had come.
    pub(super) stage: Stage,
    pub(super) reason: Reason,
}

/// How far a transaction had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The server answered nothing of it.
    Untouched,
    /// The server answered, but cannot have the whole message.
    Begun,
    /// The whole message is sent: the server may have it, though its answer is missing (RFC 1047).
    HandedOver,
}

/// What the server said before the data.
#[derive(Debug, Default)]
struct Answers {
    mail: Option<Reply>,
    recipients: Vec<Reply>,
    data: Option<Reply>,
}

impl Client {
    /// Carries a parcel. What the server cannot take is refused here, without asking it.
    pub(super) async fn carry(&mut self, parcel: &Parcel) -> Result<Vec<Outcome>, Lost> {
        let parameters = match self.parameters(parcel) {
            Ok(parameters) => parameters,
            Err(reason) => {
                return Ok(parcel.all(&Outcome::Refused { hop: Some(self.hop.clone()), reason }));
            }
        };
        self.carried += 1;
        let mut answers = Answers::default();
        if let Err(fault) = self.announce(parcel, parameters, &mut answers).await {
            let stage = if answers.mail.is_some() { Stage::Begun } else { Stage::Untouched };
            return Err(Lost { stage, reason: fault.reason() });
        }
        let end = self.hand_over(parcel, &answers).await?;
        Ok(self.outcomes(parcel, &answers, end.as_ref()))
    }

    /// Whether this server must not get the message as it is (RFC 6152 §3).
    pub(super) fn needs_ascii(&self, parcel: &Parcel) -> bool {
        !self.extensions.eight_bit_mime && has_eight_bit(parcel)
    }

    /// What to say with MAIL, or why this server can never take the message.
    fn parameters(&self, parcel: &Parcel) -> Result<MailParameters, Reason> {
        let octets = parcel.octets();
        // RFC 1870 §4: 0 is no limit.
        if let Some(limit) = self.extensions.size.filter(|&limit| limit > 0 && octets > limit) {
            let text = format!("the message has {octets} octets; {} takes at most {limit}", self.hop);
            return Err(Reason::local(EnhancedCode(5, 3, 4), text));
        }
        // It is not to be asked for where nothing needs it (RFC 6531 §3.2): what the sender's client merely said counts
        // only where a header holds more than ASCII.
        let addresses_need_utf8 = parcel.sender.address().is_some_and(Address::needs_utf8)
            || parcel.recipients.iter().any(|(recipient, _)| recipient.needs_utf8());
        let needs_utf8 = addresses_need_utf8
            || (parcel.parameters.smtputf8 && has_eight_bit(parcel) && has_utf8_header(parcel));
        if needs_utf8 && !self.extensions.smtputf8 {
            let text = format!("the message needs internationalised mail, which {} does not know", self.hop);
            // RFC 6531 §3.5: addresses are the reason (X.6.7), or else the header (X.6.9).
            return Err(Reason::local(EnhancedCode(5, 6, if addresses_need_utf8 { 7 } else { 9 }), text));
        }
        let mut parameters = parcel.parameters.within(&self.extensions);
        parameters.size = self.extensions.size.map(|_| octets);
        parameters.smtputf8 = needs_utf8;
        Ok(parameters)
    }

    /// MAIL, RCPT and DATA: all at once where the server takes them so, else one by one as long as there is hope.
    async fn announce(
        &mut self,
        parcel: &Parcel,
        parameters: MailParameters,
        answers: &mut Answers,
    ) -> Result<(), ClientFault> {
        let patience = self.patience.command;
        if self.begun {
            self.ask(&Command::Rset).await?;
        }
        self.begun = true;
        let mail = Command::Mail(parcel.sender.clone(), parameters);
        let recipients: Vec<_> = parcel
            .recipients
            .iter()
            .map(|(address, wishes)| Command::Rcpt(address.clone(), wishes.within(&self.extensions)))
            .collect();
        if self.extensions.pipelining {
            self.say(&mail);
            for recipient in &recipients {
                self.say(recipient);
            }
            self.say(&Command::Data);
            self.flush(patience).await?;
            answers.mail = Some(self.reply(patience).await?);
            for _ in &recipients {
                answers.recipients.push(self.reply(patience).await?);
            }
            answers.data = Some(self.reply(patience).await?);
            return Ok(());
        }
        answers.mail = Some(self.ask(&mail).await?);
        if answers.sender_taken() {
            for recipient in &recipients {
                answers.recipients.push(self.ask(recipient).await?);
            }
        }
        if answers.anybody_taken() {
            answers.data = Some(self.ask(&Command::Data).await?);
        }
        Ok(())
    }

    /// The message and the dot, if the server waits for them; what it said of the whole.
    async fn hand_over(&mut self, parcel: &Parcel, answers: &Answers) -> Result<Option<Reply>, Lost> {
        if !answers.data_wanted() {
            return Ok(None);
        }
        let mut writer = DataWriter::new();
        // "the client cannot assume that the DATA command will be rejected just because none of the RCPT TO commands
        // worked" (RFC 2920 §3.1): then it gets an empty message, and refuses that.
        if answers.anybody_taken() {
            for chunk in parcel.chunks() {
                let chunk = chunk.map_err(|error| {
                    let text = format!("the message could not be read: {error}");
                    Lost { stage: Stage::Begun, reason: Reason::local(EnhancedCode(4, 3, 0), text) }
                })?;
                writer.write(&chunk, &mut self.output);
                if self.output.len() as u64 >= CHUNK_OCTETS {
                    self.send_data().await?;
                }
            }
        }
        writer.finish(&mut self.output);
        self.send_data().await?;
        let end = self.reply(self.patience.data).await;
        let end = end.map_err(|fault| Lost { stage: Stage::HandedOver, reason: fault.reason() })?;
        self.begun = false;
        if self.output.capacity() as u64 > CHUNK_OCTETS {
            // A connection that idles after a large message holds no large buffer.
            self.output = BytesMut::new();
        }
        Ok(Some(end))
    }

    async fn send_data(&mut self) -> Result<(), Lost> {
        let sent = self.flush(self.patience.data).await;
        sent.map_err(|fault| Lost { stage: Stage::Begun, reason: fault.reason() })
    }

    /// Each recipient's outcome: the first refusal on the way counts.
    fn outcomes(&self, parcel: &Parcel, answers: &Answers, end: Option<&Reply>) -> Vec<Outcome> {
        if let Some(reply) = answers.mail.as_ref().filter(|reply| !is_taken(reply)) {
            return parcel.all(&self.failure(reply));
        }
        let last = end.or(answers.data.as_ref());
        (0..parcel.recipients.len())
            .map(|number| match answers.recipients.get(number).filter(|reply| !is_taken(reply)) {
                Some(reply) if wants_patience(reply) => self.deferred(reply),
                Some(reply) => self.failure(reply),
                None => self.of_the_whole(last, end.is_some()),
            })
            .collect()
    }

    /// The outcome of a recipient that was taken: the answer to DATA or, if it was `sent`, to the message.
    fn of_the_whole(&self, last: Option<&Reply>, sent: bool) -> Outcome {
        match last {
            Some(reply) if sent && is_taken(reply) => {
                // With DSN the wishes went along (`announce`), and with them the duty.
                let duty = if self.extensions.dsn { Duty::Passed } else { Duty::Relayed };
                Outcome::Delivered { hop: self.hop.clone(), reply: reply.clone(), duty }
            }
            Some(reply) => self.failure(reply),
            // A recipient was taken, so DATA was sent, so it was answered: there is no such dialogue.
            None => Outcome::Deferred {
                hop: Some(self.hop.clone()),
                reason: Reason::local(EnhancedCode(4, 5, 0), "the server's answers made no sense"),
            },
        }
    }

    fn failure(&self, reply: &Reply) -> Outcome {
        if reply.is_permanent() {
            return Outcome::Refused { hop: Some(self.hop.clone()), reason: Reason::Reply(reply.clone()) };
        }
        self.deferred(reply)
    }

    fn deferred(&self, reply: &Reply) -> Outcome {
        Outcome::Deferred { hop: Some(self.hop.clone()), reason: Reason::Reply(reply.clone()) }
    }
}

impl Answers {
    fn sender_taken(&self) -> bool {
        self.mail.as_ref().is_some_and(is_taken)
    }

    fn anybody_taken(&self) -> bool {
        self.sender_taken() && self.recipients.iter().any(is_taken)
    }

    fn data_wanted(&self) -> bool {
        self.data.as_ref().is_some_and(|reply| reply.code == 354)
    }
}

/// Whether the copy holds octets above 127.
fn has_eight_bit(parcel: &Parcel) -> bool {
    parcel.chunks().any(|chunk| chunk.is_ok_and(|octets| !octets.is_ascii()))
}

/// 250, 251 and their kin.
const fn is_taken(reply: &Reply) -> bool {
    200 <= reply.code && reply.code < 300
}

/// 552 to RCPT was once the answer to too many recipients: "clients SHOULD treat a 552 code in this case as a temporary,
/// rather than permanent, failure" (RFC 5321 §4.5.3.1.10). Unless its status says that it means something else.
fn wants_patience(reply: &Reply) -> bool {
    reply.code == 552 && reply.enhanced.is_none_or(|status| status == EnhancedCode(5, 5, 3))
}
