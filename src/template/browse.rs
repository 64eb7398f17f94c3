//! Templates looked at by the person who writes them, not by a reader.

use crate::base::language::Language;
use crate::template::place::Place;
use crate::template::vocabulary::{SLOTS, slot};
use crate::template::{RenderFault, Templates};

/// One file of a set.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The template, without its language.
    pub name: &'static str,
    /// In which language it is.
    pub language: Language,
    /// The text.
    pub text: &'a str,
}

impl File<'_> {
    /// The path below the templates folder.
    #[must_use]
    pub fn path(&self) -> String {
        slot(self.name).map(|slot| Place { language: self.language, slot }.file()).unwrap_or_default()
    }
}

impl Templates {
    /// The names of all templates, mails first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SLOTS.iter().map(|slot| slot.name)
    }

    /// All files of this set, language by language.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.texts.iter().map(|(place, text)| File {
            name: place.slot.name,
            language: place.language,
            text: text.as_ref(),
        })
    }

    /// The file that stands for a template in this language: its own, else the English one.
    #[must_use]
    pub fn file(&self, name: &str, language: Language) -> Option<File<'_>> {
        let find = |language| self.files().find(|file| file.name == name && file.language == language);
        find(language).or_else(|| find(Language::ENGLISH))
    }

    /// A template filled in with its example; what is not filled in, as it is.
    ///
    /// # Errors
    /// [`RenderFault`] where there is no such template.
    pub fn sample(&self, name: &str, language: Language) -> Result<String, RenderFault> {
        let sample = slot(name).and_then(|slot| slot.samples().into_iter().next());
        match sample {
            Some(sample) => self.render(name, language, &sample),
            None => Ok(self.file(name, language).map(|file| file.text.to_owned()).unwrap_or_default()),
        }
    }
}
