//! What there is to say about a provider before anybody signs in there.

use std::cmp::Ordering;
use std::slice;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::x509::X509;

use crate::auth::saml::Saml;
use crate::auth::saml::provider::Provider;
use crate::base::clock::Timestamp;

/// So long before its end a certificate is spoken of.
const SOON: Duration = Duration::from_hours(24 * 30);

/// A provider, as its metadata describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name for itself.
    pub entity_id: String,
    /// What an administrator has to see to about its metadata, in words.
    pub objections: Vec<String>,
    /// The same about the key and the certificate that we sign with.
    pub seal_objections: Vec<String>,
}

impl Saml {
    /// What is to be said about each provider at this time. Certificates that have ended are no reason to refuse an
    /// answer (*Metadata Interoperability* §2.6.1: they only carry keys), but the provider will change them.
    #[must_use]
    pub fn about(&self, now: Timestamp) -> Vec<About> {
        self.providers.iter().map(|provider| provider.about(now)).collect()
    }
}

impl Provider {
    fn about(&self, now: Timestamp) -> About {
        let metadata = &self.samael.idp_metadata;
        let mut objections = Vec::new();
        if metadata.valid_until.is_some_and(|end| end.timestamp_millis() <= now.millis()) {
            objections.push("the metadata say themselves that they are out of date".to_owned());
        }
        let keys = self.samael.idp_signing_certs().ok().flatten().unwrap_or_default();
        let keys: Vec<_> = keys.iter().filter_map(|key| X509::from_der(key.der_data()).ok()).collect();
        objections.extend(ending("its last certificate for signing", &keys, now));
        if self.seal.is_some() && self.sign_out(false).is_none() {
            objections.push(
                "they name no SingleLogoutService with the HTTP-Redirect binding and an https address, so that \
                 signing out here cannot go on there"
                    .to_owned(),
            );
        }
        let ours = self.seal.as_ref().map(|seal| slice::from_ref(&seal.parsed)).unwrap_or_default();
        About {
            entity_id: metadata.entity_id.clone().unwrap_or_default(),
            objections,
            seal_objections: ending("our certificate", ours, now).into_iter().collect(),
        }
    }
}

/// That the last of these certificates is over, or will be soon. While keys roll over, the old one may be over: one that
/// goes on is enough.
fn ending(what: &str, certificates: &[X509], now: Timestamp) -> Option<String> {
    let last = certificates
        .iter()
        .map(|certificate| certificate.not_after())
        .max_by(|one, other| one.compare(other).unwrap_or(Ordering::Equal))?;
    let at = |time: Timestamp| Asn1Time::from_unix(time.millis() / 1000).ok();
    if *last <= *at(now)? {
        Some(format!("{what} ended on {last}"))
    } else if *last <= *at(now + SOON)? {
        Some(format!("{what} ends within 30 days, on {last}"))
    } else {
        None
    }
}
