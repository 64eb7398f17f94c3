//! What a text must pass before it goes live: it parses, uses only names it has, renders samples, and keeps what
//! the reader cannot do without (the link of an invitation, the hidden field of a form).

use minijinja::{Environment, Error, Value};

use crate::template::place::{self, Place};
use crate::template::vocabulary::{self, Keep, Kind};
use crate::template::words::{Faulty, Words};
use crate::template::{TEXT_MAX, TemplateFault, Templates, render};

/// Edits between two names that still look like a slip of the pen.
const SLIP_MAX: usize = 2;

/// A file whose name no template has.
pub(super) fn unknown(file: &str) -> TemplateFault {
    let names = place::built_in().map(|(place, _)| place.file());
    let hint = closest(file, names).map(|name| format!("; did you mean “{name}”?")).unwrap_or_default();
    TemplateFault {
        file: file.to_owned(),
        line: 1,
        reason: format!("there is no template of this name{hint}"),
    }
}

/// Refuses what is larger than any template needs to be.
pub(super) fn measure(place: Place, text: &str) -> Result<(), TemplateFault> {
    if text.len() > TEXT_MAX {
        return Err(at(place, 1, format!("it is larger than {} KiB", TEXT_MAX / 1024)));
    }
    Ok(())
}

/// Reads a catalogue.
pub(super) fn words(place: Place, text: &str) -> Result<Words, TemplateFault> {
    Words::read(text, vocabulary::has_sentence).map_err(|Faulty { line, reason }| at(place, line, reason))
}

/// Tries the text that `templates` have in this place.
pub(super) fn check(templates: &Templates, place: Place) -> Result<(), TemplateFault> {
    let engine = &templates.engine;
    match place.slot.kind {
        // A catalogue that could be read is good.
        Kind::Static | Kind::Words => Ok(()),
        Kind::Shared { .. } => {
            names_are_known(engine, place, &place.slot.samples())?;
            // It has no life of its own: it is good if every text that stands in it still is.
            templates.texts.keys().try_for_each(|within| {
                renders(engine, *within).map_err(|fault| TemplateFault {
                    reason: format!("with it, {} fails: {}", fault.file, fault.reason),
                    line: if fault.file == place.file() { fault.line } else { 1 },
                    file: place.file(),
                })
            })
        }
        Kind::Rendered { .. } => {
            names_are_known(engine, place, &place.slot.samples())?;
            blocks_are_known(engine, place)?;
            renders(engine, place)
        }
    }
}

/// An error of the engine, with the file and line it names itself (which may be a layout's).
pub(super) fn fault(place: Place, error: &Error) -> TemplateFault {
    TemplateFault {
        file: error.name().map_or_else(|| place.file(), ToOwned::to_owned),
        line: error.line().unwrap_or(1),
        reason: render::words(error),
    }
}

/// Every name that the text uses, also where no sample leads, is one that a sample has.
fn names_are_known(
    engine: &Environment<'static>,
    place: Place,
    samples: &[Value],
) -> Result<(), TemplateFault> {
    let template = engine.get_template(&place.file()).map_err(|error| fault(place, &error))?;
    let functions: Vec<&str> = engine.globals().map(|(name, _)| name).collect();
    let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    used.sort();
    let known = |name: &str| functions.contains(&name) || samples.iter().any(|sample| has(sample, name));
    let Some(unknown) = used.into_iter().find(|name| !known(name)) else {
        return Ok(());
    };
    let hint = samples
        .first()
        .and_then(|sample| closest(&unknown, paths(sample, "").into_iter()))
        .map(|name| format!("; did you mean “{name}”?"))
        .unwrap_or_default();
    let line = line_of(template.source(), &unknown);
    Err(at(place, line, format!("there is no “{unknown}” in this template{hint}")))
}

