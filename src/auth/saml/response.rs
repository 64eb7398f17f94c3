//! The answer: whether it is believed, and whom it names.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use samael::schema::{Assertion, Conditions};
use thiserror::Error;

use crate::accounts::{NameId, Origin};
use crate::auth::saml::Vouched;
use crate::auth::saml::fence::{self, RESPONSE_MAX};
use crate::auth::saml::provider::Provider;
use crate::base::address::Address;
use crate::base::clock::Timestamp;
use crate::base::mailbox::Mailbox;

/// Groups that are looked at of one person.
const GROUPS_MAX: usize = 2000;

/// Why an answer is not believed: for the journal, not for the person, who may be the one who made it.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Objection {
    /// More than [`RESPONSE_MAX`].
    #[error("it is too large")]
    TooLarge,
    /// Not base64, not UTF-8, not XML, or XML with what no provider writes.
    #[error("it is not a plain SAML response")]
    Malformed,
    /// The provider says that it did not work.
    #[error("the provider answers with the status {0}")]
    Status(String),
    /// None, or more than one.
    #[error("it has {0} assertions, not one")]
    Assertions(usize),
    /// Encrypted, which we do not read.
    #[error("the assertion is encrypted; switch the encryption of assertions off at the provider")]
    Encrypted,
    /// To somebody else.
    #[error("it is addressed to somebody else")]
    Destination,
    /// To another question, or to none.
    #[error("it does not answer the question that this browser carried")]
    AnotherQuestion,
    /// Signature, issuer, recipient or times.
    #[error("{0}")]
    Refused(String),
    /// Without conditions, or without an end.
    #[error("it says neither for whom nor until when it holds")]
    Unconditional,
    /// For somebody else.
    #[error("it is meant for another service; is our entity id set up at the provider?")]
    Audience,
    /// Not now.
    #[error("it does not hold now; are both clocks right?")]
    Time,
    /// Nobody has signed in.
    #[error("it does not say that somebody has signed in")]
    NoSignIn,
    /// A sign-out of nobody, or of somebody in a form that we do not read.
    #[error("it names nobody who has signed out; is encryption on at the provider?")]
    Nobody,
    /// Whoever it is has no mail address there.
    #[error("it has no mail address in the attribute “{0}”")]
    NoAddress(String),
}

impl Provider {
    /// Who it is, by the answer to the question `id`.
    pub(super) fn vouched(&self, id: &str, encoded: &str, now: Timestamp) -> Result<Vouched, Objection> {
        let xml = decoded(encoded)?;
        let acs = self.samael.acs_url.as_deref().unwrap_or_default();
        fence::look(&xml, acs, id)?;
        let assertion = self
            .samael
            .parse_xml_response(&xml, Some(&[id]))
            .map_err(|fault| Objection::Refused(fault.to_string()))?;
        self.is_for_us_now(&assertion, now)?;
        self.read(&assertion)
    }

    /// What samael does not insist on.
    fn is_for_us_now(&self, assertion: &Assertion, now: Timestamp) -> Result<(), Objection> {
        let Some(Conditions {
            not_before,
            not_on_or_after: Some(end),
            audience_restrictions: Some(audiences),
            ..
        }) = &assertion.conditions
        else {
            return Err(Objection::Unconditional);
        };
        // Core §2.5.1.4: each restriction must name us.
        let us = self.samael.entity_id.as_ref();
        if audiences.is_empty()
            || !audiences.iter().all(|audience| audience.audience.iter().any(|name| Some(name) == us))
        {
            return Err(Objection::Audience);
        }
        let skew = self.settings.clock_skew;
        let has_begun = |at: i64| at <= now.millis().saturating_add(millis(skew));
        let begins = not_before.map_or(i64::MIN, |begin| begin.timestamp_millis());
        let has_ended = end.timestamp_millis().saturating_add(millis(skew)) <= now.millis();
        if !has_begun(begins) || !has_begun(assertion.issue_instant.timestamp_millis()) || has_ended {
            return Err(Objection::Time);
        }
        // Profiles §4.1.4.2: it must have one; else it only describes somebody.
        if assertion.authn_statements.as_ref().is_none_or(Vec::is_empty) {
            return Err(Objection::NoSignIn);
        }
        Ok(())
    }

    fn read(&self, assertion: &Assertion) -> Result<Vouched, Objection> {
        let name_id = assertion.subject.as_ref().and_then(|subject| subject.name_id.as_ref());
        let address = match &self.settings.mail {
            Some(mail) => values(assertion, mail).next().map(str::to_owned),
            None => name_id.map(|name_id| name_id.value.clone()),
        };
        let origin = Origin {
            provider: self.settings.name.clone(),
            name_id: name_id.map(|name_id| NameId {
                text: name_id.value.trim().to_owned(),
                format: name_id.format.clone(),
            }),
            index: assertion.authn_statements.iter().flatten().find_map(|made| made.session_index.clone()),
        };
        let named = || self.settings.mail.clone().unwrap_or_else(|| "NameID".to_owned());
        let address = address.and_then(|text| Address::parse(text.trim()).ok());
        let name = values(assertion, &self.settings.display_name).next().unwrap_or_default();
        Ok(Vouched {
            mailbox: Mailbox::named(name, address.ok_or_else(|| Objection::NoAddress(named()))?),
            groups: values(assertion, &self.settings.groups).take(GROUPS_MAX).map(str::to_owned).collect(),
            origin,
        })
    }
}

/// The values of an attribute, by its name or its friendly name.
fn values<'a>(assertion: &'a Assertion, name: &'a str) -> impl Iterator<Item = &'a str> {
    let statements = assertion.attribute_statements.iter().flatten();
    statements
        .flat_map(|statement| &statement.attributes)
        .filter(move |attribute| {
            attribute.name.as_deref() == Some(name) || attribute.friendly_name.as_deref() == Some(name)
        })
        .flat_map(|attribute| &attribute.values)
        .filter_map(|value| value.value.as_deref())
}

/// The XML in a field of a provider's form.
pub(super) fn decoded(encoded: &str) -> Result<String, Objection> {
    if encoded.len() > RESPONSE_MAX {
        return Err(Objection::TooLarge);
    }
    // Browsers send what stood in the form, with the line ends that some providers put in.
    let plain: String = encoded.split_ascii_whitespace().collect();
    let octets = STANDARD.decode(plain).map_err(|_| Objection::Malformed)?;
    String::from_utf8(octets).map_err(|_| Objection::Malformed)
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
