//! One identity provider, as its metadata describe it.

use std::fs;
use std::io::Read;
use std::sync::Arc;

use chrono::TimeDelta;
use samael::crypto::AllowedSignatureAlgorithm as Algorithm;
use samael::metadata::{EntityDescriptor, HTTP_REDIRECT_BINDING};
use samael::service_provider::{ServiceProvider, ServiceProviderBuilder};
use thiserror::Error;

use crate::auth::saml::Us;
use crate::auth::saml::seal::Seal;
use crate::config;

/// Octets of a file of metadata. A federation's list of thousands of providers is no provider.
const METADATA_MAX: u64 = 1 << 20;

/// How long an answer may be on its way through the browser.
pub(super) const ON_THE_WAY: TimeDelta = TimeDelta::seconds(90);

/// Signatures that count. SHA-1 does not.
pub(super) const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RsaSha256,
    Algorithm::RsaSha384,
    Algorithm::RsaSha512,
    Algorithm::EcdsaSha256,
    Algorithm::EcdsaSha384,
    Algorithm::EcdsaSha512,
];

/// An identity provider that can be asked.
#[derive(Clone)]
pub(super) struct Provider {
    pub(super) settings: config::Saml,
    pub(super) samael: Arc<ServiceProvider>,
    /// Where browsers are sent to (HTTP-Redirect binding).
    pub(super) sign_on: String,
    /// What our sign-outs are signed with.
    pub(super) seal: Option<Arc<Seal>>,
}

/// Why a provider cannot be trusted, with the remedy.
#[derive(Debug, Error)]
#[error("saml {name}: {problem}")]
pub struct ProviderFault {
    /// The provider's name in the settings.
    pub name: String,
    /// Where.
    pub place: Place,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// Where the fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In its metadata.
    Metadata,
    /// In the key and the certificate that we sign with.
    Seal,
}

impl Provider {
    pub(super) fn load(settings: &config::Saml, us: &Us) -> Result<Self, ProviderFault> {
        let fault =
            |problem: String| ProviderFault { name: settings.name.clone(), place: Place::Metadata, problem };
        let path = settings.metadata.display();
        let text = read(settings).map_err(|error| fault(format!("{path} cannot be read ({error})")))?;
        if text.contains("<!DOCTYPE") {
            return Err(fault(format!("{path} has a DOCTYPE, which metadata do not need; remove it")));
        }
        let metadata: EntityDescriptor = samael::metadata::de::from_str(&text).map_err(|error| {
            fault(format!(
                "{path} is not the metadata of one identity provider ({error}); download it there again"
            ))
        })?;
        if metadata.entity_id.is_none() {
            return Err(fault(format!("{path} has no entityID")));
        }
        let skew = TimeDelta::from_std(settings.clock_skew).unwrap_or_default();
        let samael = ServiceProviderBuilder::default()
            .entity_id(us.entity_id.clone())
            .acs_url(us.acs.clone())
            .idp_metadata(metadata)
            .allow_idp_initiated(false)
            .allowed_signature_algorithms(ALGORITHMS.to_vec())
            .max_clock_skew(skew)
            .max_issue_delay(skew + ON_THE_WAY)
            .build()
            .map_err(|error| fault(error.to_string()))?;
        // Without a key samael would believe whatever comes, unsigned.
        match samael.idp_signing_certs() {
            Ok(Some(keys)) if !keys.is_empty() => {}
            Ok(_) => {
                return Err(fault(format!(
                    "{path} names no key for signing; without one nothing can be believed"
                )));
            }
            Err(error) => return Err(fault(format!("{path} names a key that cannot be read ({error})"))),
        }
        let sign_on = samael.sso_binding_location(HTTP_REDIRECT_BINDING).ok_or_else(|| {
            fault(format!(
                "{path} names no SingleSignOnService with the HTTP-Redirect binding; switch it on there"
            ))
        })?;
        if !sign_on.starts_with("https://") {
            return Err(fault(format!("{sign_on} is not an https address; passwords are typed there")));
        }
        let seal = settings.seal.as_ref().map(Seal::load).transpose();
        let seal =
            seal.map_err(|problem| ProviderFault { place: Place::Seal, ..fault(problem) })?.map(Arc::new);
        Ok(Self { settings: settings.clone(), samael: Arc::new(samael), sign_on, seal })
    }
}

fn read(settings: &config::Saml) -> std::io::Result<String> {
    let mut text = String::new();
    fs::File::open(&settings.metadata)?.take(METADATA_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > METADATA_MAX {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}
