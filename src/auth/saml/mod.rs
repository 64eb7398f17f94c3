//! Single sign-on: an identity provider of the organisation vouches for a person (SAML 2.0 Web Browser SSO profile,
//! *Profiles for SAML V2.0* §4.1; redirect there, POST back).
//!
//! samael checks XML signatures and much of the rest; it fails open in places, and each of them is closed here:
//!
//! - What carries the answer is looked at before a signature is ([`fence`]): no DOCTYPE, no comments, one assertion, in
//!   clear, whole, to us, for our question, with success.
//! - A signature that asks for more than the element around it is not checked at all ([`signature`]).
//! - A provider whose metadata has no key to sign with is not taken ([`Provider::load`]), and SHA-1 signs nothing.
//! - Conditions, their end and their audience must be there, and fit by our own clock ([`response`]).
//! - An answer is good for one question, a question for one answer, one browser and ten minutes ([`requests`]). So
//!   nothing can be said to us twice, nor unasked, nor to a browser that did not ask.
//! - A sign-out is heeded by the same rules, and only once ([`sign_out`]).
//!
//! What comes out is a [`Vouched`]: who it is, in the provider's words. Whether such a person has an account, and what
//! they may do, is decided as for a person of the directory ([`sign_on`]).

mod departure;
mod fence;
mod provider;
pub mod report;
mod request;
pub mod requests;
mod response;
mod seal;
pub mod sign_on;
pub mod sign_out;
mod signature;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use quick_xml::escape::escape;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::accounts::Origin;
use crate::auth::saml::departure::Departure;
use crate::auth::saml::provider::Provider;
use crate::base::clock::Timestamp;
use crate::base::mailbox::Mailbox;
use crate::config;

pub use crate::auth::saml::fence::RESPONSE_MAX;
pub use crate::auth::saml::provider::ProviderFault;
pub use crate::auth::saml::response::Objection;

/// Answers that are looked at at once; each takes some milliseconds of one core, the largest that anybody sends a second.
const AT_ONCE: usize = 2;
/// The same for the words of sign-outs, which anybody may send: nobody who signs in waits for them.
const SIGN_OUTS_AT_ONCE: usize = 1;

/// The identity providers, and who we are to them. Cheap to clone.
#[derive(Clone)]
pub struct Saml {
    providers: Arc<[Provider]>,
    us: Arc<Us>,
    places: Arc<Semaphore>,
    sign_out_places: Arc<Semaphore>,
}

/// Who we are to an identity provider.
#[derive(Debug)]
struct Us {
    /// Our name, and where our metadata is.
    entity_id: String,
    /// Where answers are posted to: the assertion consumer service.
    acs: String,
    /// Where sign-outs are posted to: the single logout service.
    slo: String,
}

/// Somebody for whom an identity provider vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The mail address, and the display name if it was told.
    pub mailbox: Mailbox,
    /// The groups, as they are called there.
    pub groups: Vec<String>,
    /// The session there.
    pub origin: Origin,
}

/// Why there is nobody.
#[derive(Debug, Error)]
pub enum Failure {
    /// No such provider is configured.
    #[error("there is no identity provider of this name")]
    Unknown,
    /// The answer was not believed.
    #[error(transparent)]
    Objection(#[from] Objection),
    /// The looking itself broke down; then nobody is believed either.
    #[error("the answer could not be looked at")]
    Broken,
}

impl Saml {
    /// Reads the metadata of every provider. `public_url` is ours (`web.public_url`).
    ///
    /// # Errors
    /// The first provider that cannot be trusted, and why.
    pub fn load(providers: &[config::Saml], public_url: &str) -> Result<Self, ProviderFault> {
        let us = Us {
            entity_id: format!("{public_url}/saml/metadata"),
            acs: format!("{public_url}/saml/acs"),
            slo: format!("{public_url}/saml/slo"),
        };
        let providers =
            providers.iter().map(|provider| Provider::load(provider, &us)).collect::<Result<_, _>>()?;
        let (places, sign_out_places) = (Semaphore::new(AT_ONCE), Semaphore::new(SIGN_OUTS_AT_ONCE));
        Ok(Self {
            providers,
            us: Arc::new(us),
            places: Arc::new(places),
            sign_out_places: Arc::new(sign_out_places),
        })
    }

