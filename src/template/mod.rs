//! The texts people read: mails and pages, built in and overridden file by file by the administrator.
//!
//! A template is named by its path below the templates folder: `mail/invitation/top.txt`, `page/activate.html`. That
//! is the English one; the same in another language lies in a folder of that language: `de/mail/invitation/top.txt`.
//! What a language lacks is there in English, text by text. What stands in the code (a fault beside a field, the names
//! of the months) is a [`Phrase`], said in the words of `words.txt`, `de/words.txt`.
//!
//! Rendering is strict: a name that a template does not have is a fault, never an empty place. What is put into
//! an `.html` template is escaped; what is put into a `.txt` template is not.
//!
//! Nothing here reads a disk: whoever watches the folder hands its texts to [`Templates::with_overrides`], which
//! takes what passes the [`gate`] and keeps the last good text for what does not. So a broken template never
//! stops a mail.

pub mod browse;
mod gate;
mod moment;
mod place;
pub mod reference;
mod render;
mod sample;
mod vocabulary;
mod words;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use minijinja::Environment;
use serde::Serialize;
use thiserror::Error;

use crate::base::clock::Timestamp;
use crate::base::language::Language;
use crate::base::phrase::Phrase;
use crate::template::place::Place;
use crate::template::vocabulary::Kind;
use crate::template::words::Words;

/// Octets of one overriding file. The largest built-in text has a tenth of it.
pub const TEXT_MAX: usize = 256 * 1024;

/// The templates in force: readers take the present set, the daemon's watcher replaces it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shelf(Arc<ArcSwap<Shown>>);

/// What is on the shelf.
#[derive(Debug)]
struct Shown {
    templates: Arc<Templates>,
    faults: Arc<[TemplateFault]>,
}

/// All templates of one moment: the built-in ones, some of them overridden.
#[derive(Clone, Debug)]
pub struct Templates {
    engine: Environment<'static>,
    texts: BTreeMap<Place, Cow<'static, str>>,
    words: BTreeMap<Language, Arc<Words>>,
}

/// A text that was not taken, and why. The last good one stays in force.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {reason}")]
pub struct TemplateFault {
    /// The file, as a path below the templates folder.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what to do where that is not plain.
    pub reason: String,
}

/// A template in force could not be rendered with what it was given.
#[derive(Debug, Error)]
#[error("rendering {name}: {reason}")]
pub struct RenderFault {
    /// The template that was asked for.
    pub name: String,
    /// The engine's words.
    pub reason: String,
}

impl Shelf {
    /// Puts up the first set.
    #[must_use]
    pub fn new(templates: Templates) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Shown {
            templates: Arc::new(templates),
            faults: Arc::default(),
        })))
    }

    /// The set of this moment. Keep it no longer than one mail or page, and take all texts of it from one set.
    #[must_use]
    pub fn current(&self) -> Arc<Templates> {
        Arc::clone(&self.0.load().templates)
    }

    /// What the administrator's files have that was not taken.
    #[must_use]
    pub fn faults(&self) -> Arc<[TemplateFault]> {
        Arc::clone(&self.0.load().faults)
    }

    /// From now on this set, of which these files were not taken; who is rendering finishes with the old one.
    pub fn replace(&self, templates: Templates, faults: &[TemplateFault]) {
        self.0.store(Arc::new(Shown { templates: Arc::new(templates), faults: faults.into() }));
    }
}

impl Templates {
    /// The texts that come with the program.
    #[must_use]
    pub fn built_in() -> Self {
        let mut built_in = Self { engine: render::engine(), texts: BTreeMap::new(), words: BTreeMap::new() };
        for (place, text) in place::built_in() {
            // That each one parses, renders and keeps its promises is a test of the gate, not a wait at start.
            let _ = built_in.put(place, Cow::Borrowed(text));
        }
        built_in
    }

    /// The built-in set, overridden by `texts`: every file of the administrator's folder by its path below it.
    ///
    /// A file that cannot be read (its reason stands for its text) or does not pass the gate is reported, and its name
    /// keeps the text it has in `self`; a file that is gone gives its name back to the built-in text.
    #[must_use]
    pub fn with_overrides(
        &self,
        texts: &BTreeMap<String, Result<String, String>>,
    ) -> (Self, Vec<TemplateFault>) {
        let mut next = Self::built_in();
        let mut faults = Vec::new();
        for (file, text) in texts {
            let Some(place) = Place::of(file) else {
                faults.push(gate::unknown(file));
                continue;
            };
            let taken = match text {
                Ok(text) => next.overridden(place, Cow::Owned(text.clone())),
                Err(reason) => Err(gate::unreadable(place, reason)),
            };
            match taken {
                Ok(taken) => next = taken,
                Err(fault) => {
                    faults.push(fault);
                    let last_good = self.texts.get(&place).cloned();
                    // It was good among its neighbours of then; it is asked again among those of now.
                    if let Some(Ok(kept)) = last_good.map(|text| next.overridden(place, text)) {
                        next = kept;
                    }
                }
            }
        }
        (next, faults)
    }

    /// The languages in which there is any text.
    #[must_use]
    pub fn languages(&self) -> BTreeSet<Language> {
        self.texts.keys().map(|place| place.language).collect()
    }

