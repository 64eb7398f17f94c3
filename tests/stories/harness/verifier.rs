//! A judge of DKIM signatures who had no part in making them: mail-auth, and a DNS that holds what it is told.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
};

/// Verifies signatures against the records it was given.
pub struct Verifier {
    authenticator: MessageAuthenticator,
    published: Published,
}

/// TXT records by their names.
struct Published(HashMap<Box<str>, Txt>);

impl Verifier {
    /// With these records published, by name and text.
    pub fn new(records: &[(String, String)]) -> Self {
        // It names no server, so that nothing is asked beyond the records.
        let config = ResolverConfig::from_name_servers(Vec::new());
        let nobody = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let record = |(name, text): &(String, String)| {
            let key = DomainKey::parse(text.as_bytes()).unwrap();
            (format!("{name}.").into_boxed_str(), Txt::from(key))
        };
        Self {
            authenticator: MessageAuthenticator(nobody.build().unwrap()),
            published: Published(records.iter().map(record).collect()),
        }
    }

    /// Its verdict on each signature, from the top: the selector, and `pass` or what is wrong.
    pub async fn verdicts(&self, message: &[u8]) -> Vec<String> {
        let message = AuthenticatedMessage::parse(message).expect("a message");
        let parameters = Parameters::new(&message).with_txt_cache(&self.published);
        let outputs = self.authenticator.verify_dkim(parameters).await;
        outputs.iter().map(verdict).collect()
    }
}

fn verdict(output: &DkimOutput<'_>) -> String {
    let selector = output.signature().map_or("none", |signature| &signature.s);
    match output.result() {
        DkimResult::Pass => format!("{selector}: pass"),
        other => format!("{selector}: {other:?}"),
    }
}

impl ResolverCache<Box<str>, Txt> for Published {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q>(&self, _name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _name: Box<str>, _record: Txt, _until: Instant) {}
}
