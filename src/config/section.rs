//! Reading one table of the file key by key, noting every fault on the way.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat, Map, Value, ValueKind};

use crate::base::secret::Secret;
use crate::config::Fault;
use crate::config::units::Wrong;

/// What `config` calls the origin of a value that came from the environment.
const ENVIRONMENT: &str = "the environment";
/// Marks a file that systemd hands over (systemd.exec(5), "CREDENTIALS").
const CREDENTIAL: &str = "credential:";

/// Where they are while the service runs, by the name of its unit.
const SERVICE_CREDENTIALS: &str = "/run/credentials/postern.service";

/// File and environment as one tree of values.
pub(super) fn tree(
    file: &Path,
    environment: Option<HashMap<String, String>>,
) -> Result<Map<String, Value>, Fault> {
    let unreadable = |problem: String, remedy: &str| Fault {
        key: file.display().to_string(),
        problem,
        remedy: remedy.to_owned(),
    };
    let text = fs::read_to_string(file).map_err(|error| {
        unreadable(format!("it cannot be read ({error})"), "Name a file that is there, and let us read it.")
    })?;
    let variables = Environment::with_prefix("POSTERN")
        .prefix_separator("__")
        .separator("__")
        .source(environment.map(|variables| variables.into_iter().collect()));
    Config::builder()
        .add_source(File::from_str(&text, FileFormat::Toml))
        .add_source(variables)
        .build()
        .and_then(|config| config.cache.into_table())
        .map_err(|error| {
            unreadable(error.to_string().trim_end().to_owned(), "Correct the place that is shown.")
        })
}

/// Where names of files lead.
pub(super) struct Places {
    /// The folder of the configuration file: relative names start here.
    pub(super) directory: PathBuf,
    /// What systemd hands over.
    pub(super) credentials: Credentials,
}

/// Files that systemd hands to the service.
#[derive(Clone)]
pub(super) enum Credentials {
    /// They lie in this folder.
    In(PathBuf),
    /// It has handed over none.
    Lacking,
    /// They are for somebody else, and are not read.
    Unneeded,
}

impl Credentials {
    /// What systemd has handed to us; else to the service, if it runs and we may look (systemd.exec(5), "CREDENTIALS").
    pub(super) fn handed_over() -> Self {
        let ours = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let the_services = || Some(PathBuf::from(SERVICE_CREDENTIALS)).filter(|folder| folder.exists());
        ours.or_else(the_services).map_or(Self::Lacking, Self::In)
    }
}

/// One table while it is read. Keys that nobody asked for are faults.
pub(super) struct Section<'a> {
    /// `relay`, `listener #2`; empty for the root.
    path: String,
    /// What was not asked for yet.
    values: Map<String, Value>,
    asked: Vec<&'static str>,
    places: &'a Places,
    faults: &'a mut Vec<Fault>,
}

