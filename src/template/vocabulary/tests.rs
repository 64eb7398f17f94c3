//! Every built-in text, filled in with its samples.

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

/// Shown in English to all: the pages of the staff's portal.
const NOT_IN_GERMAN: [&str; 8] = [
    "mail/draft/body.txt",
    "page/guests.html",
    "page/invitation.html",
    "page/invitations.html",
    "page/invite.html",
    "page/invited.html",
    "page/no-right.html",
    "page/people.html",
];

#[test]
fn all_mails_and_the_pages_of_guests_are_there_in_german() {
    let german = Language::parse("de").unwrap();
    let there: Vec<_> = built_in().map(|(place, _)| place).collect();
    for slot in SLOTS.iter().filter(|slot| !matches!(slot.kind, Kind::Static)) {
        let file = Place { language: german, slot }.file();
        let is_there = Place::of(&file).is_some_and(|place| there.contains(&place));
        assert_eq!(is_there, !NOT_IN_GERMAN.contains(&slot.name), "{file}");
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
        for forbidden in ["<script", "<style", " style=", " onclick=", " onload=", "javascript:", "http://"] {
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
            assert!(contrast(half, "edge", ground) >= 3.0, "a field's edge on {ground}: WCAG 2.2 §1.4.11");
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
    for (place, which, text) in sampled() {
        let name = place.file();
        let (stem, kind) = name.rsplit_once('.').unwrap();
        let file = match kind {
            "css" | "svg" | "js" => name.replace("page/", ""),
            _ => format!("{}-{which}.{kind}", stem.replace('/', "-")),
        };
        std::fs::write(directory.join(file), text).unwrap();
    }
}
