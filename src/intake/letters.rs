//! Invitations that are written on a page: they become a mail, and go through the same door as any other.
//!
//! ```text
//! begin ─▶ file* ─▶ send ─▶ Intake::accept
//! ```
//! Files go into the spool as they arrive. The page that a letter is written on carries the identifier that its message
//! will have, so that a letter that comes twice (a second press of the button, a page that is loaded again) is taken
//! once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, oneshot};
use tracing::error;

use crate::auth::Identity;
use crate::base::address::{Address, Domain, ReversePath};
use crate::base::clock::Clock;
use crate::base::id::MessageId;
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::config::Settings;
use crate::intake::Intake;
use crate::intake::fault::unwritten;
use crate::intake::refusal::Refusal;
use crate::intake::submission::{Recipient, Submission, Submitter};
use crate::invites::Invites;
use crate::invites::receipt::Receipt;
use crate::mail::compose::letter::{Base64, Letter};
use crate::mail::outline::{Bounds, Outliner};
use crate::mail::trace;
use crate::net::lifecycle::Lifecycle;
use crate::smtp::parameter::{MailParameters, Notify, RcptParameters};
use crate::store::StoreFault;
use crate::store::spool::{Incoming, Spool};

/// Letters that are handed in side by side. Two that come twice at once wait for each other; so may two others that
/// share a place by chance, which does them no harm.
const PLACES: usize = 64;

/// Takes letters. Cheap to clone.
#[derive(Clone)]
pub struct Letters {
    intake: Intake,
    invites: Invites,
    spool: Spool,
    clock: Arc<dyn Clock>,
    lifecycle: Lifecycle,
    terms: Arc<Terms>,
    places: Arc<[Mutex<()>; PLACES]>,
}

/// What the configuration says about letters.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Our name.
    pub hostname: Domain,
    /// What turns a letter into an invitation.
    pub invite_address: Option<Address>,
    /// The subject that a new letter begins with.
    pub default_subject: String,
    /// Characters of a subject (`limits.subject_characters`).
    pub subject_characters: usize,
    /// Recipients in one line (`limits.recipients`).
    pub recipients: usize,
    /// Where the scan of a message ends.
    pub bounds: Bounds,
    /// Octets of a message, its files in base64 (`limits.message_size`).
    pub octets_max: u64,
}

/// What a person has written.
#[derive(Clone, Debug)]
pub struct Written {
    /// What the message will be called.
    pub id: MessageId,
    /// Who reads; at least one.
    pub to: Vec<Mailbox>,
    /// Who else does, for all to see.
    pub cc: Vec<Mailbox>,
    /// Who else does, unseen by the others.
    pub bcc: Vec<Mailbox>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// In which language the organisation's words are; none for what each reader reads.
    pub language: Option<Language>,
    /// Whether the receipt goes to the author by mail, too.
    pub wants_receipt: bool,
}

/// A letter of which some is there.
pub struct Draft {
    written: Written,
    author: Identity,
    incoming: Incoming,
    outliner: Outliner,
    has_files: bool,
    octets_left: u64,
}

/// Why a letter was not taken.
#[derive(Debug)]
pub enum LetterFault {
    /// The door's words.
    Refused(Refusal),
    /// It is larger than this, in octets.
    TooLarge(u64),
}

impl Draft {
    /// What the message will be called.
    #[must_use]
    pub const fn id(&self) -> MessageId {
        self.written.id
    }
}

impl Terms {
    /// As the settings have them.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        Self {
            hostname: settings.server.hostname.clone(),
            invite_address: settings.invite.addresses.first().cloned(),
            default_subject: settings.invite.default_subject.clone(),
            subject_characters: limits.subject_characters,
            recipients: limits.recipients,
            bounds: Bounds {
                header_octets_max: limits.header_octets,
                parts_max: limits.parts,
                depth_max: limits.depth,
            },
            octets_max: limits.message_octets,
        }
    }
}

impl Letters {
    /// Letters that go through this door.
    #[must_use]
    pub fn new(
        intake: Intake,
        invites: Invites,
        spool: Spool,
        clock: Arc<dyn Clock>,
        lifecycle: Lifecycle,
        terms: Terms,
    ) -> Self {
        let places = Arc::new(std::array::from_fn(|_| Mutex::default()));
        Self { intake, invites, spool, clock, lifecycle, terms: Arc::new(terms), places }
    }

