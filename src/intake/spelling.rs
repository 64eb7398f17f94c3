//! Likely typing errors in the domains of the large mail providers: `kim@gmial.com` would reach nobody, or somebody
//! else, for such names are registered by people who wait for just that mail.

use crate::base::address::Domain;

/// Providers that many people use and few spell with care. Short names (gmx.de, web.de, aol.com) are left out: too
/// much that is one letter off is a real company.
const KNOWN: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.de",
    "hotmail.es",
    "hotmail.fr",
    "hotmail.it",
    "outlook.com",
    "outlook.de",
    "outlook.es",
    "outlook.fr",
    "outlook.it",
    "yahoo.com",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.de",
    "yahoo.es",
    "yahoo.fr",
    "yahoo.it",
    "icloud.com",
    "protonmail.com",
    "t-online.de",
    "freenet.de",
    "wanadoo.fr",
    "laposte.net",
    "btinternet.com",
    "comcast.net",
];

/// One letter off a known one, and real.
const REAL: &[&str] = &["mail.com", "email.com", "ymail.com", "cloud.com"];

/// Countries whose own domain is also the slip of a finger in `.com`.
const SLIPS_OF_COM: &[&str] = &["co", "cm", "om"];

/// The known domain that was probably meant, if this is none itself.
#[must_use]
pub fn meant(domain: &Domain) -> Option<&'static str> {
    let written = domain.as_str();
    if KNOWN.contains(&written) || REAL.contains(&written) {
        return None;
    }
    KNOWN.iter().copied().find(|known| is_one_slip(written, known) && !is_edition(written, known))
}

/// `hotmail.be` is one letter off `hotmail.de`, and the same provider in another country.
fn is_edition(written: &str, known: &str) -> bool {
    let (Some((name, country)), Some((known, _))) = (written.split_once('.'), known.split_once('.')) else {
        return false;
    };
    name == known && country.len() == 2 && !SLIPS_OF_COM.contains(&country)
}

/// Whether one letter is wrong, missing or too many, or two neighbours are swapped.
fn is_one_slip(written: &str, known: &str) -> bool {
    let (written, known) = (written.as_bytes(), known.as_bytes());
    let same = |(a, b): &(&u8, &u8)| a == b;
    let head = written.iter().zip(known).take_while(same).count();
    let rest = (written.get(head..).unwrap_or_default(), known.get(head..).unwrap_or_default());
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(same).count();
    let middle = |octets: &[u8]| octets.get(..octets.len() - tail).unwrap_or_default().to_vec();
    match (middle(rest.0).as_slice(), middle(rest.1).as_slice()) {
        ([_], [_] | []) | ([], [_]) => true,
        ([a, b], [c, d]) => (a, b) == (d, c),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant_by(text: &str) -> Option<&'static str> {
        meant(&Domain::parse(text).unwrap())
    }

    #[test]
    fn one_slip_of_a_finger_is_recognised() {
        for (written, known) in [
            ("gmial.com", "gmail.com"),
            ("gmal.com", "gmail.com"),
            ("gmaill.com", "gmail.com"),
            ("gnail.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmail.comm", "gmail.com"),
            ("gmailcom.com", ""),
            ("Hotmial.de", "hotmail.de"),
            ("hotmail.cm", "hotmail.com"),
            ("outlok.com", "outlook.com"),
            ("yahooo.fr", "yahoo.fr"),
            ("iclould.com", "icloud.com"),
            ("tonline.de", "t-online.de"),
        ] {
            assert_eq!(meant_by(written).unwrap_or_default(), known, "{written}");
        }
    }

    #[test]
    fn what_is_real_is_left_alone() {
        for written in KNOWN.iter().chain(REAL) {
            assert_eq!(meant_by(written), None);
        }
        for written in [
            "hotmail.be",
            "hotmail.se",
            "yahoo.ca",
            "outlook.ie",
            "partner.example",
            "gmx.de",
            "mail.gmail.com",
        ] {
            assert_eq!(meant_by(written), None, "{written}");
        }
    }
}
