//! What was written on `/invite`, on its way to the door.
//!
//! The fields come in the order of the page, the files last: they go into the spool while they arrive, once what was
//! typed is right. After a fault the rest is read and thrown away, because a browser shows the answer only then.

use std::str::FromStr;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;

use crate::base::id::MessageId;
use crate::base::language::Language;
use crate::base::mailbox::Mailbox;
use crate::base::phrase::{Phrase, phrase};
use crate::base::size::Size;
use crate::httpd::form::{Packet, unread};
use crate::httpd::multipart::{FormFault, Multipart, Part};
use crate::httpd::page::Pages;
use crate::httpd::pages::invite::{Faults, Typed, author, form, no_right, sentence};
use crate::httpd::permit::Staff;
use crate::httpd::router::Parts;
use crate::intake::letters::{Draft, LetterFault, Letters, Terms, Written};
use crate::intake::recipients;
use crate::intake::refusal::Refusal;

/// Octets of one field that is typed: a long book chapter.
const FIELD_MAX: usize = 256 * 1024;

/// A letter that comes in.
struct Coming<'a> {
    pages: &'a Pages,
    letters: &'a Letters,
    staff: &'a Staff,
    typed: Typed,
    /// What is wrong so far; then nothing more is kept.
    faults: Faults,
    /// From the first file on.
    draft: Option<Draft>,
    had_files: bool,
}

/// POST to `/invite`.
pub fn routes() -> Router<Parts> {
    Router::new().route("/invite", post(send))
}

async fn send(
    pages: Pages,
    State(letters): State<Letters>,
    Packet { by: staff, form: posted }: Packet<Staff>,
) -> Response {
    if !staff.account.rights.invite {
        return no_right(&pages);
    }
    let mut coming = Coming {
        pages: &pages,
        letters: &letters,
        staff: &staff,
        typed: Typed::default(),
        faults: Faults::default(),
        draft: None,
        had_files: false,
    };
    if let Err(fault) = coming.read(posted).await {
        return unread(&fault);
    }
    match coming.hand_in().await {
        Ok(id) => Redirect::to(&format!("/invite/{id}")).into_response(),
        Err(status) => {
            let Coming { typed, faults, had_files, .. } = &coming;
            form(&pages, letters.terms(), &staff, typed, faults, *had_files, status)
        }
    }
}

impl Coming<'_> {
    async fn read(&mut self, mut form: Multipart) -> Result<(), FormFault> {
        while let Some(part) = form.next().await? {
            if part.name == "files" {
                self.file(&part, &mut form).await?;
                continue;
            }
            let mut text = Vec::new();
            while let Some(chunk) = form.chunk().await? {
                let room = FIELD_MAX - text.len();
                text.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            self.type_in(&part.name, String::from_utf8_lossy(&text).into_owned());
        }
        Ok(())
    }

    fn type_in(&mut self, name: &str, text: String) {
        let is_full = text.len() >= FIELD_MAX;
        match name {
            "to" => self.typed.to = text,
            "cc" => self.typed.cc = text,
            "bcc" => self.typed.bcc = text,
            "subject" => self.typed.subject = text,
            "message" => self.typed.message = text,
            "language" => self.typed.language = text,
            "receipt" => self.typed.receipt = true,
            "once" => self.typed.once = text,
            _ => return,
        }
        if is_full {
            let most = Size(FIELD_MAX as u64);
            let fault = phrase!("One field holds more than {most}. Please shorten it.", most = most);
            self.faults.top = Some(self.pages.say(&fault));
        }
    }

    /// An empty one is what a browser sends where no file was chosen.
    async fn file(&mut self, part: &Part, form: &mut Multipart) -> Result<(), FormFault> {
        let name = part.filename.as_deref().unwrap_or_default();
        let media_type = part.media_type.as_deref().unwrap_or_default();
        let mut chunk = form.chunk().await?;
        if name.is_empty() && chunk.as_ref().is_none_or(Bytes::is_empty) {
            return Ok(());
        }
        self.had_files = true;
        self.begin();
        let mut file = None;
        if let Some(draft) = &mut self.draft {
            file = note(self.pages, &mut self.faults, self.letters.file(draft, name, media_type).await);
        }
        while let Some(octets) = chunk {
            if let (Some(draft), Some(open)) = (&mut self.draft, &mut file)
                && note(self.pages, &mut self.faults, self.letters.add(draft, open, &octets).await).is_none()
            {
                self.draft = None;
            }
            chunk = form.chunk().await?;
        }
        if let (Some(draft), Some(whole)) = (&mut self.draft, file) {
            note(self.pages, &mut self.faults, self.letters.end(draft, whole).await);
        }
        Ok(())
    }

    /// Begins the letter, if what was typed is right.
    fn begin(&mut self) {
        if self.draft.is_some() || self.faults != Faults::default() {
            return;
        }
        match written(self.pages, &self.typed, self.letters.terms()) {
            Ok(written) => {
                self.draft =
                    note(self.pages, &mut self.faults, self.letters.begin(author(self.staff), written));
            }
            Err(faults) => self.faults = *faults,
        }
    }

    /// Gives the message's name, or the status of the page that says what is wrong.
    async fn hand_in(&mut self) -> Result<MessageId, StatusCode> {
        self.begin();
        let draft = self.draft.take().filter(|_| self.faults == Faults::default());
        let Some(draft) = draft else {
            return Err(StatusCode::UNPROCESSABLE_ENTITY);
        };
        let id = draft.id();
        match self.letters.send(draft).await {
            Ok(()) => Ok(id),
            Err(fault) => {
                let status = match &fault {
                    LetterFault::Refused(Refusal::QueueFull | Refusal::DiskFull | Refusal::Internal) => {
                        StatusCode::SERVICE_UNAVAILABLE
                    }
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                place(self.pages, &mut self.faults, &self.typed, self.letters.terms(), &fault);
                Err(status)
            }
        }
    }
}

/// What came of a step; a fault of the files is noted beside them.
fn note<T>(pages: &Pages, faults: &mut Faults, result: Result<T, LetterFault>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(LetterFault::TooLarge(most)) => {
            faults.files.get_or_insert_with(|| pages.say(&too_large(most)));
            None
        }
        Err(LetterFault::Refused(refusal)) => {
            faults.top.get_or_insert(sentence(&refusal.to_string()));
            None
        }
    }
}

