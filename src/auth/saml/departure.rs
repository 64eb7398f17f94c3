//! Signing out, between us and a provider (*Profiles for SAML V2.0* §4.4, *Core* §3.7): its words read, ours written.
//!
//! A provider's word ends sessions, so it is believed under the same conditions as an answer: plain XML, one signature of
//! the provider's own key over the whole, to us, just now, and never twice.

use chrono::{DateTime, SecondsFormat};
use quick_xml::escape::escape;
use samael::crypto::{Crypto, CryptoProvider, ReduceMode};
use samael::metadata::HTTP_REDIRECT_BINDING;
use serde::Deserialize;

use crate::accounts::Origin;
use crate::auth::saml::Us;
use crate::auth::saml::fence;
use crate::auth::saml::provider::{ALGORITHMS, ON_THE_WAY, Provider};
use crate::auth::saml::response::{Objection, millis};
use crate::base::clock::Timestamp;

/// Sessions that one word names at most.
const INDEXES_MAX: usize = 100;

/// A provider's word that somebody has signed out there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The provider's name in the settings.
    pub provider: String,
    /// What the word is called, for the answer.
    pub id: String,
    /// From when on the same word would not be believed any more.
    pub ends: Timestamp,
    /// Whom it names.
    pub name: String,
    /// Which sessions; none means all.
    pub indexes: Vec<String>,
}

#[derive(Deserialize)]
struct Word {
    #[serde(rename = "@ID")]
    id: String,
    #[serde(rename = "@IssueInstant")]
    issued: String,
    #[serde(rename = "@NotOnOrAfter")]
    ends: Option<String>,
    #[serde(rename = "Issuer")]
    issuer: Text,
    #[serde(rename = "NameID")]
    name: Text,
    #[serde(rename = "SessionIndex", default)]
    indexes: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "$text", default)]
    text: String,
}

/// By whom a word says that it is; nothing is believed yet.
pub(super) fn issuer(xml: &str, us: &Us) -> Result<String, Objection> {
    fence::look_at_sign_out(xml, &us.slo)?;
    Ok(word(xml)?.issuer.text)
}

fn word(xml: &str) -> Result<Word, Objection> {
    quick_xml::de::from_str(xml).map_err(|_| Objection::Malformed)
}

fn time(text: &str) -> Result<i64, Objection> {
    DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis()).map_err(|_| Objection::Malformed)
}

impl Provider {
    /// What this provider's word says, if it is this provider's.
    pub(super) fn departure(&self, xml: &str, us: &Us, now: Timestamp) -> Result<Departure, Objection> {
        let refused = || Objection::Refused("its signature is not the provider's".to_owned());
        let keys = self.samael.idp_signing_certs().ok().flatten().ok_or_else(refused)?;
        let mode = ReduceMode::ValidateAndMarkNoAncestors;
        let signed =
            Crypto::reduce_xml_to_signed_with_allowed_algorithms(xml, &keys, mode, Some(&ALGORITHMS))
                .map_err(|_| refused())?;
        // What was signed is the word itself, and not something in it.
        fence::look_at_sign_out(&signed, &us.slo)?;
        let word = word(&signed)?;
        if Some(&word.issuer.text) != self.samael.idp_metadata.entity_id.as_ref() {
            return Err(refused());
        }
        let skew = millis(self.settings.clock_skew);
        let (issued, now) = (time(&word.issued)?, now.millis());
        let last = issued.saturating_add(ON_THE_WAY.num_milliseconds()).saturating_add(skew);
        let has_ended = match &word.ends {
            Some(ends) => time(ends)?.saturating_add(skew) <= now,
            None => false,
        };
        if issued > now.saturating_add(skew) || last <= now || has_ended {
            return Err(Objection::Time);
        }
        if word.name.text.trim().is_empty() || word.indexes.len() > INDEXES_MAX {
            return Err(Objection::Nobody);
        }
        Ok(Departure {
            provider: self.settings.name.clone(),
            id: word.id,
            ends: Timestamp::from_millis(last),
            name: word.name.text.trim().to_owned(),
            indexes: word.indexes.into_iter().map(|index| index.text).collect(),
        })
    }

    /// Where a browser goes to sign out there too: with our word of it, called `id`. `None` where we have no key, the
    /// provider no place for it, or the session no name.
    pub(super) fn dismissal(&self, origin: &Origin, id: &str, us: &Us, now: Timestamp) -> Option<String> {
        let at = self.sign_out(false)?;
        let name = origin.name_id.as_ref()?;
        let format = name.format.as_ref().map(|format| format!(" Format=\"{}\"", escape(format)));
        let index = origin
            .index
            .as_ref()
            .map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(index)));
        let inside = format!(
            "<saml:NameID{}>{}</saml:NameID>{}",
            format.unwrap_or_default(),
            escape(&name.text),
            index.unwrap_or_default()
        );
        let xml = message("LogoutRequest", "", id, &at, &inside, us, now)?;
        self.seal.as_ref()?.address(&at, "SAMLRequest", &xml, "")
    }

    /// Where a browser goes with our answer, called `id`, that a sign-out was heeded. `None` as above.
    pub(super) fn heeded(
        &self,
        departure: &Departure,
        id: &str,
        relay_state: &str,
        us: &Us,
        now: Timestamp,
    ) -> Option<String> {
        let at = self.sign_out(true)?;
        let answers = format!(" InResponseTo=\"{}\"", escape(&departure.id));
        let inside = format!("<samlp:Status><samlp:StatusCode Value=\"{}\"/></samlp:Status>", fence::SUCCESS);
        let xml = message("LogoutResponse", &answers, id, &at, &inside, us, now)?;
        self.seal.as_ref()?.address(&at, "SAMLResponse", &xml, relay_state)
    }

    /// Its place for sign-outs; or for answers, which may be another (*Metadata* §2.2.2).
    pub(super) fn sign_out(&self, answers: bool) -> Option<String> {
        let roles = self.samael.idp_metadata.idp_sso_descriptors.iter().flatten();
        let place = roles
            .flat_map(|role| &role.single_logout_services)
            .find(|place| place.binding == HTTP_REDIRECT_BINDING)?;
        let answers = place.response_location.as_ref().filter(|_| answers);
        Some(answers.unwrap_or(&place.location).clone()).filter(|at| at.starts_with("https://"))
    }
}

fn message(
    name: &str,
    more: &str,
    id: &str,
    at: &str,
    inside: &str,
    us: &Us,
    now: Timestamp,
) -> Option<String> {
    let now = DateTime::from_timestamp_millis(now.millis())?.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (at, issuer) = (escape(at), escape(&us.entity_id));
    Some(format!(
        "<samlp:{name} xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" \
         Destination=\"{at}\"{more}><saml:Issuer>{issuer}</saml:Issuer>{inside}</samlp:{name}>"
    ))
}