/// What a text puts into its layout has a place there. Else it would vanish without a word.
fn blocks_are_known(engine: &Environment<'static>, place: Place) -> Result<(), TemplateFault> {
    let source = |name: &str| engine.get_template(name).map(|template| template.source().to_owned());
    let text = source(&place.file()).map_err(|error| fault(place, &error))?;
    let Some(layout) = layout_of(&text) else {
        return Ok(());
    };
    let source = source(&Place::beside(&place.file(), layout)).map_err(|error| fault(place, &error))?;
    let places: Vec<&str> = blocks(&source).map(|(_, name)| name).collect();
    match blocks(&text).find(|(_, name)| !places.contains(name)) {
        None => Ok(()),
        Some((line, name)) => {
            let reason = format!("{layout} has no block “{name}”; it has {}", places.join(", "));
            Err(at(place, line, reason))
        }
    }
}

/// The layout that a text says it stands in.
fn layout_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("{% extends ")?;
    rest.trim_start().strip_prefix(['"', '\''])?.split(['"', '\'']).next()
}

/// The blocks of a text, each with its line.
fn blocks(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        line.split("{%").skip(1).filter_map(move |tag| {
            let name = tag.trim_start_matches(['-', '+', ' ']).strip_prefix("block ")?;
            name.split_whitespace().next().map(|name| (index + 1, name))
        })
    })
}

/// Each sample can be rendered, and the result has what must be kept.
fn renders(engine: &Environment<'static>, place: Place) -> Result<(), TemplateFault> {
    let Kind::Rendered { keeps, .. } = place.slot.kind else {
        return Ok(());
    };
    for sample in place.slot.samples() {
        let text = render::render(engine, place, &sample).map_err(|error| fault(place, &error))?;
        for keep in keeps {
            if let Some(reason) = lost(*keep, &sample, &text) {
                return Err(at(place, 1, reason));
            }
        }
    }
    Ok(())
}

/// Why the rendered text fails a promise, if it does.
fn lost(keep: Keep, sample: &Value, text: &str) -> Option<String> {
    let value = |name: &str| sample.get_attr(name).map(|value| value.to_string()).unwrap_or_default();
    match keep {
        Keep::Shown(name) if !text.contains(&value(name)) => {
            Some(format!("“{{{{ {name} }}}}” must be kept, and does not reach the result"))
        }
        Keep::OwnLine(name) if !text.lines().any(|line| line.trim() == value(name)) => {
            Some(format!("“{{{{ {name} }}}}” must stand alone on its line"))
        }
        Keep::Linked(name) if !text.contains(&format!("href=\"{}\"", value(name))) => {
            Some(format!("a link must lead to it: href=\"{{{{ {name} }}}}\""))
        }
        Keep::SingleLine if text.trim().is_empty() || text.trim().lines().count() > 1 => {
            Some("it must be one line, and not empty".to_owned())
        }
        _ => None,
    }
}

/// Whether a sample leads along `a.b.c`. Where the sample has nothing on the way, another sample decides.
fn has(sample: &Value, path: &str) -> bool {
    path.split('.')
        .try_fold(sample.clone(), |value, step| {
            value.get_attr(step).ok().filter(|found| !found.is_undefined())
        })
        .is_some()
}

/// All names that a sample has: `organisation`, `organisation.name`, …
fn paths(sample: &Value, prefix: &str) -> Vec<String> {
    let Ok(keys) = sample.try_iter() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in keys.filter_map(|key| key.as_str().map(str::to_owned)) {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let Ok(value) = sample.get_attr(&key)
            && value.kind() == minijinja::value::ValueKind::Map
        {
            found.extend(paths(&value, &path));
        }
        found.push(path);
    }
    found
}

/// The line that uses a name first; the whole name, else its last step.
fn line_of(text: &str, name: &str) -> usize {
    let step = name.rsplit('.').next().unwrap_or(name);
    [name, step]
        .iter()
        .find_map(|sought| text.lines().position(|line| line.contains(sought)))
        .map_or(1, |index| index + 1)
}

