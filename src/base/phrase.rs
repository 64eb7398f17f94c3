//! A sentence for people that stands in the code, with places for what changes: written in English, and said in
//! another language where the catalogue of that language (`words.txt` among the templates) has it.

use std::borrow::Cow;
use std::fmt;

/// A sentence with places, and what stands there: "Please wait {seconds} seconds.", seconds = 8. Its
/// [`Display`](fmt::Display) is English. Made by `phrase!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// In English; what the catalogues know it by.
    pub sentence: Cow<'static, str>,
    /// What stands at each place.
    pub values: Vec<(&'static str, String)>,
}

/// `phrase!("Please wait {seconds} seconds.", seconds = 8)`. A test reads the sentences out of the source and asks each
/// catalogue for them, so they are written where they are used.
macro_rules! phrase {
    ($sentence:literal $(, $place:ident = $value:expr)* $(,)?) => {
        $crate::base::phrase::Phrase {
            sentence: ::std::borrow::Cow::Borrowed($sentence),
            values: vec![$((stringify!($place), ($value).to_string())),*],
        }
    };
}

pub(crate) use phrase;

impl Phrase {
    /// What it is in the words of `sentence`, which is its own or a translation. A place that nothing stands at is
    /// left as it is written.
    #[must_use]
    pub fn in_words(&self, sentence: &str) -> String {
        let mut said = String::with_capacity(sentence.len());
        for piece in pieces(sentence) {
            match piece {
                Piece::Words(words) => said.push_str(words),
                Piece::Place(name) => match self.values.iter().find(|(place, _)| *place == name) {
                    Some((_, value)) => said.push_str(value),
                    None => said.extend(["{", name, "}"]),
                },
            }
        }
        said
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(&self.sentence))
    }
}

/// The names of a sentence's places, in the order in which they stand there.
pub fn places(sentence: &str) -> impl Iterator<Item = &str> {
    pieces(sentence).filter_map(|piece| match piece {
        Piece::Place(name) => Some(name),
        Piece::Words(_) => None,
    })
}

enum Piece<'a> {
    Words(&'a str),
    Place(&'a str),
}

fn pieces(sentence: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = sentence;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            rest = behind;
            return Some(Piece::Place(name));
        }
        // A brace that nothing closes is a word like others.
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (words, behind) = rest.split_at(end);
        rest = behind;
        Some(Piece::Words(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_said_in_its_own_words_and_in_others() {
        let phrase = phrase!("{name} waits {count} days.", name = "Kim {count}", count = 3);
        assert_eq!(phrase.to_string(), "Kim {count} waits 3 days.");
        assert_eq!(phrase.in_words("{count} Tage wartet {name}."), "3 Tage wartet Kim {count}.");
        assert_eq!(phrase.in_words("{ {other} {"), "{ {other} {");
    }

    #[test]
    fn places_are_found_in_their_order() {
        assert_eq!(places("{a} and {b}{c} {").collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
