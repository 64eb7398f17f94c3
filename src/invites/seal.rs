//! Words that only this gateway can make: they stand in addresses of ours and say what a mail to one is about.
//!
//! A word is an identifier and a keyed digest of it (HMAC-SHA256, cut to 80 bits). So nothing is stored for an address
//! that mostly nobody writes to, and a forged one is told without a look at the store. The key is made once and kept in
//! the store. 80 bits are safe here: a guess is a whole SMTP command, and there is nothing to find it by but guessing.

use aws_lc_rs::{hmac, rand};
use subtle::ConstantTimeEq;

use crate::base::base32;
use crate::base::id::{InvitationId, MessageId};
use crate::store::Batch;
use crate::store::schema;
use crate::store::{CommitError, Store, StoreFault, Table};

const KEYS: Table<u8, [u8; 32]> = Table::new(schema::KEYS);
/// The place of this key among the keys.
const SEALS: u8 = 1;

/// Octets of the identifier in a word.
const ID: usize = 16;
/// Octets of the digest in a word.
const DIGEST: usize = 10;
/// Characters of a word.
pub const WORD_CHARACTERS: usize = ((ID + DIGEST) * 8).div_ceil(5);

/// Makes and reads such words. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Seals {
    key: hmac::Key,
}

/// What a word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The envelope sender of an invitation's mail: what comes there says that it did not arrive.
    Bounce(InvitationId),
    /// Where a receipt is answered.
    Receipt(MessageId),
    /// Where a notice about one invitation is answered.
    Invitation(InvitationId),
}

impl Seals {
    /// The seals of this store. The first time, their key is made.
    ///
    /// # Errors
    /// Where the store failed, or the system has no randomness to give.
    pub async fn open(store: &Store) -> Result<Self, CommitError> {
        if let Some(key) = KEYS.get(store, &SEALS)? {
            return Ok(Self::with_key(&key.value));
        }
        let mut key = [0; 32];
        rand::fill(&mut key).map_err(|_| StoreFault::Io(std::io::Error::other("no randomness")))?;
        let mut batch = Batch::new();
        KEYS.insert(&mut batch, &SEALS, &key)?;
        store.commit(batch).await?;
        Ok(Self::with_key(&key))
    }

    /// Seals by this key.
    #[must_use]
    pub fn with_key(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The word for this: [`WORD_CHARACTERS`] letters and digits, in any case.
    #[must_use]
    pub fn word(&self, sealed: Sealed) -> String {
        let mut octets = sealed.id().to_vec();
        octets.extend_from_slice(&self.digest(sealed));
        base32::encode(&octets)
    }

    /// What a word is about; `None` where we did not make it.
    #[must_use]
    pub fn read(&self, word: &str) -> Option<Sealed> {
        let octets = (word.len() == WORD_CHARACTERS).then(|| base32::decode(word))??;
        let (id, digest) = octets.split_first_chunk::<ID>()?;
        let candidates = [
            Sealed::Bounce(InvitationId::from_octets(*id)),
            Sealed::Receipt(MessageId::from_octets(*id)),
            Sealed::Invitation(InvitationId::from_octets(*id)),
        ];
        candidates.into_iter().find(|sealed| self.digest(*sealed).ct_eq(digest).into())
    }

    fn digest(&self, sealed: Sealed) -> [u8; DIGEST] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[sealed.purpose()]);
        context.update(&sealed.id());
        let whole = context.sign();
        let mut digest = [0; DIGEST];
        for (kept, octet) in digest.iter_mut().zip(whole.as_ref()) {
            *kept = *octet;
        }
        digest
    }
}

impl Sealed {
    /// Keeps the words of one purpose from being taken for those of another.
    const fn purpose(self) -> u8 {
        match self {
            Self::Bounce(_) => 1,
            Self::Receipt(_) => 2,
            Self::Invitation(_) => 3,
        }
    }

    const fn id(self) -> [u8; ID] {
        match self {
            Self::Bounce(id) | Self::Invitation(id) => id.octets(),
            Self::Receipt(id) => id.octets(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_says_what_it_was_made_for_in_any_case() {
        let seals = Seals::with_key(&[7; 32]);
        let id = InvitationId::fresh();
        for sealed in [Sealed::Bounce(id), Sealed::Invitation(id), Sealed::Receipt(MessageId::fresh())] {
            let word = seals.word(sealed);
            assert_eq!(word.len(), WORD_CHARACTERS);
            assert_eq!(seals.read(&word), Some(sealed));
            assert_eq!(seals.read(&word.to_ascii_uppercase()), Some(sealed));
            assert_eq!(Seals::with_key(&[8; 32]).read(&word), None, "another gateway's");
        }
        assert_ne!(seals.word(Sealed::Bounce(id)), seals.word(Sealed::Invitation(id)));
    }

    proptest! {
        #[test]
        fn a_word_that_was_changed_is_none(at in 0..WORD_CHARACTERS, other in "[0-9a-hjkmnp-tv-z]") {
            let seals = Seals::with_key(&[7; 32]);
            let sealed = Sealed::Bounce(InvitationId::fresh());
            let mut word = seals.word(sealed);
            prop_assume!(word[at..=at] != other);
            word.replace_range(at..=at, &other);
            prop_assert_eq!(seals.read(&word), None);
        }
    }
}
