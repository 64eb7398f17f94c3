//! What an outcome means: whether the time is up, and what the sender hears of it.

use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::config;
use crate::delivery::courier::{Duty, Outcome, Reason};
use crate::mail::compose::report::Action;
use crate::queue::{Entry, Message, Verdict};
use crate::smtp::parameter::Notify;
use crate::smtp::reply::EnhancedCode;

/// How long a message may wait, counted from its acceptance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Until its sender is told so.
    delay_notice_after: Duration,
    /// Until it is given up.
    give_up_after: Duration,
}

/// What is noted of one recipient.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// What became of it.
    pub(super) outcome: Outcome,
    /// What the report says of it; `None` where the sender does not want to hear of it, or cannot.
    pub(super) news: Option<Action>,
    /// Whether the inviter hears of it instead, in words and with what to do: an invitation did not arrive.
    pub(super) is_told: bool,
}

impl Deadlines {
    pub(super) const fn of(relay: &config::Relay) -> Self {
        Self { delay_notice_after: relay.delay_notice_after, give_up_after: relay.give_up_after }
    }

    /// What to make of an outcome now.
    pub(super) fn finding(
        &self,
        message: &Message,
        entry: &Entry,
        outcome: Outcome,
        now: Timestamp,
    ) -> Finding {
        let outcome = self.in_time(message, outcome, now);
        // The null sender never hears anything (RFC 5321 §4.5.5).
        let news = message.sender.address().and_then(|_| self.news(message, entry, &outcome, now));
        Finding { outcome, news, is_told: false }
    }

    /// An outcome that is deferred once too often is a refusal.
    fn in_time(&self, message: &Message, outcome: Outcome, now: Timestamp) -> Outcome {
        match outcome {
            Outcome::Deferred { hop, reason } if now.since(message.received) >= self.give_up_after => {
                let whose = hop.as_ref().map(|hop| format!(" of {hop}")).unwrap_or_default();
                let hours = self.give_up_after.as_secs() / 3600;
                let text = format!("given up after {hours} hours; the last answer{whose} was: {reason}");
                // RFC 3463 §3.5, X.4.7: delivery time expired.
                Outcome::Refused { hop, reason: Reason::local(EnhancedCode(5, 4, 7), text) }
            }
            outcome => outcome,
        }
    }

    /// What the sender wants to hear (RFC 3461 §4.1). Where nothing was said, that is what is bad.
    fn news(&self, message: &Message, entry: &Entry, outcome: &Outcome, now: Timestamp) -> Option<Action> {
        let notify = entry.envelope.parameters.notify;
        let (action, is_wanted) = match outcome {
            Outcome::Delivered { duty: Duty::Passed, .. } => return None,
            Outcome::Delivered { duty: Duty::Relayed, .. } => (Action::Relayed, wants_success(notify)),
            Outcome::Delivered { duty: Duty::Arrived, .. } => (Action::Delivered, wants_success(notify)),
            Outcome::Refused { .. } => (Action::Failed, wants_failure(notify)),
            Outcome::Deferred { .. } => {
                let is_late = now.since(message.received) >= self.delay_notice_after;
                let is_new = !entry.schedule.delay_reported;
                let until = message.received + self.give_up_after;
                (Action::Delayed { until }, is_late && is_new && wants_delay(notify))
            }
        };
        is_wanted.then_some(action)
    }
}

impl Finding {
    /// The same when no report can be written now. A failure waits until it can be reported, and a delay is reported
    /// another time; but a message that has left has left.
    pub(super) fn unreported(self) -> Self {
        let outcome = match self {
            Self { outcome: Outcome::Refused { hop, reason }, news: Some(_), .. } => {
                Outcome::Deferred { hop, reason }
            }
            Self { outcome, .. } => outcome,
        };
        Self { outcome, news: None, is_told: false }
    }

    /// The same where a notice takes the place of the report.
    pub(super) fn told(self) -> Self {
        Self { news: None, is_told: true, ..self }
    }

    /// What the queue is to do.
    pub(super) fn verdict(&self) -> Verdict {
        match &self.outcome {
            Outcome::Delivered { .. } | Outcome::Refused { .. } => Verdict::Done,
            Outcome::Deferred { reason, .. } => {
                Verdict::Again { answer: reason.to_string(), delay_reported: self.news.is_some() }
            }
        }
    }
}

const fn wants_success(notify: Notify) -> bool {
    matches!(notify, Notify::On { success: true, .. })
}

const fn wants_failure(notify: Notify) -> bool {
    matches!(notify, Notify::Unsaid | Notify::On { failure: true, .. })
}

const fn wants_delay(notify: Notify) -> bool {
    matches!(notify, Notify::Unsaid | Notify::On { delay: true, .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::reply::Reply;

    fn verdict_without_report(outcome: Outcome, news: Option<Action>) -> Verdict {
        Finding { outcome, news, is_told: false }.unreported().verdict()
    }

    #[test]
    fn without_a_report_only_what_must_be_reported_waits() {
        let reason = Reason::local(EnhancedCode(5, 1, 1), "there is no such mailbox");
        let later = Verdict::Again { answer: reason.to_string(), delay_reported: false };
        let refused = Outcome::Refused { hop: None, reason: reason.clone() };
        assert_eq!(verdict_without_report(refused.clone(), Some(Action::Failed)), later);
        assert_eq!(verdict_without_report(refused, None), Verdict::Done);

        let deferred = Outcome::Deferred { hop: None, reason };
        let until = Timestamp::from_millis(0);
        assert_eq!(verdict_without_report(deferred, Some(Action::Delayed { until })), later);

        let reply = Reply::new(250, EnhancedCode(2, 0, 0), "kept");
        let delivered = Outcome::Delivered { hop: "mx".to_owned(), reply, duty: Duty::Relayed };
        let verdict = verdict_without_report(delivered, Some(Action::Relayed));
        assert_eq!(verdict, Verdict::Done, "sending it again would be worse");
    }
}
