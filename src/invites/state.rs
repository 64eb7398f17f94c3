//! The legal steps. Each gives the state after it, or `None` where it changes nothing.

use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::invites::{Handover, State};

/// Characters that are kept of others' words.
const WORDS_MAX: usize = 500;

impl State {
    /// The next hop has taken the mail. After the person has acted it is only noted. The handover of a mail with a
    /// fresh link, made at `renewed`, takes the place of one before.
    pub(super) fn sent(&self, at: Timestamp, reply: &str, renewed: Option<Timestamp>) -> Option<Self> {
        let handover = || Handover { at, reply: bounded(reply) };
        let is_news = |sent: &Option<Handover>| {
            sent.as_ref().is_none_or(|sent| renewed.is_some_and(|renewed| sent.at < renewed))
        };
        match self {
            // Bounced: a hop took the mail that another had refused, and the one that took it is right.
            Self::Queued | Self::Bounced { sent: None, .. } => Some(Self::Sent(handover())),
            Self::Sent(sent) if renewed.is_some_and(|renewed| sent.at < renewed) => {
                Some(Self::Sent(handover()))
            }
            Self::Opened { sent, at } if is_news(sent) => {
                Some(Self::Opened { sent: Some(handover()), at: *at })
            }
            Self::Accepted { sent: None, at, account } => {
                Some(Self::Accepted { sent: Some(handover()), at: *at, account: *account })
            }
            _ => None,
        }
    }

    /// A mail with a fresh link goes on its way. What bounced gets a second chance; what the person has done stays.
    pub(super) fn renewed(&self) -> Option<Self> {
        match self {
            Self::Queued | Self::Bounced { .. } => Some(Self::Queued),
            Self::Sent(_) | Self::Opened { .. } => Some(self.clone()),
            Self::Accepted { .. } | Self::Withdrawn { .. } => None,
        }
    }

    /// The mail could not be delivered. Nobody who has seen the page has not got it.
    pub(super) fn bounced(&self, at: Timestamp, reason: &str) -> Option<Self> {
        let reason = bounded(reason);
        match self {
            Self::Queued => Some(Self::Bounced { sent: None, at, reason }),
            Self::Sent(handover) => Some(Self::Bounced { sent: Some(handover.clone()), at, reason }),
            _ => None,
        }
    }

    /// A person has seen the page. Only the first time counts.
    pub(super) fn opened(&self, at: Timestamp) -> Option<Self> {
        match self {
            Self::Queued | Self::Sent(_) | Self::Bounced { .. } => {
                Some(Self::Opened { sent: self.handover().cloned(), at })
            }
            Self::Opened { .. } | Self::Accepted { .. } | Self::Withdrawn { .. } => None,
        }
    }

    /// The link was used: once, and not after it was taken back.
    pub(super) fn accepted(&self, at: Timestamp, account: AccountId) -> Option<Self> {
        match self {
            Self::Queued | Self::Sent(_) | Self::Bounced { .. } | Self::Opened { .. } => {
                Some(Self::Accepted { sent: self.handover().cloned(), at, account })
            }
            Self::Accepted { .. } | Self::Withdrawn { .. } => None,
        }
    }

    /// The inviter took it back, before it was used.
    pub(super) fn withdrawn(&self, at: Timestamp) -> Option<Self> {
        match self {
            Self::Queued | Self::Sent(_) | Self::Bounced { .. } | Self::Opened { .. } => {
                Some(Self::Withdrawn { at })
            }
            Self::Accepted { .. } | Self::Withdrawn { .. } => None,
        }
    }

    /// From when on the link's lifespan counts: the handover, or where we have no note of it, the first sign that the
    /// mail is no longer on its way.
    pub(super) fn link_lives_from(&self) -> Option<Timestamp> {
        match self {
            Self::Queued | Self::Withdrawn { .. } => None,
            Self::Sent(handover) => Some(handover.at),
            Self::Opened { sent, at } | Self::Accepted { sent, at, .. } | Self::Bounced { sent, at, .. } => {
                Some(sent.as_ref().map_or(*at, |handover| handover.at))
            }
        }
    }

