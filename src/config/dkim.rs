//! `[[dkim]]`: keys that sign mail (RFC 6376).

use std::path::PathBuf;

use crate::base::address::Domain;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};

/// A key that signs the mail of a domain (RFC 6376).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dkim {
    /// Whose mail: that of its addresses, and of those below it.
    pub domain: Domain,
    /// The key's name among those of the domain: labels, as of a domain.
    pub selector: Domain,
    /// The private key, PEM.
    pub key_file: PathBuf,
}

pub(super) fn keys(root: &mut Section<'_>) -> Option<Vec<Dkim>> {
    let keys = root.each("dkim", key)?;
    let mut names = Vec::new();
    for Dkim { domain, selector, .. } in &keys {
        if names.contains(&(domain, selector)) {
            let problem = format!("selector {selector} of {domain} is given twice");
            root.fault("dkim", problem, "Give every key of a domain a selector of its own.");
        }
        names.push((domain, selector));
    }
    Some(keys)
}

fn key(section: &mut Section<'_>) -> Option<Dkim> {
    let file = section.file();
    let domain = section.required("domain", "\"corp.example\"", units::domain);
    // A selector is made of labels, as a domain is (RFC 6376 §3.1).
    let selector = section.required("selector", "\"postern\"", |text| {
        units::domain(text).map_err(|_| {
            Wrong::new(
                format!("“{text}” is not a valid selector"),
                "Write letters, digits and hyphens, for example \"postern2026\".",
            )
        })
    });
    let key_file = section.required("key_file", "\"dkim/postern.pem\"", file);
    Some(Dkim { domain: domain?, selector: selector?, key_file: key_file? })
}
