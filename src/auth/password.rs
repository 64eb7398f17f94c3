//! Passwords: which are strong enough, and how they are kept.
//!
//! Kept is an argon2id hash, a PHC string that carries its own parameters, so that they can be raised without breaking
//! what there is. Hashing runs off the threads that carry mail, at most so often at once.
//!
//! A password is the same however a keyboard spells it: it is prepared by RFC 8265 §4.2 before anything is done with it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon2::password_hash::Error as PhcError;
use icu_normalizer::ComposingNormalizerBorrowed;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;
use zxcvbn::feedback::{Feedback, Warning};
use zxcvbn::{Score, zxcvbn};

use crate::auth::argon2id::{is_behind, phc_of};
use crate::base::phrase::{Phrase, phrase};
use crate::base::secret::Secret;

/// Characters of a password, the fewest and the most.
const CHARACTERS: RangeInclusive<usize> = 8..=256;
/// Of the five scores of zxcvbn the second best: 10^8 guesses at least.
const SCORE_MIN: Score = Score::Three;
/// Characters of a password whose strength is estimated: a password that is strong so far is strong. The estimate tries
/// every way to read symbols as letters, and with a hostile choice of 100 characters that takes seconds.
const JUDGED_MAX: usize = 32;
/// Words of the person's and the organisation's names that are taken into account.
const KNOWN_WORDS_MAX: usize = 32;
/// A shorter name is found inside innocent words, and says nothing about them.
const PERSONAL_MIN: usize = 4;

/// Who may wait for a place, for each place there is: about a second of waiting at 30 ms a hash.
const WAITING_PER_PLACE: usize = 32;

/// Makes and checks hashes. Cheap to clone; all clones share the same places.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// Those who wait and those who are served. Nobody beyond that is let in.
    admitted: Arc<Semaphore>,
    /// Those who are served.
    places: Arc<Semaphore>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HashFault {
    /// Too many wait already: ask again later.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// It did not work.
    #[error("hashing failed: {0}")]
    Failed(String),
}

/// Why a password is not good enough, in words for the person who chose it.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{}", self.phrase())]
pub enum PasswordFault {
    /// Under 8 characters.
    TooShort,
    /// Over 256 characters.
    TooLong,
    /// Guessed too soon; with what makes it so.
    Weak(Option<Warning>),
    /// It contains a name that everybody tries first.
    Personal,
}

impl PasswordFault {
    /// What to do.
    #[must_use]
    pub fn phrase(&self) -> Phrase {
        match self {
            Self::TooShort => {
                let least = CHARACTERS.start();
                phrase!("Please choose a password of at least {least} characters.", least = least)
            }
            Self::TooLong => {
                let most = CHARACTERS.end();
                phrase!("Please choose a password of at most {most} characters.", most = most)
            }
            Self::Weak(warning) => weak(*warning),
            Self::Personal => phrase!(
                "Please choose a password that does not contain your address or the organisation's name."
            ),
        }
    }
}

/// What makes a password easy to guess, as zxcvbn sees it.
fn weak(warning: Option<Warning>) -> Phrase {
    match warning {
        Some(Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess) => {
            phrase!(
                "This password is easy to guess: it follows the keys of the keyboard. Add another word or two."
            )
        }
        Some(
            Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
        ) => {
            phrase!("This password is easy to guess: it repeats itself. Add another word or two.")
        }
        Some(Warning::SequencesLikeAbcAreEasyToGuess) => {
            phrase!(
                "This password is easy to guess: it counts on, as abc or 6543 does. Add another word or two."
            )
        }
        Some(Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess) => {
            phrase!("This password is easy to guess: it is made of a date. Add another word or two.")
        }
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => phrase!("This password is easy to guess: many people use one like it. Please choose another."),
        Some(Warning::AWordByItselfIsEasyToGuess) => {
            phrase!("This password is easy to guess: it is a single word. Add another word or two.")
        }
        Some(
            Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
            | Warning::CommonNamesAndSurnamesAreEasyToGuess,
        ) => phrase!("This password is easy to guess: it is made of names. Add another word or two."),
        None => phrase!("This password is easy to guess. Add another word or two."),
    }
}

/// Whether a password is good enough for this person. A hostile one takes as long as a hash does: on
/// the threads that carry mail use [`Passwords::choose`].
///
/// # Errors
/// [`PasswordFault`] says what to do better.
pub fn check(password: &Secret, address: &str, name: &str, organisation: &str) -> Result<(), PasswordFault> {
    let password = prepared(password);
    let password = password.reveal();
    let characters = password.chars().count();
    if characters < *CHARACTERS.start() {
        return Err(PasswordFault::TooShort);
    }
    if characters > *CHARACTERS.end() {
        return Err(PasswordFault::TooLong);
    }
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let lower = password.to_lowercase();
    let contains = |text: &str| text.chars().count() >= PERSONAL_MIN && lower.contains(&text.to_lowercase());
    if [address, local, organisation].into_iter().any(contains) {
        return Err(PasswordFault::Personal);
    }
    let known: Vec<&str> = [address, name, organisation]
        .into_iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([text]))
        .filter(|word| !word.is_empty())
        .take(KNOWN_WORDS_MAX)
        .collect();
    let judged: String = password.chars().take(JUDGED_MAX).collect();
    let strength = zxcvbn(&judged, &known);
    if strength.score() >= SCORE_MIN {
        return Ok(());
    }
    Err(PasswordFault::Weak(strength.feedback().and_then(Feedback::warning)))
}