    /// Whether a link of it may still be used.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Accepted { .. } | Self::Withdrawn { .. })
    }

    /// The next hop's 250, if the mail had one that counts.
    #[must_use]
    pub fn handover(&self) -> Option<&Handover> {
        match self {
            Self::Queued | Self::Withdrawn { .. } => None,
            Self::Sent(handover) => Some(handover),
            Self::Opened { sent, .. } | Self::Accepted { sent, .. } | Self::Bounced { sent, .. } => {
                sent.as_ref()
            }
        }
    }
}

fn bounded(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn moment(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_late_note_of_the_handover_moves_nothing_back_and_loses_nothing() {
        let account = AccountId::fresh();
        let handover = Handover { at: moment(3), reply: "250 Ok".to_owned() };
        let opened = State::Queued.opened(moment(1)).unwrap();
        assert_eq!(opened.link_lives_from(), Some(moment(1)));
        let noted = opened.sent(moment(3), "250 Ok", None).unwrap();
        assert_eq!(noted, State::Opened { sent: Some(handover.clone()), at: moment(1) });
        assert_eq!(noted.link_lives_from(), Some(moment(3)));
        let accepted = opened.accepted(moment(2), account).unwrap();
        let noted = accepted.sent(moment(3), "250 Ok", None).unwrap();
        assert_eq!(noted, State::Accepted { sent: Some(handover), at: moment(2), account });
    }

    #[test]
    fn a_hop_that_talks_endlessly_is_cut_short() {
        let Some(State::Sent(handover)) = State::Queued.sent(moment(0), &"x".repeat(10_000), None) else {
            panic!()
        };
        assert_eq!(handover.reply.len(), WORDS_MAX);
    }

    /// How far along the line of the module's drawing.
    fn rank(state: &State) -> usize {
        match state {
            State::Queued => 0,
            State::Bounced { .. } => 1,
            State::Sent(_) => 2,
            State::Opened { .. } => 3,
            State::Accepted { .. } | State::Withdrawn { .. } => 4,
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_in_whatever_order_an_end_is_final(steps in prop::collection::vec(0..6_usize, 0..20)) {
            let mut state = State::Queued;
            let mut used = 0;
            let mut renewed = None;
            for (step, now) in steps.into_iter().zip(1..) {
                let at = moment(now);
                let next = match step {
                    0 => state.sent(at, "250 Ok", renewed),
                    1 => state.bounced(at, "550 No"),
                    2 => state.opened(at),
                    3 => state.accepted(at, AccountId::fresh()),
                    4 => state.withdrawn(at),
                    _ => state.renewed(),
                };
                let Some(next) = next else { continue };
                if step == 5 {
                    prop_assert!(rank(&state) < 4);
                    let is_second_chance = matches!((&state, &next), (State::Bounced { .. }, State::Queued));
                    prop_assert!(is_second_chance || next == state);
                    renewed = Some(at);
                    state = next;
                    continue;
                }
                used += usize::from(step == 3);
                if rank(&state) == 4 {
                    // Only the late note of a handover.
                    prop_assert_eq!(step, 0);
                    prop_assert_eq!(rank(&next), 4);
                }
                if !matches!(next, State::Bounced { .. }) {
                    prop_assert!(rank(&next) >= rank(&state));
                }
                // A handover, once known, is never forgotten but by withdrawal, nor replaced but by that of a fresh link.
                if !matches!(next, State::Withdrawn { .. }) {
                    prop_assert!(
                        state.handover().is_none_or(|sent| renewed.is_some_and(|renewed| sent.at < renewed))
                            || next.handover() == state.handover()
                    );
                    prop_assert!(state.handover().is_none() || next.handover().is_some());
                }
                state = next;
            }
            prop_assert!(used <= 1);
        }
    }
}
