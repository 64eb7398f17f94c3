//! The question that a browser carries to the provider.

use thiserror::Error;

use crate::auth::saml::provider::Provider;

/// The question could not be written down.
#[derive(Debug, Error)]
#[error("the question could not be written down")]
pub(super) struct Unwritten;

impl Provider {
    /// The address with the question in it (*Bindings for SAML V2.0* §3.4.4.1, DEFLATE). Nothing is put into
    /// RelayState: where the person wanted to go is kept with the question.
    pub(super) fn question(&self, id: &str) -> Result<String, Unwritten> {
        let mut request = self.samael.make_authentication_request(&self.sign_on).map_err(|_| Unwritten)?;
        // samael's own has 32 bits.
        id.clone_into(&mut request.id);
        let address = request.redirect("").map_err(|_| Unwritten)?.ok_or(Unwritten)?;
        Ok(address.into())
    }
}
