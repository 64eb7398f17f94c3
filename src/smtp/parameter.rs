//! The parameters behind the paths of MAIL and RCPT (RFC 5321 §4.1.2: `esmtp-param`).

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::smtp::extension::Extensions;

/// Digits of a SIZE (RFC 1870 §3).
const SIZE_DIGITS_MAX: usize = 20;
/// Characters of an ENVID, decoded (RFC 3461 §4.4).
const ENVID_MAX: usize = 100;
/// Characters of an ORCPT, decoded (RFC 3461 §4.2).
const ORCPT_MAX: usize = 500;

/// What the body is made of (RFC 6152).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyType {
    /// Only ASCII, or nothing was said.
    #[default]
    SevenBit,
    /// Octets above 127 may occur.
    EightBitMime,
}

/// How much of the message a failure report gives back (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Return {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// Parameters of MAIL FROM. `Display` writes them with a space before each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailParameters {
    /// Octets that the client means to send (RFC 1870).
    pub size: Option<u64>,
    /// RFC 6152.
    pub body: BodyType,
    /// Addresses and header may hold UTF-8 (RFC 6531).
    pub smtputf8: bool,
    /// RFC 3461 §4.3.
    pub ret: Option<Return>,
    /// The sender's own name for the transaction, decoded (RFC 3461 §4.4).
    pub envid: Option<String>,
}

/// Which reports the sender wants for a recipient (RFC 3461 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notify {
    /// Nothing was said: failures, and delays if we like.
    #[default]
    Unsaid,
    /// None at all.
    Never,
    /// Those that are set; one at least is.
    On {
        /// The message was delivered.
        success: bool,
        /// It will not be.
        failure: bool,
        /// It takes longer.
        delay: bool,
    },
}

/// Parameters of RCPT TO. `Display` writes them with a space before each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RcptParameters {
    /// RFC 3461 §4.1.
    pub notify: Notify,
    /// The address as the sender wrote it first (RFC 3461 §4.2), with its type, decoded:
    /// `rfc822;kim@partner.example`.
    pub orcpt: Option<String>,
}

/// What is wrong with a parameter; each names its keyword.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterFault {
    /// No extension of ours knows it here.
    #[error("Parameter {0} not recognised")]
    Unknown(String),
    /// The keyword is right, its value is not.
    #[error("Parameter {0} has a value that is not valid")]
    Value(String),
    /// RFC 5321 §4.1.1.11: a keyword may occur once.
    #[error("Parameter {0} given twice")]
    Twice(String),
}

impl MailParameters {
    /// Reads what stands behind the path.
    ///
    /// # Errors
    /// [`ParameterFault`] for the first parameter that is not valid.
    pub fn parse(text: &str) -> Result<Self, ParameterFault> {
        let mut parameters = Self::default();
        read(text, |keyword, value| {
            match (keyword, value) {
                ("SIZE", Some(value)) => parameters.size = Some(size(value)?),
                ("BODY", Some(value)) if value.eq_ignore_ascii_case("7BIT") => {}
                ("BODY", Some(value)) if value.eq_ignore_ascii_case("8BITMIME") => {
                    parameters.body = BodyType::EightBitMime;
                }
                ("SMTPUTF8", None) => parameters.smtputf8 = true,
                ("RET", Some(value)) if value.eq_ignore_ascii_case("FULL") => {
                    parameters.ret = Some(Return::Full);
                }
                ("RET", Some(value)) if value.eq_ignore_ascii_case("HDRS") => {
                    parameters.ret = Some(Return::Headers);
                }
                ("ENVID", Some(value)) => {
                    parameters.envid =
                        Some(xtext(value).filter(|id| id.is_ascii() && id.len() <= ENVID_MAX)?);
                }
                // A client's word for whoever signed in somewhere else; we do not pass it on (RFC 4954 §5).
                ("AUTH", Some(value)) => drop(xtext(value)?),
                _ => return None,
            }
            Some(())
        })
        .map_err(|fault| fault.known(&["SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"]))?;
        Ok(parameters)
    }

