//! `/invite`: a staff member writes an invitation without a mail program.
//!
//! What is written becomes a mail and goes through the same door as mail by SMTP ([`letter`]); what the door refuses
//! stands beside the field that it is about, in the door's own words. Behind it is the [`receipt`].

pub mod letter;
pub mod receipt;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;

use crate::auth::Identity;
use crate::base::id::MessageId;
use crate::base::mailbox::Mailbox;
use crate::base::size::Size;
use crate::httpd::page::Pages;
use crate::httpd::permit::{FormToken, Person, Staff};
use crate::httpd::router::Parts;
use crate::intake::letters::{Letters, Terms};
use crate::switches::Switchboard;

/// What stands in the fields.
#[derive(Clone, Debug, Default, Serialize)]
struct Typed {
    to: String,
    cc: String,
    bcc: String,
    subject: String,
    message: String,
    /// A code; empty where each reader's own is meant.
    language: String,
    receipt: bool,
    /// What the message will be called: the same for a letter that comes twice.
    once: String,
}

/// What stands beside them, and above all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Faults {
    to: Option<String>,
    cc: Option<String>,
    bcc: Option<String>,
    subject: Option<String>,
    message: Option<String>,
    files: Option<String>,
    top: Option<String>,
}

/// The names of `page/invite.html`.
#[derive(Serialize)]
struct Invite<'a> {
    from: &'a Mailbox,
    typed: &'a Typed,
    faults: &'a Faults,
    has_faults: bool,
    /// Whether files came along, which a browser does not keep.
    had_files: bool,
    subject_characters: usize,
    /// The codes of those there are.
    languages: Vec<String>,
    /// Of a message with its files, with the unit.
    size: String,
    form: &'a str,
}

/// The names of `page/no-right.html`.
#[derive(Serialize)]
struct NoRight {
    /// Whether it is so for everybody.
    is_off: bool,
}

/// The names of `mail/draft/body.txt`.
#[derive(Serialize)]
struct Draft<'a> {
    inviter: &'a Mailbox,
}

/// `/invite` to look at, and `/invite/ID`. What is sent is [`letter::routes`].
pub fn routes() -> Router<Parts> {
    Router::new().route("/invite", get(show)).merge(receipt::routes())
}

async fn show(
    staff: Staff,
    pages: Pages,
    State(letters): State<Letters>,
    State(switches): State<Switchboard>,
) -> Response {
    if !staff.account.rights.invite {
        return no_right(&pages);
    }
    if !switches.now().invitations {
        return switched_off(&pages);
    }
    let typed = Typed {
        subject: letters.terms().default_subject.clone(),
        message: pages.opening("draft", Draft { inviter: &staff.account.mailbox }),
        once: MessageId::fresh().to_string(),
        ..Typed::default()
    };
    form(&pages, letters.terms(), &staff, &typed, &Faults::default(), false, StatusCode::OK)
}

/// The form as it is now.
fn form(
    pages: &Pages,
    terms: &Terms,
    staff: &Staff,
    typed: &Typed,
    faults: &Faults,
    had_files: bool,
    status: StatusCode,
) -> Response {
    let names = Invite {
        from: &staff.account.mailbox,
        typed,
        faults,
        has_faults: *faults != Faults::default(),
        had_files,
        subject_characters: terms.subject_characters,
        languages: pages.languages(),
        size: Size(terms.octets_max).to_string(),
        form: staff.form_token(),
    };
    pages.page(status, "invite", names)
}

/// Nobody has given this person the right.
pub(in crate::httpd::pages) fn no_right(pages: &Pages) -> Response {
    pages.page(StatusCode::FORBIDDEN, "no-right", NoRight { is_off: false })
}

/// Nobody has it at the moment.
fn switched_off(pages: &Pages) -> Response {
    pages.page(StatusCode::FORBIDDEN, "no-right", NoRight { is_off: true })
}

/// Who writes, as the door wants to know it.
fn author(person: &Person) -> Identity {
    Identity::from(person.account.clone())
}

/// Words that were made for the middle of a line, as a sentence. An address at their beginning stays as it was written.
pub(in crate::httpd::pages) fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let begin_with_address = words.split(' ').next().is_some_and(|word| word.contains('@'));
    let first = characters
        .next()
        .map(|first| if begin_with_address { first.to_string() } else { first.to_uppercase().to_string() });
    let first = first.unwrap_or_default();
    let end = if words.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_and_ends_as_one() {
        assert_eq!(sentence("the subject is empty"), "The subject is empty.");
        assert_eq!(sentence("“Lee” is none. Why?"), "“Lee” is none. Why?");
        assert_eq!(sentence("kim@gmial.com is misspelt?"), "kim@gmial.com is misspelt?");
        assert_eq!(sentence(""), ".");
    }
}