    /// The settings of a provider.
    #[must_use]
    pub fn settings(&self, name: &str) -> Option<&config::Saml> {
        self.provider(name).map(|provider| &provider.settings)
    }

    /// Our own metadata (*Metadata for the OASIS SAML V2.0* §2.4.4), for whoever sets up a provider.
    #[must_use]
    pub fn metadata(&self) -> String {
        let seals = self.providers.iter().filter_map(|provider| provider.seal.as_ref());
        self.us.metadata(&seals.map(|seal| seal.certificate.as_str()).collect())
    }

    /// Where the browser is to go with the question `id`. `None` where there is no such provider.
    #[must_use]
    pub fn question(&self, name: &str, id: &str) -> Option<String> {
        self.provider(name)?.question(id).ok()
    }

    /// Who it is, by an answer to the question `id`: `encoded` is the form's field `SAMLResponse` (*Bindings for SAML
    /// V2.0* §3.5.4).
    ///
    /// # Errors
    /// [`Failure`]; then it is nobody.
    pub async fn vouched(
        &self,
        name: &str,
        id: &str,
        encoded: String,
        now: Timestamp,
    ) -> Result<Vouched, Failure> {
        let provider = self.provider(name).ok_or(Failure::Unknown)?.clone();
        let id = id.to_owned();
        in_turn(&self.places, move || Ok(provider.vouched(&id, &encoded, now)?)).await
    }

    /// What a provider's word of a sign-out says: `encoded` is the form's field `SAMLRequest`.
    ///
    /// # Errors
    /// [`Failure`]; then it says nothing.
    async fn departure(&self, encoded: String, now: Timestamp) -> Result<Departure, Failure> {
        let saml = self.clone();
        in_turn(&self.sign_out_places, move || {
            let xml = response::decoded(&encoded)?;
            let issuer = departure::issuer(&xml, &saml.us)?;
            let provider = saml
                .providers
                .iter()
                .find(|provider| provider.samael.idp_metadata.entity_id.as_ref() == Some(&issuer))
                .ok_or(Failure::Unknown)?;
            Ok(provider.departure(&xml, &saml.us, now)?)
        })
        .await
    }

    /// Where the browser goes to sign out at the provider too.
    fn dismissal(&self, origin: &Origin, id: &str, now: Timestamp) -> Option<String> {
        self.provider(&origin.provider)?.dismissal(origin, id, &self.us, now)
    }

    /// Where the browser goes with our answer to a word.
    fn heeded(&self, departure: &Departure, id: &str, relay_state: &str, now: Timestamp) -> Option<String> {
        self.provider(&departure.provider)?.heeded(departure, id, relay_state, &self.us, now)
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.settings.name == name)
    }
}

/// Waits for a place and works there. Whoever loses interest meanwhile does not free it before the work is done, so that
/// there are never more at once. A panic ends the work, and is nobody.
async fn in_turn<T: Send + 'static>(
    places: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let place = Arc::clone(places).acquire_owned().await.map_err(|_| Failure::Broken)?;
    let working = spawn_blocking(move || {
        let _place = place;
        work()
    });
    working.await.map_err(|_| Failure::Broken)?
}

impl Us {
    fn metadata(&self, certificates: &BTreeSet<&str>) -> String {
        let (entity_id, acs, slo) = (escape(&self.entity_id), escape(&self.acs), escape(&self.slo));
        let keys = certificates.iter().fold(String::new(), |keys, certificate| {
            keys + "    <KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\
                    <X509Data><X509Certificate>"
                + certificate
                + "</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\n"
        });
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\">\n\
             \x20 <SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\">\n\
             {keys}\
             \x20   <SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
             Location=\"{slo}\"/>\n\
             \x20   <NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>\n\
             \x20   <AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
             Location=\"{acs}\" index=\"0\" isDefault=\"true\"/>\n\
             \x20 </SPSSODescriptor>\n\
             </EntityDescriptor>\n"
        )
    }
}