impl Section<'_> {
    /// Reads a whole tree.
    pub(super) fn root<T>(
        values: Map<String, Value>,
        places: &Places,
        faults: &mut Vec<Fault>,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        Section { path: String::new(), values, asked: Vec::new(), places, faults }.read_all(read)
    }

    /// Reads a table in this one; an absent table is an empty one.
    pub(super) fn section<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let values = match self.take(key).map(|value| value.kind) {
            None | Some(ValueKind::Nil) => Map::new(),
            Some(ValueKind::Table(values)) => values,
            Some(_) => {
                self.fault(key, "it is a section, not a value", format!("Write [{}].", self.key(key)));
                Map::new()
            }
        };
        self.below(self.key(key), values).read_all(read)
    }

    /// Reads each table of a list of tables; `None` if one of them is faulty.
    pub(super) fn each<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let tables = match self.take(key).map(|value| value.kind) {
            None | Some(ValueKind::Nil) => Vec::new(),
            Some(ValueKind::Array(tables)) => tables,
            Some(_) => {
                let remedy = format!("Write [[{}]], once for each, in the file.", self.key(key));
                self.fault(key, "it is a list of sections", remedy);
                return None;
            }
        };
        let mut found = Vec::new();
        let mut all = true;
        for (index, table) in tables.into_iter().enumerate() {
            let path = format!("{} #{}", self.key(key), index + 1);
            match self.below(path, table.into_table().unwrap_or_default()).read_all(&mut read) {
                Some(one) => found.push(one),
                None => all = false,
            }
        }
        all.then_some(found)
    }

    /// A value that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        if !self.is_given(key) {
            self.take(key);
            self.fault(key, "it is missing", format!("Write for example {key} = {example}."));
            return None;
        }
        self.optional(key, parse)
    }

    /// A value that has a default. A faulty one counts as the default, its fault being noted.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> T {
        self.optional(key, parse).unwrap_or(default)
    }

    /// A value that need not be there; an empty text is as good as none.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let origin = value.origin().map(str::to_owned);
        let parsed = match text_of(value.kind) {
            Some(text) if text.is_empty() => return None,
            Some(text) => parse(&text),
            None => Err(Wrong::new("it is a list or a section", "Write a single value.")),
        };
        parsed.map_err(|wrong| self.wrong(key, origin.as_deref(), wrong)).ok()
    }

    /// A list of values, `["a", "b"]`; in the environment, or for a single one, `a, b`. `None` if it is absent, empty
    /// or faulty.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let origin = value.origin().map(str::to_owned);
        let texts: Vec<Option<String>> = match value.kind {
            ValueKind::Array(items) => items.into_iter().map(|item| text_of(item.kind)).collect(),
            ValueKind::String(text) => text.split(',').map(|item| Some(item.trim().to_owned())).collect(),
            other => vec![text_of(other)],
        };
        let mut items = Vec::new();
        let mut all = true;
        for text in texts.into_iter().filter(|text| text.as_deref() != Some("")) {
            let item = text
                .ok_or_else(|| Wrong::new("it holds a list or a section", "Write single values in the list."))
                .and_then(|text| parse(&text));
            match item {
                Ok(item) => items.push(item),
                Err(wrong) => {
                    all = false;
                    self.wrong(key, origin.as_deref(), wrong);
                }
            }
        }
        (all && !items.is_empty()).then_some(items)
    }

    /// The path of a file. A relative one starts at the configuration's folder; `credential:NAME` is what systemd
    /// hands over by that name.
    pub(super) fn file(&self) -> impl Fn(&str) -> Result<PathBuf, Wrong> + use<> {
        let (directory, credentials) = (self.places.directory.clone(), self.places.credentials.clone());
        move |text| match (text.strip_prefix(CREDENTIAL), &credentials) {
            (None, _) => Ok(directory.join(text)),
            (Some(_), Credentials::Unneeded) => Ok(PathBuf::from(text)),
            (Some(name), Credentials::In(folder)) if !name.is_empty() && !name.contains('/') => {
                Ok(folder.join(name))
            }
            (Some(_), Credentials::In(_)) => Err(Wrong::new(
                format!("“{text}” does not name a credential"),
                "Write the name that LoadCredential= gives it, without a slash.",
            )),
            (Some(name), Credentials::Lacking) => Err(Wrong::new(
                "systemd has handed over no credentials",
                format!(
                    "Write LoadCredential={name}:/PATH/OF/THE/FILE in the unit, or name a file here. A check by hand \
                     sees what the service has while that runs, or with `systemd-run --pipe -p User=postern \
                     -p LoadCredential={name}:/PATH/OF/THE/FILE postern check`."
                ),
            )),
        }
    }

    /// The first line of a file, kept out of sight.
    pub(super) fn secret(&self) -> impl Fn(&str) -> Result<Secret, Wrong> + use<> {
        let file = self.file();
        let unneeded = matches!(self.places.credentials, Credentials::Unneeded);
        move |text| {
            let path = file(text)?;
            if unneeded && text.starts_with(CREDENTIAL) {
                return Ok(Secret::new(""));
            }
            let content = fs::read_to_string(&path).map_err(|error| {
                Wrong::new(
                    format!("{} cannot be read ({error})", path.display()),
                    "Put the secret into that file, readable for Postern's user only.",
                )
            })?;
            match content.lines().next() {
                Some(line) if !line.is_empty() => Ok(Secret::new(line)),
                _ => Err(Wrong::new(
                    format!("{} is empty", path.display()),
                    "Put the secret into its first line.",
                )),
            }
        }
    }

    /// Whether a key has a value, before it is read.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| match &value.kind {
            ValueKind::Nil => false,
            ValueKind::String(text) => !text.trim().is_empty(),
            _ => true,
        })
    }

    /// Notes a fault unless something holds that must.
    pub(super) fn demand(&mut self, holds: bool, key: &str, problem: &str, remedy: &str) {
        if !holds {
            self.fault(key, problem, remedy);
        }
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, key: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.wrong(key, None, Wrong::new(problem, remedy));
    }

    fn wrong(&mut self, key: &str, origin: Option<&str>, wrong: Wrong) {
        let mut key = self.key(key);
        if origin == Some(ENVIRONMENT) {
            key = format!("POSTERN__{}", key.replace('.', "__").to_uppercase());
        }
        self.faults.push(Fault { key, problem: wrong.problem, remedy: wrong.remedy });
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.values.remove(key)
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn below(&mut self, path: String, values: Map<String, Value>) -> Section<'_> {
        Section { path, values, asked: Vec::new(), places: self.places, faults: self.faults }
    }

    fn read_all<T>(mut self, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let found = read(&mut self);
        self.refuse_the_rest();
        found
    }

    fn refuse_the_rest(&mut self) {
        let mut rest: Vec<(String, Value)> = self.values.drain().collect();
        rest.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (key, value) in rest {
            let remedy = match closest(&key, &self.asked) {
                Some(known) => format!("Did you mean {known}?"),
                None => format!("These are known here: {}.", self.asked.join(", ")),
            };
            self.wrong(&key, value.origin(), Wrong::new("there is no such setting", remedy));
        }
    }
}