/// The candidate that a slip of the pen may have meant.
fn closest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    candidates
        .map(|candidate| (distance(name, &candidate), candidate))
        .min()
        .filter(|(edits, _)| *edits <= SLIP_MAX)
        .map(|(_, candidate)| candidate)
}

/// Letters to put in, take out or change to get from one word to the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut before = index;
        let mut last = index + 1;
        let mut next = vec![last];
        for (b, above) in other.iter().zip(row.iter().skip(1)) {
            last = (before + usize::from(a != *b)).min(above + 1).min(last + 1);
            next.push(last);
            before = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A file that is there and cannot be read.
pub(super) fn unreadable(place: Place, reason: &str) -> TemplateFault {
    at(place, 1, reason.to_owned())
}

fn at(place: Place, line: usize, reason: String) -> TemplateFault {
    TemplateFault { file: place.file(), line, reason }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::template::Templates;

    /// The one fault of a set in which only `file` is overridden.
    fn fault_of(file: &str, text: &str) -> String {
        let texts = BTreeMap::from([(file.to_owned(), Ok(text.to_owned()))]);
        let (_, faults) = Templates::built_in().with_overrides(&texts);
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults[0].to_string()
    }

    #[test]
    fn every_built_in_template_passes() {
        let built_in = Templates::built_in();
        for (place, text) in place::built_in() {
            let passed = built_in.overridden(place, text.into());
            assert_eq!(passed.err(), None, "{}", place.file());
        }
    }

    #[test]
    fn a_syntax_error_is_told_with_its_line() {
        let fault = fault_of("mail/invitation/top.txt", "one\ntwo\n{% if %}");
        assert!(fault.starts_with("mail/invitation/top.txt:3: syntax error"), "{fault}");
    }

    #[test]
    fn a_wrong_name_is_found_also_where_no_sample_leads() {
        let fault = fault_of("mail/invitation/top.txt", "{% if days == 77 %}\n{{ inviter.nmae }}{% endif %}");
        assert!(fault.starts_with("mail/invitation/top.txt:2: there is no “inviter.nmae”"), "{fault}");
    }

    #[test]
    fn an_invitation_without_its_link_is_refused() {
        let text = fault_of("mail/invitation/bottom.txt", "Follow: {{ link }}");
        assert!(text.contains("alone on its line"), "{text}");
        let html = fault_of("mail/invitation/bottom.html", "<p>{{ link }}</p>");
        assert!(html.contains("href="), "{html}");
    }

    #[test]
    fn a_form_without_its_hidden_field_is_refused() {
        let fault = fault_of("page/sign-in.html", "<form method=\"post\"><input name=\"address\"></form>");
        assert!(fault.contains("{{ form }}"), "{fault}");
    }

    #[test]
    fn a_layout_that_loses_its_pages_is_refused() {
        let fault = fault_of("page/layout.html", "<h1>{{ organisation.name }}</h1>");
        assert!(fault.starts_with("page/layout.html:1: with it, page/"), "{fault}");
    }

    #[test]
    fn what_a_page_puts_where_the_layout_has_no_place_is_told() {
        let page = "{% extends \"page/layout.html\" %}\n{% block title %}Gone{% endblock %}\n{%- block content %}{% endblock %}";
        assert_eq!(
            fault_of("page/expired.html", page),
            "page/expired.html:3: page/layout.html has no block “content”; it has head, title, width, main"
        );
    }

    #[test]
    fn a_file_that_is_no_template_is_told_and_the_slip_with_it() {
        assert_eq!(
            fault_of("page/activte.html", "x"),
            "page/activte.html:1: there is no template of this name; did you mean “page/activate.html”?"
        );
        assert_eq!(fault_of("notes.md", "x"), "notes.md:1: there is no template of this name");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let fault = fault_of("page/style.css", &"x".repeat(TEXT_MAX + 1));
        assert!(fault.ends_with("larger than 256 KiB"), "{fault}");
    }

    #[test]
    fn distances_are_counted_in_letters() {
        assert_eq!(distance("gate", "gate"), 0);
        assert_eq!(distance("gate", "gaet"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