    /// What of them a server with these extensions understands. The size is not passed on: edits change it.
    #[must_use]
    pub fn within(&self, extensions: &Extensions) -> Self {
        Self {
            size: None,
            body: if extensions.eight_bit_mime { self.body } else { BodyType::SevenBit },
            smtputf8: self.smtputf8 && extensions.smtputf8,
            ret: self.ret.filter(|_| extensions.dsn),
            envid: self.envid.clone().filter(|_| extensions.dsn),
        }
    }
}

impl RcptParameters {
    /// Reads what stands behind the path.
    ///
    /// # Errors
    /// [`ParameterFault`] for the first parameter that is not valid.
    pub fn parse(text: &str) -> Result<Self, ParameterFault> {
        let mut parameters = Self::default();
        read(text, |keyword, value| {
            match (keyword, value) {
                ("NOTIFY", Some(value)) => parameters.notify = notify(value)?,
                ("ORCPT", Some(value)) => {
                    let decoded = xtext(value).filter(|address| address.chars().count() <= ORCPT_MAX)?;
                    // `original-recipient-address = addr-type ";" xtext`.
                    decoded.split_once(';').filter(|(kind, _)| !kind.is_empty())?;
                    parameters.orcpt = Some(decoded);
                }
                _ => return None,
            }
            Some(())
        })
        .map_err(|fault| fault.known(&["NOTIFY", "ORCPT"]))?;
        Ok(parameters)
    }

    /// What of them a server with these extensions understands.
    #[must_use]
    pub fn within(&self, extensions: &Extensions) -> Self {
        if !extensions.dsn {
            return Self::default();
        }
        // Only SMTPUTF8 lets UTF-8 stand in ORCPT as it is (RFC 6533 §3).
        let orcpt = self.orcpt.clone().filter(|address| address.is_ascii() || extensions.smtputf8);
        Self { notify: self.notify, orcpt }
    }
}

impl ParameterFault {
    /// A keyword that is not among those known here is not a wrong value, but unknown.
    fn known(self, keywords: &[&str]) -> Self {
        match self {
            Self::Value(keyword) if !keywords.contains(&keyword.as_str()) => Self::Unknown(keyword),
            fault => fault,
        }
    }
}

/// Hands each parameter to `take`: the keyword in upper case, and the value, if there is one.
fn read(text: &str, mut take: impl FnMut(&str, Option<&str>) -> Option<()>) -> Result<(), ParameterFault> {
    let mut seen = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (keyword, value) = word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)));
        let keyword = keyword.to_ascii_uppercase();
        if seen.contains(&keyword) {
            return Err(ParameterFault::Twice(keyword));
        }
        take(&keyword, value).ok_or_else(|| ParameterFault::Value(keyword.clone()))?;
        seen.push(keyword);
    }
    Ok(())
}

/// `size-value = 1*20DIGIT` (RFC 1870 §3). What 64 bits do not hold is as good as the most they do.
fn size(text: &str) -> Option<u64> {
    let is_number = (1..=SIZE_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// `NEVER`, or some of `SUCCESS`, `FAILURE` and `DELAY` (RFC 3461 §4.1).
fn notify(text: &str) -> Option<Notify> {
    if text.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::Never);
    }
    let (mut success, mut failure, mut delay) = (false, false, false);
    for word in text.split(',') {
        let wanted = match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => &mut success,
            "FAILURE" => &mut failure,
            "DELAY" => &mut delay,
            _ => return None,
        };
        if std::mem::replace(wanted, true) {
            return None;
        }
    }
    Some(Notify::On { success, failure, delay })
}

/// Decodes `xtext` (RFC 3461 §4): `+` and two upper-case hexadecimal digits for an octet. Beyond ASCII as RFC
/// 6533 §3 extends it. No control characters, plain or decoded: the text will stand in headers.
fn xtext(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        match octet {
            b'+' => octets.push(hexadecimal(rest.next()?)? << 4 | hexadecimal(rest.next()?)?),
            b'=' => return None,
            _ => octets.push(octet),
        }
    }
    String::from_utf8(octets).ok().filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Writes a text as `xtext`.
