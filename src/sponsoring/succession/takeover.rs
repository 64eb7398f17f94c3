//! The answer to the question: one button takes all guests of somebody over.
//!
//! The button notes it; the guests are handed over behind it, one by one, and a crash in between loses none of them.

use std::net::IpAddr;

use crate::accounts::vacancies::Vacancy;
use crate::accounts::words::{Purpose, Word};
use crate::audit::{self, Deed, Event};
use crate::base::mailbox::Mailbox;
use crate::base::secret::TokenHash;
use crate::sponsoring::SponsoringFault;
use crate::sponsoring::succession::{Succession, was_first};
use crate::store::{Batch, StoreFault, Stored};

/// How often it is decided anew because somebody else was first.
const ROUNDS_MAX: usize = 8;

/// What the word in a question leads to.
#[derive(Debug)]
pub enum Takeover {
    /// To the button.
    Open(Asked),
    /// Somebody has taken over.
    Done(Asked),
    /// There is nothing left to take over, or the sponsor is back.
    Closed(Asked),
    /// The question is too old.
    TooOld(Asked),
    /// We did not ask this.
    Unknown,
}

/// Who was asked, and about whose guests.
#[derive(Debug)]
pub struct Asked {
    /// Who is gone.
    pub sponsor: Mailbox,
    /// Who is asked.
    pub successor: Mailbox,
}

impl Takeover {
    /// Who was asked; nobody, if it was not us who asked.
    #[must_use]
    pub const fn asked(&self) -> Option<&Asked> {
        match self {
            Self::Open(asked) | Self::Done(asked) | Self::Closed(asked) | Self::TooOld(asked) => Some(asked),
            Self::Unknown => None,
        }
    }
}

/// What is needed to say yes.
struct Open {
    word: Stored<Word>,
    vacancy: Stored<Vacancy>,
}

impl Succession {
    /// What a word leads to. Changes nothing.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn question(&self, word: &TokenHash) -> Result<Takeover, StoreFault> {
        Ok(self.read(word)?.1)
    }

    /// Takes over. That it is the one who was asked who does so is for the caller to know.
    ///
    /// # Errors
    /// [`SponsoringFault`]; then nothing has changed.
    pub async fn take_over(&self, word: &TokenHash, peer: IpAddr) -> Result<Takeover, SponsoringFault> {
        for _ in 0..ROUNDS_MAX {
            let (Some(open), Takeover::Open(asked)) = self.read(word)? else {
                return Ok(self.question(word)?);
            };
            let mut batch = Batch::new();
            self.parts.accounts.use_word(&mut batch, word, &open.word)?;
            let successor = Some(asked.successor.clone());
            let taken = Vacancy { successor, ..open.vacancy.value.clone() };
            self.parts.accounts.change_vacancy(&mut batch, &open.vacancy, &taken)?;
            if was_first(self.parts.store.commit(batch).await)? {
                let whom = &asked.sponsor.address;
                audit::record(&Event::Account {
                    deed: Deed::TakenOver,
                    whom,
                    by: "successor",
                    peer: Some(peer),
                });
                self.woken.notify_one();
                return Ok(Takeover::Done(asked));
            }
        }
        Err(SponsoringFault::Conflict)
    }

    fn read(&self, hash: &TokenHash) -> Result<(Option<Open>, Takeover), StoreFault> {
        let Some(word) = self.parts.accounts.word(hash)? else {
            return Ok((None, Takeover::Unknown));
        };
        let Purpose::TakeOver { sponsor, successor } = word.value.purpose.clone() else {
            return Ok((None, Takeover::Unknown));
        };
        let vacancy = self.parts.accounts.vacancy(&sponsor.address.key())?;
        let asked = Asked { sponsor, successor };
        if word.value.used {
            return Ok((None, Takeover::Done(asked)));
        }
        Ok(match vacancy {
            _ if word.value.ends <= self.now() => (None, Takeover::TooOld(asked)),
            Some(vacancy) if vacancy.value.successor.is_none() => {
                (Some(Open { word, vacancy }), Takeover::Open(asked))
            }
            _ => (None, Takeover::Closed(asked)),
        })
    }
}