/// Every space as the ASCII one, and composed characters (RFC 8265 §4.2.2, OpaqueString: rules 2 and 4). What its rules
/// forbid beyond that, such as control characters, is taken: nobody is kept out for it.
fn prepared(password: &Secret) -> Secret {
    let spaced: String = password.reveal().chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
    let spaced = Secret::new(spaced);
    Secret::new(ComposingNormalizerBorrowed::new_nfc().normalize(spaced.reveal()))
}

/// Unicode's general category Zs.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

impl Passwords {
    /// At most so many hashes at once; each takes a core and 19 MiB.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        let places = at_once.clamp(1, Semaphore::MAX_PERMITS / (WAITING_PER_PLACE + 1));
        Self {
            admitted: Arc::new(Semaphore::new(places * (WAITING_PER_PLACE + 1))),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    /// The PHC string to keep for a password that somebody chooses, if it passes [`check`].
    ///
    /// # Errors
    /// [`HashFault::Busy`] where too many wait already; inside, what [`check`] says.
    pub async fn choose(
        &self,
        password: &Secret,
        address: &str,
        name: &str,
        organisation: &str,
    ) -> Result<Result<String, PasswordFault>, HashFault> {
        let password = prepared(password);
        let [address, name, organisation] = [address, name, organisation].map(str::to_owned);
        self.in_turn(move || match check(&password, &address, &name, &organisation) {
            Ok(()) => phc_of(&password).map(Ok),
            Err(fault) => Ok(Err(fault)),
        })
        .await
    }

    /// The PHC string to keep for a password.
    ///
    /// # Errors
    /// [`HashFault::Busy`] where too many wait already.
    pub async fn hash(&self, password: &Secret) -> Result<String, HashFault> {
        let password = prepared(password);
        self.in_turn(move || phc_of(&password)).await
    }

    /// Whether the password is the one behind this PHC string. `None` (there is no such account) takes the same time
    /// and says no.
    ///
    /// # Errors
    /// [`HashFault::Busy`] where too many wait already; [`HashFault::Failed`] where the PHC string is none.
    pub async fn verify(&self, password: &Secret, phc: Option<&str>) -> Result<bool, HashFault> {
        let (password, phc) = (prepared(password), phc.map(str::to_owned));
        self.in_turn(move || {
            phc.map_or_else(|| phc_of(&password).map(|_| false), |phc| is_behind(&password, &phc))
        })
        .await
    }

    /// What [`check`] says while somebody is still typing: at once, or not at all. Those who wait for a place come first.
    ///
    /// # Errors
    /// [`HashFault::Busy`] where no place is free; inside, what [`check`] says.
    pub async fn judge(
        &self,
        password: &Secret,
        address: &str,
        name: &str,
        organisation: &str,
    ) -> Result<Result<(), PasswordFault>, HashFault> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HashFault::Busy)?;
        let password = password.clone();
        let [address, name, organisation] = [address, name, organisation].map(str::to_owned);
        work_at(place, move || Ok(check(&password, &address, &name, &organisation))).await
    }

    /// Waits for a place and works there.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PhcError> + Send + 'static,
    ) -> Result<T, HashFault> {
        let _admitted = self.admitted.try_acquire().map_err(|_| HashFault::Busy)?;
        let place = Arc::clone(&self.places).acquire_owned().await;
        work_at(place.map_err(|fault| HashFault::Failed(fault.to_string()))?, work).await
    }
}