    /// What the configuration says about letters.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The receipt of a letter that this person has sent.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn receipt(&self, author: &Identity, id: MessageId) -> Result<Option<Receipt>, StoreFault> {
        let receipt = self.invites.receipt(id)?;
        Ok(receipt.filter(|receipt| author.owns(&receipt.inviter.address)))
    }

    /// The letter so far, without files.
    ///
    /// # Errors
    /// [`LetterFault::Refused`] where the disk is full.
    pub fn begin(&self, author: Identity, written: Written) -> Result<Draft, LetterFault> {
        if !self.spool.has_room() {
            return Err(LetterFault::Refused(Refusal::DiskFull));
        }
        Ok(Draft {
            written,
            author,
            incoming: self.spool.receive(),
            outliner: Outliner::new(self.terms.bounds),
            has_files: false,
            octets_left: self.terms.octets_max,
        })
    }

    /// A file begins. Its octets go to [`Letters::add`], and its end is told by [`Letters::end`].
    ///
    /// # Errors
    /// [`LetterFault`]; then the letter is gone.
    pub async fn file(&self, draft: &mut Draft, name: &str, media_type: &str) -> Result<Base64, LetterFault> {
        let file = self.letter(draft).file(name, media_type);
        if !draft.has_files {
            draft.has_files = true;
            let opened = self.letter(draft).opened();
            self.trace(draft).await?;
            self.keep(draft, &opened).await?;
        }
        self.keep(draft, &file).await?;
        Ok(Base64::default())
    }

    /// More octets of the file.
    ///
    /// # Errors
    /// As [`Letters::file`].
    pub async fn add(&self, draft: &mut Draft, file: &mut Base64, octets: &[u8]) -> Result<(), LetterFault> {
        self.keep(draft, &file.write(octets)).await
    }

    /// The file is whole.
    ///
    /// # Errors
    /// As [`Letters::file`].
    pub async fn end(&self, draft: &mut Draft, file: Base64) -> Result<(), LetterFault> {
        self.keep(draft, &file.finish()).await
    }

    /// Hands the letter in. Once it is at the door it goes on even if nobody waits for the answer any more: a browser
    /// that goes away must not leave half of it.
    ///
    /// # Errors
    /// [`LetterFault`]; then nobody is invited.
    pub async fn send(&self, mut draft: Draft) -> Result<(), LetterFault> {
        if draft.has_files {
            let closed = self.letter(&draft).closed();
            self.keep(&mut draft, &closed).await?;
        } else {
            let whole = self.letter(&draft).whole();
            self.trace(&mut draft).await?;
            self.keep(&mut draft, &whole).await?;
        }
        let (answer, answered) = oneshot::channel();
        let letters = self.clone();
        self.lifecycle.spawn("letter from a page", async move {
            // Whoever asked may have gone: then the receipt tells.
            let _ = answer.send(letters.hand_in(draft).await);
        });
        answered.await.unwrap_or(Err(Refusal::Internal)).map_err(LetterFault::Refused)
    }

    async fn hand_in(&self, draft: Draft) -> Result<(), Refusal> {
        let Draft { written, author, incoming, outliner, .. } = draft;
        let _place = self.place(written.id).await;
        match self.receipt(&author, written.id) {
            Ok(None) => {}
            Ok(Some(_)) => return Ok(()),
            Err(fault) => {
                error!(%fault, "reading a receipt");
                return Err(Refusal::Internal);
            }
        }
        // Without it this would be ordinary mail.
        let Some(invite_address) = self.terms.invite_address.clone() else {
            return Err(Refusal::InvitationsOff);
        };
        // Files take their time: who may invite is asked anew.
        let writes_as = &author.mailbox.address;
        let author =
            self.intake.staff(writes_as).await?.ok_or_else(|| Refusal::MayNotInvite(writes_as.clone()))?;
        let body = incoming.finish().await.map_err(unwritten)?;
        let Written { id, to, cc, bcc, wants_receipt, language, .. } = written;
        let reader = |Mailbox { address, .. }| Recipient { address, parameters: RcptParameters::default() };
        let invite = Recipient {
            address: language
                .and_then(|language| tagged(&invite_address, language))
                .unwrap_or(invite_address),
            parameters: RcptParameters { notify: notify(wants_receipt), ..RcptParameters::default() },
        };
        let submission = Submission {
            id,
            sender: ReversePath::Address(author.mailbox.address.clone()),
            submitter: Submitter::Person(author),
            parameters: MailParameters::default(),
            recipients: to.into_iter().chain(cc).chain(bcc).map(reader).chain([invite]).collect(),
            turned_away: 0,
            body,
            outline: outliner.finish(),
            peer: None,
        };
        self.intake.accept(submission).await.map(|_| ())
    }

    fn letter<'a>(&'a self, draft: &'a Draft) -> Letter<'a> {
        let Written { id, to, cc, subject, text, .. } = &draft.written;
        let (from, host) = (&draft.author.mailbox, &self.terms.hostname);
        Letter { id: *id, from, to, cc, subject, text, host, at: self.clock.now() }
    }

    async fn trace(&self, draft: &mut Draft) -> Result<(), LetterFault> {
        let id = draft.written.id.to_string();
        let field = trace::written_here(&self.terms.hostname, &id, self.clock.now());
        self.keep(draft, &field).await
    }

    async fn keep(&self, draft: &mut Draft, octets: &[u8]) -> Result<(), LetterFault> {
        let left = draft.octets_left.checked_sub(octets.len() as u64);
        draft.octets_left = left.ok_or(LetterFault::TooLarge(self.terms.octets_max))?;
        draft.incoming.write(octets).await.map_err(|fault| LetterFault::Refused(unwritten(fault)))?;
        draft.outliner.feed(octets);
        Ok(())
    }

    /// The place of this letter, which letters of another name may share.
    async fn place(&self, id: MessageId) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let number = usize::try_from(hasher.finish() % PLACES as u64).ok()?;
        Some(self.places.get(number)?.lock().await)
    }
}

/// `invite+de@corp.example`, as a person writes it who wants that language.
fn tagged(invite: &Address, language: Language) -> Option<Address> {
    let address = invite.to_string();
    let (local, domain) = address.rsplit_once('@')?;
    Address::parse(&format!("{local}+{language}@{domain}")).ok()
}

/// As a mail program asks for a receipt: the word for the invite address (RFC 3461 §4.1).
const fn notify(wants_receipt: bool) -> Notify {
    if wants_receipt { Notify::On { success: true, failure: true, delay: false } } else { Notify::Unsaid }
}