struct Xtext<'a>(&'a str);

impl fmt::Display for Xtext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '+' | '=' | ' ' => write!(f, "+{:02X}", u32::from(c))?,
                _ => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for MailParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if self.body == BodyType::EightBitMime {
            f.write_str(" BODY=8BITMIME")?;
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        match self.ret {
            Some(Return::Full) => f.write_str(" RET=FULL")?,
            Some(Return::Headers) => f.write_str(" RET=HDRS")?,
            None => {}
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={}", Xtext(envid))?;
        }
        Ok(())
    }
}

impl fmt::Display for RcptParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.notify {
            Notify::Unsaid => {}
            Notify::Never => f.write_str(" NOTIFY=NEVER")?,
            Notify::On { success, failure, delay } => {
                let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
                let wanted: Vec<&str> = words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
                write!(f, " NOTIFY={}", wanted.join(","))?;
            }
        }
        if let Some(orcpt) = &self.orcpt {
            write!(f, " ORCPT={}", Xtext(orcpt))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_is_never_taken_for_a_smaller_one() {
        let size = |text: &str| MailParameters::parse(&format!(" SIZE={text}")).map(|read| read.size);
        assert_eq!(size("0999"), Ok(Some(999)));
        assert_eq!(size("99999999999999999999"), Ok(Some(u64::MAX)));
        for text in ["99999999999999999999999", "-1", "1k", ""] {
            assert_eq!(size(text), Err(ParameterFault::Value("SIZE".to_owned())), "{text}");
        }
    }

    #[test]
    fn xtext_can_smuggle_nothing() {
        for value in
            ["rfc822;a+0D+0Ab", "rfc822;a+0d", "rfc822;a+", "rfc822;a=b", ";a", "a", "rfc822;a+FF", ""]
        {
            assert!(RcptParameters::parse(&format!(" ORCPT={value}")).is_err(), "{value}");
        }
    }

    #[test]
    fn notify_takes_each_word_once_and_never_alone() {
        for value in ["NEVER,SUCCESS", "SUCCESS,SUCCESS", "", "OFTEN", "SUCCESS,"] {
            assert!(RcptParameters::parse(&format!(" NOTIFY={value}")).is_err(), "{value}");
        }
    }

    #[test]
    fn unknown_keywords_and_wrong_values_are_told_apart() {
        assert_eq!(MailParameters::parse(" X=1"), Err(ParameterFault::Unknown("X".to_owned())));
        assert_eq!(MailParameters::parse(" SMTPUTF8=1"), Err(ParameterFault::Value("SMTPUTF8".to_owned())));
        assert_eq!(MailParameters::parse(" BODY=BINARYMIME"), Err(ParameterFault::Value("BODY".to_owned())));
        assert_eq!(MailParameters::parse(" AUTH=<>"), Ok(MailParameters::default()));
    }

    #[test]
    fn the_next_hop_is_told_only_what_it_understands() {
        let said = MailParameters::parse(" SIZE=1 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x").unwrap();
        assert_eq!(said.within(&Extensions::default()), MailParameters::default());
        let modern = Extensions { eight_bit_mime: true, smtputf8: true, dsn: true, ..Extensions::default() };
        assert_eq!(said.within(&modern), MailParameters { size: None, ..said.clone() });
    }

    proptest! {
        #[test]
        fn printing_and_reading_again_gives_the_same(envid in "[ -~]{1,100}", orcpt in "[a-z0-9]{1,9};[ -~é]{1,99}", success: bool, delay: bool) {
            let mail = MailParameters { envid: Some(envid), ..MailParameters::default() };
            prop_assert_eq!(MailParameters::parse(&mail.to_string()), Ok(mail));
            let notify = Notify::On { success, failure: true, delay };
            let rcpt = RcptParameters { notify, orcpt: Some(orcpt) };
            prop_assert_eq!(RcptParameters::parse(&rcpt.to_string()), Ok(rcpt));
        }
    }
}