/// What was typed, read; or all that is wrong with it at once.
fn written(pages: &Pages, typed: &Typed, terms: &Terms) -> Result<Written, Box<Faults>> {
    let mut faults = Faults::default();
    let people = |line: &str, fault: &mut Option<String>| {
        let read = recipients::read(line, terms.recipients);
        read.unwrap_or_else(|wrong| {
            *fault = Some(sentence(&pages.say(&wrong.phrase())));
            Vec::new()
        })
    };
    let to = people(&typed.to, &mut faults.to);
    let cc = people(&typed.cc, &mut faults.cc);
    let bcc = people(&typed.bcc, &mut faults.bcc);
    if to.is_empty() && faults.to.is_none() {
        faults.to = Some(pages.say(&phrase!("Please enter the address of the person you invite.")));
    }
    let subject = typed.subject.trim();
    let characters = subject.chars().count();
    if subject.is_empty() {
        faults.subject = Some(pages.say(&blank_subject()));
    } else if characters > terms.subject_characters {
        faults.subject = Some(pages.say(&subject_too_long(characters, terms.subject_characters)));
    }
    if typed.message.trim().is_empty() {
        faults.message = Some(pages.say(&no_text()));
    }
    if faults != Faults::default() {
        return Err(Box::new(faults));
    }
    Ok(Written {
        // A page that has lost its own gets one, and may then be sent twice.
        id: MessageId::from_str(&typed.once).unwrap_or_else(|_| MessageId::fresh()),
        to,
        cc,
        bcc,
        subject: subject.to_owned(),
        text: typed.message.clone(),
        language: Language::parse(&typed.language),
        wants_receipt: typed.receipt,
    })
}

/// Puts the door's words beside the field that they are about.
fn place(pages: &Pages, faults: &mut Faults, typed: &Typed, terms: &Terms, fault: &LetterFault) {
    use Refusal::{
        BadSuffix, BadTag, BlankSubject, BlockedDomain, Colleague, InviteAddress, Misspelt, NoSuchDomain,
        NoText, NobodyOutside, NotAllowedDomain, Structure, SubjectTooLong, TakesNoMail, TooMany,
        TooManyInvitees,
    };
    let refusal = match fault {
        LetterFault::TooLarge(most) => {
            faults.files = Some(pages.say(&too_large(*most)));
            return;
        }
        LetterFault::Refused(refusal) => refusal,
    };
    let field = match refusal {
        BadTag { address, .. }
        | BadSuffix { address, .. }
        | InviteAddress(address)
        | Colleague(address)
        | NoSuchDomain(address)
        | TakesNoMail(address)
        | Misspelt { written: address, .. }
        | BlockedDomain(address)
        | NotAllowedDomain(address) => {
            let names = |line: &str| {
                let people = recipients::read(line, terms.recipients).unwrap_or_default();
                people.iter().any(|Mailbox { address: other, .. }| other.same_mailbox(address))
            };
            match (names(&typed.to), names(&typed.cc), names(&typed.bcc)) {
                (false, true, _) => &mut faults.cc,
                (false, false, true) => &mut faults.bcc,
                _ => &mut faults.to,
            }
        }
        NobodyOutside | TooManyInvitees { .. } | TooMany(_) => &mut faults.to,
        BlankSubject | SubjectTooLong { .. } => &mut faults.subject,
        NoText => &mut faults.message,
        Structure(_) => &mut faults.files,
        _ => &mut faults.top,
    };
    *field = Some(sentence(&refusal.to_string()));
}

fn too_large(most: u64) -> Phrase {
    phrase!(
        "The files are too large: a message may have {most} with its files, which grow by a third on the way. Please \
         send fewer or smaller ones.",
        most = Size(most)
    )
}

fn blank_subject() -> Phrase {
    phrase!("The subject is empty. Please write one: the person you invite sees it first.")
}

fn subject_too_long(characters: usize, most: usize) -> Phrase {
    phrase!(
        "The subject has {characters} characters; at most {most} are allowed. Please shorten it.",
        characters = characters,
        most = most
    )
}

fn no_text() -> Phrase {
    phrase!("The message has no text. Please write a few words to the person you invite.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_door_would() {
        for (page, door) in [
            (blank_subject(), Refusal::BlankSubject),
            (subject_too_long(300, 256), Refusal::SubjectTooLong { characters: 300, limit: 256 }),
            (no_text(), Refusal::NoText),
        ] {
            assert_eq!(page.to_string(), sentence(&door.to_string()));
        }
    }
}