    /// Fills in a template, in this language if it is there in it, else in English. What it was filled in with has
    /// `language` besides: the one that it is in.
    ///
    /// # Errors
    /// [`RenderFault`] where there is no such template, or `context` lacks a name that it uses.
    pub fn render<C: Serialize>(
        &self,
        name: &str,
        language: Language,
        context: &C,
    ) -> Result<String, RenderFault> {
        let fault = |reason| RenderFault { name: name.to_owned(), reason };
        let place = vocabulary::slot(name)
            .and_then(|slot| {
                let places = [Place { language, slot }, Place { language: Language::ENGLISH, slot }];
                places.into_iter().find(|place| self.texts.contains_key(place))
            })
            .ok_or_else(|| fault("there is no such template".to_owned()))?;
        render::render(&self.engine, place, context).map_err(|error| fault(render::words(&error)))
    }

    /// A phrase in this language if its catalogue has it, else in English.
    #[must_use]
    pub fn say(&self, language: Language, phrase: &Phrase) -> String {
        let catalogues = [self.words.get(&language), self.words.get(&Language::ENGLISH)];
        let said = catalogues.into_iter().flatten().find_map(|words| words.of(&phrase.sentence));
        phrase.in_words(said.unwrap_or(&phrase.sentence))
    }

    /// A moment as people read it, to the minute: `8 December 2026, 13:45 UTC`.
    #[must_use]
    pub fn moment(&self, language: Language, at: Timestamp) -> String {
        self.say(language, &moment::phrase(at, |month| self.say(language, month)))
    }

    /// The text of a file as it is, unrendered: for the style sheet and the logo.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(&Place::of(name)?).map(AsRef::as_ref)
    }

    /// This set with another text in one place, if that passes the gate.
    fn overridden(&self, place: Place, text: Cow<'static, str>) -> Result<Self, TemplateFault> {
        let mut candidate = self.clone();
        gate::measure(place, &text)?;
        candidate.put(place, text)?;
        gate::check(&candidate, place)?;
        Ok(candidate)
    }

    fn put(&mut self, place: Place, text: Cow<'static, str>) -> Result<(), TemplateFault> {
        match place.slot.kind {
            Kind::Static => {}
            Kind::Words => {
                self.words.insert(place.language, Arc::new(gate::words(place, &text)?));
            }
            Kind::Shared { .. } | Kind::Rendered { .. } => {
                let put = self.engine.add_template_owned(place.file(), text.clone().into_owned());
                put.map_err(|error| gate::fault(place, &error))?;
            }
        }
        let is_news = !self.languages().contains(&place.language);
        self.texts.insert(place, text);
        if is_news || matches!(place.slot.kind, Kind::Shared { .. }) {
            self.lend_shared().map_err(|error| gate::fault(place, &error))?;
        }
        Ok(())
    }

    /// What a language shares among its texts and has not in itself, it has in English.
    fn lend_shared(&mut self) -> Result<(), minijinja::Error> {
        let languages = self.languages();
        let shared: Vec<_> = self
            .texts
            .iter()
            .filter(|(place, _)| place.language == Language::ENGLISH)
            .filter(|(place, _)| matches!(place.slot.kind, Kind::Shared { .. }))
            .map(|(place, text)| (place.slot, text.clone()))
            .collect();
        for (slot, text) in shared {
            for language in &languages {
                let place = Place { language: *language, slot };
                if !self.texts.contains_key(&place) {
                    self.engine.add_template_owned(place.file(), text.clone().into_owned())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(files: &[(&str, &str)]) -> BTreeMap<String, Result<String, String>> {
        files.iter().map(|(file, text)| ((*file).to_owned(), Ok((*text).to_owned()))).collect()
    }

    fn top(templates: &Templates) -> String {
        templates.render("mail/invitation/top.txt", Language::ENGLISH, &sample::invitation()[0]).unwrap()
    }

    #[test]
    fn a_good_override_is_taken_and_given_back_when_its_file_goes() {
        let built_in = Templates::built_in();
        let (next, faults) = built_in
            .with_overrides(&overrides(&[("mail/invitation/top.txt", "Hello {{ invitee.address }}")]));
        assert_eq!(faults, []);
        assert_eq!(top(&next), "Hello kim@partner.example");

        let (back, _) = next.with_overrides(&BTreeMap::new());
        assert_eq!(top(&back), top(&built_in));
    }

    #[test]
    fn a_broken_override_leaves_the_last_good_one_in_force() {
        let (good, _) =
            Templates::built_in().with_overrides(&overrides(&[("mail/invitation/top.txt", "Good")]));
        let (still, faults) =
            good.with_overrides(&overrides(&[("mail/invitation/top.txt", "line 1\n{{ invitee.adress }}")]));
        assert_eq!(top(&still), "Good");
        assert_eq!(
            faults[0].to_string(),
            "mail/invitation/top.txt:2: there is no “invitee.adress” in this template; did you mean “invitee.address”?"
        );
    }

    #[test]
    fn one_broken_file_does_not_keep_back_the_others() {
        let (next, faults) = Templates::built_in().with_overrides(&overrides(&[
            ("mail/invitation/bottom.txt", "no link in here"),
            ("mail/invitation/top.txt", "New"),
        ]));
        assert_eq!(top(&next), "New");
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn the_shelf_shows_the_new_set_to_the_next_reader() {
        let shelf = Shelf::new(Templates::built_in());
        let reader = shelf.clone();
        let (next, _) = shelf.current().with_overrides(&overrides(&[("page/style.css", "body{}")]));
        shelf.replace(next, &[]);
        assert_eq!(reader.current().text("page/style.css"), Some("body{}"));
    }

    #[test]
    fn a_template_that_does_not_exist_is_a_fault_and_not_a_panic() {
        let fault = Templates::built_in().render("page/nowhere.html", Language::ENGLISH, &()).unwrap_err();
        assert!(fault.to_string().contains("page/nowhere.html"), "{fault}");
    }
}