/// Works at a place. Whoever loses interest meanwhile does not free it before the work is done, so that there are never
/// more at once.
async fn work_at<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, PhcError> + Send + 'static,
) -> Result<T, HashFault> {
    let failed = |fault: &dyn std::error::Error| HashFault::Failed(fault.to_string());
    let working = task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    working.await.map_err(|fault| failed(&fault))?.map_err(|fault| failed(&fault))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn checked(password: &str) -> Result<(), PasswordFault> {
        check(&Secret::new(password), "kimroe@partner.example", "Kim Roe", "Harbour Ltd")
    }

    #[test]
    fn a_good_password_of_any_characters_is_taken() {
        for password in
            ["violet tractor seven", "zebra!Lampe 77", "пять зелёных жирафов", &"lamp tango ".repeat(23)]
        {
            assert_eq!(checked(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn length_counts_characters_not_octets() {
        assert_eq!(checked("жирафов"), Err(PasswordFault::TooShort));
        assert_eq!(checked(&"ж".repeat(257)), Err(PasswordFault::TooLong));
        assert_eq!(PasswordFault::TooShort.to_string(), "Please choose a password of at least 8 characters.");
    }

    #[test]
    fn common_and_regular_passwords_are_not_taken() {
        for password in ["password", "12345678", "qwertyuiop", "Passw0rd!", "aaaaaaaaaaaa", "Harbour1"] {
            assert!(matches!(checked(password), Err(PasswordFault::Weak(_))), "{password}");
        }
    }

    #[test]
    fn names_that_everybody_tries_first_are_not_taken() {
        for password in ["violet KimRoe tractor", "xx kimroe@partner.example 93", "42 harbour ltd violets"] {
            assert_eq!(checked(password), Err(PasswordFault::Personal), "{password}");
        }
        // Two letters say nothing.
        let short = check(&Secret::new("violet tractor seven"), "vi@x.example", "V", "Or");
        assert_eq!(short, Ok(()));
    }

    #[test]
    fn what_stands_far_behind_does_not_save_a_password() {
        assert!(matches!(checked(&("a".repeat(40) + "violet tractor seven")), Err(PasswordFault::Weak(_))));
    }

    #[tokio::test]
    async fn what_is_chosen_is_checked_before_it_is_kept() {
        let passwords = Passwords::new(1);
        let weak = passwords.choose(&Secret::new("short"), "kim@x.example", "Kim", "Harbour").await.unwrap();
        assert_eq!(weak, Err(PasswordFault::TooShort));
        let secret = Secret::new("violet tractor seven");
        let phc = passwords.choose(&secret, "kim@x.example", "Kim", "Harbour").await.unwrap().unwrap();
        assert!(passwords.verify(&secret, Some(&phc)).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_is_recognised_and_another_is_not() {
        let passwords = Passwords::new(2);
        let secret = Secret::new("correct horse");
        let phc = passwords.hash(&secret).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(passwords.hash(&secret).await.unwrap(), phc, "salted");
        assert!(passwords.verify(&secret, Some(&phc)).await.unwrap());
        assert!(!passwords.verify(&Secret::new("correct horsf"), Some(&phc)).await.unwrap());
        assert!(!passwords.verify(&secret, None).await.unwrap());
        assert!(matches!(passwords.verify(&secret, Some("")).await, Err(HashFault::Failed(_))));
    }

    #[tokio::test]
    async fn a_password_is_the_same_on_every_keyboard() {
        let passwords = Passwords::new(1);
        let phc = passwords.hash(&Secret::new("grüne Lampe sieben")).await.unwrap();
        let elsewhere = Secret::new("gru\u{308}ne\u{a0}Lampe\u{3000}sieben");
        assert!(passwords.verify(&elsewhere, Some(&phc)).await.unwrap());
        assert!(!passwords.verify(&Secret::new("grune Lampe sieben"), Some(&phc)).await.unwrap());
        assert_eq!(checked(&"e\u{301}".repeat(7)), Err(PasswordFault::TooShort), "as a person counts");
    }

    #[tokio::test]
    async fn nobody_learns_from_the_time_whether_there_is_an_account() {
        let passwords = Passwords::new(1);
        let secret = Secret::new("correct horse");
        let phc = passwords.hash(&secret).await.unwrap();
        // The shortest of several, since a busy machine only ever adds; and generously, for without a hash it would be a
        // thousandth.
        let mut shortest = [u128::MAX; 2];
        for _ in 0..5 {
            for (known, shortest) in [Some(phc.as_str()), None].into_iter().zip(&mut shortest) {
                let start = Instant::now();
                passwords.verify(&Secret::new("wrong"), known).await.unwrap();
                *shortest = start.elapsed().as_micros().min(*shortest);
            }
        }
        let [known, unknown] = shortest;
        assert!(known < unknown * 4 && unknown < known * 4, "{known} µs and {unknown} µs");
    }

    #[tokio::test]
    async fn advice_never_waits_for_a_place() {
        let passwords = Passwords::new(1);
        let secret = Secret::new("short");
        let said = passwords.judge(&secret, "kim@x.example", "Kim", "Harbour").await.unwrap();
        assert_eq!(said, Err(PasswordFault::TooShort));
        let _all_places = passwords.places.try_acquire().unwrap();
        let said = passwords.judge(&secret, "kim@x.example", "Kim", "Harbour").await;
        assert!(matches!(said, Err(HashFault::Busy)));
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_come_back_later() {
        let passwords = Passwords::new(1);
        let _all_places = passwords.places.try_acquire().unwrap();
        let _all_waiting = passwords.admitted.try_acquire_many(33).unwrap();
        assert!(matches!(passwords.hash(&Secret::new("x")).await, Err(HashFault::Busy)));
    }
}
