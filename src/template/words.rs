//! A catalogue: how the sentences of the code are said in one language.
//!
//! ```text
//! # A remark.
//! Please wait {seconds} seconds.
//! = Bitte warten Sie {seconds} Sekunden.
//! ```
//! A sentence stands on a line of its own, as English has it; how it is said stands behind `=` on the next. What nothing
//! is said for stays English.

use std::collections::BTreeMap;

use crate::base::phrase::places;

/// The sentences of one language, by the English ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(BTreeMap<String, String>);

/// A line that cannot be taken, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Faulty {
    pub line: usize,
    pub reason: String,
}

impl Words {
    /// Reads a catalogue. `known` are the sentences there are; in the one that lists them, anything is known.
    pub(super) fn read(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, Faulty> {
        let mut words = BTreeMap::new();
        let mut last: Option<&str> = None;
        for (index, line) in text.lines().enumerate() {
            let fault = |reason: String| Faulty { line: index + 1, reason };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(said) = line.strip_prefix('=').map(str::trim) {
                let Some(sentence) = last.take() else {
                    return Err(fault(
                        "the sentence that this is said for must stand on the line above".to_owned(),
                    ));
                };
                if sorted_places(sentence) != sorted_places(said) {
                    let places =
                        sorted_places(sentence).iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>();
                    let places = if places.is_empty() { "none".to_owned() } else { places.join(", ") };
                    return Err(fault(format!("its places are not those of the sentence above: {places}")));
                }
                if said.is_empty() {
                    return Err(fault("nothing is said here".to_owned()));
                }
                words.insert(sentence.to_owned(), said.to_owned());
                continue;
            }
            if !known(line) {
                return Err(fault(format!("there is no sentence “{line}”")));
            }
            words.entry(line.to_owned()).or_insert_with(|| line.to_owned());
            last = Some(line);
        }
        Ok(Self(words))
    }

    /// How a sentence is said.
    pub(super) fn of(&self, sentence: &str) -> Option<&str> {
        self.0.get(sentence).map(String::as_str)
    }
}

fn sorted_places(sentence: &str) -> Vec<&str> {
    let mut names: Vec<_> = places(sentence).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn reason(text: &str) -> String {
        let Faulty { line, reason } = Words::read(text, |sentence| sentence.starts_with("Wait")).unwrap_err();
        format!("{line}: {reason}")
    }

    #[test]
    fn a_sentence_is_said_as_the_line_below_it_has_it() {
        let words = Words::read("# x\n\nWait {n}.\n= Warten {n}.\nWait.\n", |_| true).unwrap();
        assert_eq!(words.of("Wait {n}."), Some("Warten {n}."));
        assert_eq!(words.of("Wait."), Some("Wait."));
        assert_eq!(words.of("Go."), None);
    }

    /// The sentences of the source, by `phrase!("…")`.
    fn sentences(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sentences(&path, found);
                continue;
            }
            // Where phrases are made, none is said.
            if path.ends_with("base/phrase.rs") {
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            // What a test says, nobody reads.
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for said in code.split("phrase!(").skip(1) {
                if let Some(sentence) = said.trim_start().strip_prefix('"') {
                    let lines = sentence.split('"').next().unwrap().split("\\\n");
                    found.insert(lines.map(str::trim_start).collect());
                }
            }
        }
    }

    #[test]
    fn every_sentence_of_the_source_is_in_every_catalogue_and_nothing_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut said = BTreeSet::new();
        for module in fs::read_dir(root.join("src")).unwrap() {
            let path = module.unwrap().path();
            if path.is_dir() {
                sentences(&path, &mut said);
            }
        }
        assert!(said.contains("January") && said.len() > 12, "{said:?}");
        for file in ["words.txt", "de/words.txt"] {
            let text = fs::read_to_string(root.join("templates").join(file)).unwrap();
            let words = Words::read(&text, |sentence| said.contains(sentence)).unwrap();
            let listed: BTreeSet<_> = words.0.into_keys().collect();
            assert_eq!(listed, said, "{file}");
        }
    }

    #[test]
    fn german_says_all_but_four_months_in_other_words() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/de/words.txt");
        let words = Words::read(&fs::read_to_string(path).unwrap(), |_| true).unwrap();
        let same = words.0.iter().filter(|(sentence, said)| sentence == said);
        assert_eq!(
            same.map(|(sentence, _)| sentence).collect::<Vec<_>>(),
            ["April", "August", "November", "September"]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(reason("Wait.\nWiat."), "2: there is no sentence “Wiat.”");
        assert_eq!(
            reason("Wait {n}.\n= Warten {m}."),
            "2: its places are not those of the sentence above: {n}"
        );
        assert_eq!(reason("Wait.\n= Warten {m}."), "2: its places are not those of the sentence above: none");
        assert_eq!(reason("= Warten"), "1: the sentence that this is said for must stand on the line above");
        assert_eq!(reason("Wait.\n=\n"), "2: nothing is said here");
    }
}