/// A single value as it was written.
fn text_of(kind: ValueKind) -> Option<String> {
    match kind {
        ValueKind::String(text) => Some(text.trim().to_owned()),
        ValueKind::Boolean(value) => Some(value.to_string()),
        ValueKind::I64(value) => Some(value.to_string()),
        ValueKind::U64(value) => Some(value.to_string()),
        ValueKind::I128(value) => Some(value.to_string()),
        ValueKind::U128(value) => Some(value.to_string()),
        ValueKind::Float(value) => Some(value.to_string()),
        ValueKind::Nil => Some(String::new()),
        ValueKind::Table(_) | ValueKind::Array(_) => None,
    }
}

/// The known word that a misspelt one was probably meant to be.
fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known.iter().map(|candidate| (distance(word, candidate), *candidate));
    let (distance, candidate) = distances.min()?;
    (distance <= word.chars().count().max(6) / 3).then_some(candidate)
}

/// How many characters must be put in, taken out or changed to make one word of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (done, a) in from.chars().enumerate() {
        let mut diagonal = done;
        let mut left = done + 1;
        for (b, cell) in to.chars().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = changed.min(*cell + 1).min(left + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = done + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_are_recognised_and_others_are_not() {
        let known = ["hostname", "certificate", "key", "stop_within"];
        assert_eq!(closest("hostnam", &known), Some("hostname"));
        assert_eq!(closest("certifcate", &known), Some("certificate"));
        assert_eq!(closest("kye", &known), Some("key"));
        assert_eq!(closest("colour", &known), None);
    }

    #[test]
    fn distances_are_counted_in_characters() {
        for (a, b, expected) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("größe", "grösse", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }
}
