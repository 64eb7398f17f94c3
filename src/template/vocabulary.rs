//! Every template there is: its built-in text, the names it may use (shown by its samples), and what it must keep.

use minijinja::Value;

use crate::template::sample;
use crate::template::sample::people;

/// A file of the `templates` folder, compiled in.
macro_rules! built_in {
    ($name:literal) => {
        include_str!(concat!("../../templates/", $name))
    };
}

/// A template, in whatever language.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its path below the templates folder.
    pub name: &'static str,
    /// The English text that comes with the program.
    pub built_in: &'static str,
    pub kind: Kind,
}

/// A full sample and a bare one, in which everything optional is missing. Together they are the vocabulary.
pub(super) type Samples = fn() -> [Value; 2];

/// What is done with a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It goes out as it is.
    Static,
    /// The sentences of the code.
    Words,
    /// Other texts stand in it or take it in.
    Shared { samples: Samples },
    /// It is filled in.
    Rendered { samples: Samples, keeps: &'static [Keep] },
}

/// What the result must not lose, whatever the administrator writes around it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// The value of this name is somewhere in the result.
    Shown(&'static str),
    /// The value of this name is all that stands on its line.
    OwnLine(&'static str),
    /// The value of this name is where a link leads.
    Linked(&'static str),
    /// The result is one line with words in it: it becomes a header.
    SingleLine,
}

/// All templates, mails first.
pub(super) const SLOTS: &[Slot] = &[
    Slot { name: WORDS, built_in: built_in!("words.txt"), kind: Kind::Words },
    shared("mail/layout.html", built_in!("mail/layout.html"), sample::page),
    shared("mail/button.html", built_in!("mail/button.html"), sample::button),
    rendered("mail/invitation/top.txt", built_in!("mail/invitation/top.txt"), sample::invitation, &[]),
    rendered("mail/invitation/top.html", built_in!("mail/invitation/top.html"), sample::invitation, &[]),
    rendered(
        "mail/invitation/bottom.txt",
        built_in!("mail/invitation/bottom.txt"),
        sample::invitation,
        OWN_LINE,
    ),
    rendered(
        "mail/invitation/bottom.html",
        built_in!("mail/invitation/bottom.html"),
        sample::invitation,
        LINKED,
    ),
    rendered("mail/accepted/subject.txt", built_in!("mail/accepted/subject.txt"), sample::notice, HEADER),
    rendered("mail/accepted/body.txt", built_in!("mail/accepted/body.txt"), sample::notice, &[]),
    rendered("mail/accepted/body.html", built_in!("mail/accepted/body.html"), sample::notice, &[]),
    rendered("mail/welcome/subject.txt", built_in!("mail/welcome/subject.txt"), sample::notice, HEADER),
    rendered("mail/welcome/body.txt", built_in!("mail/welcome/body.txt"), sample::notice, &[]),
    rendered("mail/welcome/body.html", built_in!("mail/welcome/body.html"), sample::notice, &[]),
    rendered("mail/renewal/subject.txt", built_in!("mail/renewal/subject.txt"), sample::invitation, HEADER),
    rendered("mail/renewal/body.txt", built_in!("mail/renewal/body.txt"), sample::invitation, OWN_LINE),
    rendered("mail/renewal/body.html", built_in!("mail/renewal/body.html"), sample::invitation, LINKED),
    rendered("mail/approval/subject.txt", built_in!("mail/approval/subject.txt"), sample::invitation, HEADER),
    rendered("mail/approval/body.txt", built_in!("mail/approval/body.txt"), sample::invitation, OWN_LINE),
    rendered("mail/approval/body.html", built_in!("mail/approval/body.html"), sample::invitation, LINKED),
    rendered("mail/verify/subject.txt", built_in!("mail/verify/subject.txt"), people::verify, HEADER),
    rendered("mail/verify/body.txt", built_in!("mail/verify/body.txt"), people::verify, OWN_LINE),
    rendered("mail/verify/body.html", built_in!("mail/verify/body.html"), people::verify, LINKED),
    rendered("mail/reset/subject.txt", built_in!("mail/reset/subject.txt"), people::about_account, HEADER),
    rendered("mail/reset/body.txt", built_in!("mail/reset/body.txt"), people::about_account, OWN_LINE),
    rendered("mail/reset/body.html", built_in!("mail/reset/body.html"), people::about_account, LINKED),
    rendered(
        "mail/no-reset/subject.txt",
        built_in!("mail/no-reset/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered("mail/no-reset/body.txt", built_in!("mail/no-reset/body.txt"), people::about_account, &[]),
    rendered("mail/no-reset/body.html", built_in!("mail/no-reset/body.html"), people::about_account, &[]),
    rendered(
        "mail/password-changed/subject.txt",
        built_in!("mail/password-changed/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered(
        "mail/password-changed/body.txt",
        built_in!("mail/password-changed/body.txt"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/password-changed/body.html",
        built_in!("mail/password-changed/body.html"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/account-ending/subject.txt",
        built_in!("mail/account-ending/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered(
        "mail/account-ending/body.txt",
        built_in!("mail/account-ending/body.txt"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/account-ending/body.html",
        built_in!("mail/account-ending/body.html"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/farewell/subject.txt",
        built_in!("mail/farewell/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered("mail/farewell/body.txt", built_in!("mail/farewell/body.txt"), people::about_account, &[]),
    rendered("mail/farewell/body.html", built_in!("mail/farewell/body.html"), people::about_account, &[]),
    rendered("mail/receipt/subject.txt", built_in!("mail/receipt/subject.txt"), sample::receipt, HEADER),
    rendered("mail/receipt/body.txt", built_in!("mail/receipt/body.txt"), sample::receipt, &[]),
    rendered("mail/receipt/body.html", built_in!("mail/receipt/body.html"), sample::receipt, &[]),
    rendered("mail/arrived/subject.txt", built_in!("mail/arrived/subject.txt"), sample::files, HEADER),
    rendered("mail/arrived/body.txt", built_in!("mail/arrived/body.txt"), sample::files, &[]),
    rendered("mail/arrived/body.html", built_in!("mail/arrived/body.html"), sample::files, &[]),
    rendered(
        "mail/handed-over/subject.txt",
        built_in!("mail/handed-over/subject.txt"),
        sample::files,
        HEADER,
    ),
    rendered("mail/handed-over/body.txt", built_in!("mail/handed-over/body.txt"), sample::files, &[]),
    rendered("mail/handed-over/body.html", built_in!("mail/handed-over/body.html"), sample::files, &[]),
    rendered("mail/ending/subject.txt", built_in!("mail/ending/subject.txt"), sample::files, HEADER),
    rendered("mail/ending/body.txt", built_in!("mail/ending/body.txt"), sample::files, OWN_LINE),
    rendered("mail/ending/body.html", built_in!("mail/ending/body.html"), sample::files, LINKED),
    rendered("mail/bounced/subject.txt", built_in!("mail/bounced/subject.txt"), sample::bounced, HEADER),
    rendered("mail/bounced/body.txt", built_in!("mail/bounced/body.txt"), sample::bounced, &[]),
    rendered("mail/bounced/body.html", built_in!("mail/bounced/body.html"), sample::bounced, &[]),
    rendered("mail/expired/subject.txt", built_in!("mail/expired/subject.txt"), sample::unused, HEADER),
    rendered("mail/expired/body.txt", built_in!("mail/expired/body.txt"), sample::unused, &[]),
    rendered("mail/expired/body.html", built_in!("mail/expired/body.html"), sample::unused, &[]),
    rendered("mail/answer/subject.txt", built_in!("mail/answer/subject.txt"), sample::answer, HEADER),
    rendered("mail/answer/body.txt", built_in!("mail/answer/body.txt"), sample::answer, &[]),
    rendered("mail/answer/body.html", built_in!("mail/answer/body.html"), sample::answer, &[]),
    rendered("mail/preview/subject.txt", built_in!("mail/preview/subject.txt"), sample::preview, HEADER),
    rendered("mail/preview/body.txt", built_in!("mail/preview/body.txt"), sample::preview, &[]),
    rendered("mail/preview/body.html", built_in!("mail/preview/body.html"), sample::preview, &[]),
    rendered(
        "mail/corrected/subject.txt",
        built_in!("mail/corrected/subject.txt"),
        sample::invitation,
        HEADER,
    ),
    rendered("mail/corrected/body.txt", built_in!("mail/corrected/body.txt"), sample::invitation, OWN_LINE),
    rendered("mail/corrected/body.html", built_in!("mail/corrected/body.html"), sample::invitation, LINKED),
    shared("page/layout.html", built_in!("page/layout.html"), sample::page),
    rendered("page/activate.html", built_in!("page/activate.html"), sample::activate, FORM),
    rendered("page/expired.html", built_in!("page/expired.html"), sample::expired, FORM),
    rendered("page/renewal.html", built_in!("page/renewal.html"), sample::renewal, &[]),
    rendered("page/approval.html", built_in!("page/approval.html"), sample::approval, FORM),
    rendered("page/withdrawn.html", built_in!("page/withdrawn.html"), sample::closed, &[]),
    rendered("page/used.html", built_in!("page/used.html"), sample::used, FORM),
    rendered("page/unknown.html", built_in!("page/unknown.html"), sample::page, &[]),
    rendered("page/sign-in.html", built_in!("page/sign-in.html"), sample::sign_in, FORM),
    rendered("page/dropoff.html", built_in!("page/dropoff.html"), sample::dropoff, FORM),
    rendered("page/sent.html", built_in!("page/sent.html"), sample::sent, &[]),
    rendered("page/received.html", built_in!("page/received.html"), sample::received, &[]),
    rendered("page/package.html", built_in!("page/package.html"), sample::package, FORM),
    rendered("page/waiting.html", built_in!("page/waiting.html"), people::waiting, FORM),
    rendered("page/verify.html", built_in!("page/verify.html"), people::verifying, FORM),
    rendered("page/forgotten.html", built_in!("page/forgotten.html"), people::forgotten, FORM),
    rendered("page/reset.html", built_in!("page/reset.html"), people::reset, FORM),
    rendered("page/account.html", built_in!("page/account.html"), people::account, FORM),
    rendered("page/farewell.html", built_in!("page/farewell.html"), people::farewell, &[]),
    rendered("page/error.html", built_in!("page/error.html"), sample::error, &[]),
    rendered("page/mailbox.html", built_in!("page/mailbox.html"), sample::mailbox, &[]),
    rendered("page/letter.html", built_in!("page/letter.html"), sample::letter, &[]),
    Slot { name: "page/style.css", built_in: built_in!("page/style.css"), kind: Kind::Static },
    Slot { name: "page/postern.js", built_in: built_in!("page/postern.js"), kind: Kind::Static },
    Slot { name: "page/logo.svg", built_in: built_in!("page/logo.svg"), kind: Kind::Static },
];

/// Where the sentences of the code are listed.
const WORDS: &str = "words.txt";

/// The link stands where no mail program can miss it.
const OWN_LINE: &[Keep] = &[Keep::OwnLine("link")];
const LINKED: &[Keep] = &[Keep::Linked("link")];
const HEADER: &[Keep] = &[Keep::SingleLine];
/// Without its hidden field a form is refused when it comes back.
const FORM: &[Keep] = &[Keep::Shown("form")];

impl Slot {
    /// What it is tried with: its own names, and for a page those of the frame around it. A static text has none.
    pub(super) fn samples(&self) -> Vec<Value> {
        match self.kind {
            Kind::Static | Kind::Words => Vec::new(),
            Kind::Shared { samples } | Kind::Rendered { samples, .. } if self.name.starts_with("page/") => {
                samples().into_iter().zip(sample::frames()).map(sample::framed).collect()
            }
            Kind::Shared { samples } | Kind::Rendered { samples, .. } => samples().into(),
        }
    }
}

/// Whether the code has this sentence.
pub(super) fn has_sentence(sentence: &str) -> bool {
    slot(WORDS).is_some_and(|words| words.built_in.lines().any(|line| line == sentence))
}

/// The slot of this name.
pub(super) fn slot(name: &str) -> Option<&'static Slot> {
    SLOTS.iter().find(|slot| slot.name == name)
}

const fn shared(name: &'static str, built_in: &'static str, samples: Samples) -> Slot {
    Slot { name, built_in, kind: Kind::Shared { samples } }
}

const fn rendered(
    name: &'static str,
    built_in: &'static str,
    samples: Samples,
    keeps: &'static [Keep],
) -> Slot {
    Slot { name, built_in, kind: Kind::Rendered { samples, keeps } }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::base::language::Language;
    use crate::template::Templates;
    use crate::template::place::{Place, built_in};

    /// The one script, in a file of its own.
    const SCRIPT: &str = "<script src=\"/postern.js\" defer></script>";
    /// Octets of a page, so that it opens at once also on a train.
    const PAGE_MAX: usize = 50 * 1024;

    /// The built-in texts, as their samples make them: the full one and the bare one.
    fn sampled() -> Vec<(Place, &'static str, String)> {
        let templates = Templates::built_in();
        let mut sampled = Vec::new();
        for (place, text) in built_in() {
            match place.slot.kind {
                Kind::Static => sampled.push((place, "as it is", text.to_owned())),
                Kind::Shared { .. } | Kind::Words => {}
                Kind::Rendered { .. } => {
                    for (which, sample) in ["full", "bare"].into_iter().zip(place.slot.samples()) {
                        let text = templates.render(place.slot.name, place.language, &sample).unwrap();
                        sampled.push((place, which, text));
                    }
                }
            }
        }
        sampled
    }

    fn is_page(place: &Place) -> bool {
        place.slot.name.starts_with("page/") && matches!(place.slot.kind, Kind::Rendered { .. })
    }

    #[test]
    fn everything_is_there_in_german() {
        let german = Language::parse("de").unwrap();
        let there: Vec<_> = built_in().map(|(place, _)| place).collect();
        for slot in SLOTS.iter().filter(|slot| !matches!(slot.kind, Kind::Static)) {
            let file = Place { language: german, slot }.file();
            assert!(Place::of(&file).is_some_and(|place| there.contains(&place)), "{file} is not built in");
        }
    }

    #[test]
    fn pages_are_light_and_have_neither_script_nor_style_of_their_own() {
        let octets = |name| slot(name).unwrap().built_in.len();
        let shared = octets("page/style.css") + octets("page/postern.js");
        for (place, _, text) in sampled() {
            let name = place.file();
            if !name.contains("page/") {
                continue;
            }
            let whole = text.len() + if is_page(&place) { shared } else { 0 };
            assert!(whole < PAGE_MAX, "{name} has {whole} octets");
            for forbidden in
                ["<script", "<style", " style=", " onclick=", " onload=", "javascript:", "http://"]
            {
                let text = text.replace("http://www.w3.org/2000/svg", "").replace(SCRIPT, "");
                assert!(!text.contains(forbidden), "{name} has “{forbidden}”");
            }
        }
    }

    #[test]
    fn pages_can_be_read_by_a_screen_reader() {
        for (place, _, page) in sampled().into_iter().filter(|(place, ..)| is_page(place)) {
            let (name, language) = (place.file(), place.language);
            assert!(page.starts_with(&format!("<!doctype html>\n<html lang=\"{language}\">")), "{name}");
            assert_eq!(page.matches("<h1").count(), 1, "{name}: one heading says what the page is");
            assert_eq!(page.matches("<main").count(), 1, "{name}");
            let fields = page.matches("<input").count() - page.matches("type=\"hidden\"").count()
                + page.matches("<select").count()
                + page.matches("<textarea").count();
            assert_eq!(page.matches("<label").count(), fields, "{name}: every field has its label");
        }
    }

    #[test]
    fn the_colours_can_be_told_apart() {
        let sheet = slot("page/style.css").unwrap().built_in;
        let (light, dark) = sheet.split_once("prefers-color-scheme: dark").unwrap();
        for half in [light, dark] {
            for ground in ["ground", "sheet"] {
                for ink in ["ink", "soft", "accent", "accent-strong", "fault", "good", "wait"] {
                    assert!(contrast(half, ink, ground) >= 4.5, "{ink} on {ground}: WCAG 2.2 §1.4.3");
                }
                assert!(
                    contrast(half, "edge", ground) >= 3.0,
                    "a field's edge on {ground}: WCAG 2.2 §1.4.11"
                );
            }
            for (ink, ground) in [
                ("on-accent", "accent"),
                ("on-accent", "accent-strong"),
                ("fault", "fault-ground"),
                ("on-fault", "fault"),
                ("good", "good-ground"),
                ("wait", "wait-ground"),
                ("ink", "note-ground"),
                ("ink", "good-ground"),
                ("accent", "note-ground"),
                ("accent-strong", "note-ground"),
            ] {
                assert!(contrast(half, ink, ground) >= 4.5, "{ink} on {ground}");
            }
        }
    }

    /// WCAG 2.2, "contrast ratio", between two of the sheet's colours.
    fn contrast(sheet: &str, one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(sheet, one), luminance(sheet, other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(sheet: &str, name: &str) -> f64 {
        let (_, rest) = sheet.split_once(&format!("--{name}: #")).unwrap();
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&rest[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    }

    #[test]
    fn the_link_stands_in_the_mail_as_it_is() {
        let sample = &sample::invitation()[0];
        for name in ["mail/invitation/bottom.txt", "mail/invitation/bottom.html"] {
            let block = Templates::built_in().render(name, Language::ENGLISH, sample).unwrap();
            assert!(
                block.contains("https://postern.corp.example/i/0123456789abcdefghjkmnpqrs"),
                "{name}: {block}"
            );
        }
    }

    /// For `tests/look/run.sh`, which makes pictures of them.
    #[test]
    #[ignore = "writes files: run by tests/look/run.sh"]
    fn write_the_samples() {
        let directory = PathBuf::from(std::env::var("LOOK_DIR").unwrap());
        for (name, which, text) in sampled() {
            let name = name.file();
            let (stem, kind) = name.rsplit_once('.').unwrap();
            let file = match kind {
                "css" | "svg" => name.replace("page/", ""),
                _ => format!("{}-{which}.{kind}", stem.replace('/', "-")),
            };
            std::fs::write(directory.join(file), text).unwrap();
        }
    }
}
