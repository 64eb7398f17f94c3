//! Where texts stand: each template in each language has a file of its own.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::base::language::Language;
use crate::template::vocabulary::{Kind, SLOTS, Slot, slot};

/// The same in German: where it stands, and what.
macro_rules! german {
    ($name:literal) => {
        (concat!("de/", $name), include_str!(concat!("../../templates/de/", $name)))
    };
}

/// One file: a template in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub language: Language,
    pub slot: &'static Slot,
}

/// The German texts that come with the program.
const GERMAN: &[(&str, &str)] = &[
    german!("words.txt"),
    german!("mail/layout.html"),
    german!("mail/button.html"),
    german!("mail/invitation/top.txt"),
    german!("mail/invitation/top.html"),
    german!("mail/invitation/bottom.txt"),
    german!("mail/invitation/bottom.html"),
    german!("mail/invitation-internal/top.txt"),
    german!("mail/invitation-internal/top.html"),
    german!("mail/invitation-internal/bottom.txt"),
    german!("mail/invitation-internal/bottom.html"),
    german!("mail/accepted/subject.txt"),
    german!("mail/accepted/body.txt"),
    german!("mail/accepted/body.html"),
    german!("mail/welcome/subject.txt"),
    german!("mail/welcome/body.txt"),
    german!("mail/welcome/body.html"),
    german!("mail/renewal/subject.txt"),
    german!("mail/renewal/body.txt"),
    german!("mail/renewal/body.html"),
    german!("mail/approval/subject.txt"),
    german!("mail/approval/body.txt"),
    german!("mail/approval/body.html"),
    german!("mail/verify/subject.txt"),
    german!("mail/verify/body.txt"),
    german!("mail/verify/body.html"),
    german!("mail/reset/subject.txt"),
    german!("mail/reset/body.txt"),
    german!("mail/reset/body.html"),
    german!("mail/no-reset/subject.txt"),
    german!("mail/no-reset/body.txt"),
    german!("mail/no-reset/body.html"),
    german!("mail/password-changed/subject.txt"),
    german!("mail/password-changed/body.txt"),
    german!("mail/password-changed/body.html"),
    german!("mail/account-ending/subject.txt"),
    german!("mail/account-ending/body.txt"),
    german!("mail/account-ending/body.html"),
    german!("mail/farewell/subject.txt"),
    german!("mail/farewell/body.txt"),
    german!("mail/farewell/body.html"),
    german!("mail/takeover/subject.txt"),
    german!("mail/takeover/body.txt"),
    german!("mail/takeover/body.html"),
    german!("mail/sponsor-left/subject.txt"),
    german!("mail/sponsor-left/body.txt"),
    german!("mail/sponsor-left/body.html"),
    german!("mail/sponsor-gone/subject.txt"),
    german!("mail/sponsor-gone/body.txt"),
    german!("mail/sponsor-gone/body.html"),
    german!("mail/receipt/subject.txt"),
    german!("mail/receipt/body.txt"),
    german!("mail/receipt/body.html"),
    german!("mail/arrived/subject.txt"),
    german!("mail/arrived/body.txt"),
    german!("mail/arrived/body.html"),
    german!("mail/handed-over/subject.txt"),
    german!("mail/handed-over/body.txt"),
    german!("mail/handed-over/body.html"),
    german!("mail/ending/subject.txt"),
    german!("mail/ending/body.txt"),
    german!("mail/ending/body.html"),
    german!("mail/bounced/subject.txt"),
    german!("mail/bounced/body.txt"),
    german!("mail/bounced/body.html"),
    german!("mail/expired/subject.txt"),
    german!("mail/expired/body.txt"),
    german!("mail/expired/body.html"),
    german!("mail/answer/subject.txt"),
    german!("mail/answer/body.txt"),
    german!("mail/answer/body.html"),
    german!("mail/preview/subject.txt"),
    german!("mail/preview/body.txt"),
    german!("mail/preview/body.html"),
    german!("mail/corrected/subject.txt"),
    german!("mail/corrected/body.txt"),
    german!("mail/corrected/body.html"),
    german!("mail/draft/body.txt"),
    german!("page/layout.html"),
    german!("page/activate.html"),
    german!("page/join.html"),
    german!("page/expired.html"),
    german!("page/renewal.html"),
    german!("page/approval.html"),
    german!("page/takeover.html"),
    german!("page/withdrawn.html"),
    german!("page/used.html"),
    german!("page/unknown.html"),
    german!("page/sign-in.html"),
    german!("page/dropoff.html"),
    german!("page/sent.html"),
    german!("page/received.html"),
    german!("page/package.html"),
    german!("page/saml-leave.html"),
    german!("page/saml-failed.html"),
    german!("page/saml-signed-out.html"),
    german!("page/invite.html"),
    german!("page/invited.html"),
    german!("page/invitations.html"),
    german!("page/invitation.html"),
    german!("page/guests.html"),
    german!("page/people.html"),
    german!("page/status.html"),
    german!("page/queue.html"),
    german!("page/queued.html"),
    german!("page/dropoffs.html"),
    german!("page/switches.html"),
    german!("page/no-right.html"),
    german!("page/no-entry.html"),
    german!("page/waiting.html"),
    german!("page/verify.html"),
    german!("page/forgotten.html"),
    german!("page/reset.html"),
    german!("page/account.html"),
    german!("page/farewell.html"),
    german!("page/error.html"),
    german!("page/mailbox.html"),
    german!("page/letter.html"),
];

impl Place {
    /// Where a file of the templates folder stands. What goes out as it is, is the same in all languages.
    pub(super) fn of(file: &str) -> Option<Self> {
        if let Some(slot) = slot(file) {
            return Some(Self { language: Language::ENGLISH, slot });
        }
        let (folder, name) = file.split_once('/')?;
        let language = Language::parse(folder)
            .filter(|language| *language != Language::ENGLISH && language.code() == folder)?;
        let slot = slot(name).filter(|slot| !matches!(slot.kind, Kind::Static))?;
        Some(Self { language, slot })
    }

    /// The path below the templates folder.
    pub(super) fn file(&self) -> String {
        beside(self.language, self.slot.name)
    }

    /// The file of the template `name` in the language of the file `other`.
    pub(super) fn beside<'a>(other: &str, name: &'a str) -> Cow<'a, str> {
        Self::of(other).map_or(Cow::Borrowed(name), |place| Cow::Owned(beside(place.language, name)))
    }
}

fn beside(language: Language, name: &str) -> String {
    if language == Language::ENGLISH { name.to_owned() } else { format!("{language}/{name}") }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.language, self.slot.name).cmp(&(other.language, other.slot.name))
    }
}

/// The texts that come with the program.
pub(super) fn built_in() -> impl Iterator<Item = (Place, &'static str)> {
    let english = SLOTS.iter().map(|slot| (Place { language: Language::ENGLISH, slot }, slot.built_in));
    english.chain(GERMAN.iter().filter_map(|(file, text)| Place::of(file).map(|place| (place, *text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_where_its_path_says() {
        let german = Place::of("de/page/used.html").unwrap();
        assert_eq!((german.language.code(), german.slot.name), ("de", "page/used.html"));
        assert_eq!(german.file(), "de/page/used.html");
        assert_eq!(Place::of("page/used.html").unwrap().language, Language::ENGLISH);
        for file in ["en/page/used.html", "DE/page/used.html", "de/page/style.css", "de/de/words.txt", "de"] {
            assert!(Place::of(file).is_none(), "{file}");
        }
    }
}
