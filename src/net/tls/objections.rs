//! What strangers would have against a certificate, and we against a stranger's.

use std::time::Duration;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

use crate::base::clock::Timestamp;
use crate::net::tls::{ServerTls, provider};

/// Whether a server's certificate (DER) has ended at this time. What cannot be read has not.
#[must_use]
pub fn has_ended(certificate: &[u8], at: Timestamp) -> bool {
    let certificate = CertificateDer::from(certificate);
    let leaf = ParsedCertificate::try_from(&certificate);
    leaf.is_ok_and(|leaf| dated(&leaf, &[], at) == Some("it has expired"))
}

/// What is wrong with the dates of a certificate at this time.
fn dated(
    leaf: &ParsedCertificate<'_>,
    issuers: &[CertificateDer<'_>],
    at: Timestamp,
) -> Option<&'static str> {
    let since_epoch = Duration::from_millis(u64::try_from(at.millis()).unwrap_or_default());
    // The dates come first; with no authority to trust, all that is well dated ends at its issuer.
    let verified = verify_server_cert_signed_by_trust_anchor(
        leaf,
        &RootCertStore::empty(),
        issuers,
        UnixTime::since_unix_epoch(since_epoch),
        provider().signature_verification_algorithms.all,
    );
    let Err(Error::InvalidCertificate(fault)) = verified else { return None };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some("it has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Some("it is not valid yet")
        }
        _ => None,
    }
}

impl ServerTls {
    /// Why clients that check would refuse the certificate at this time under these names, in words. Who issued it is not
    /// looked at: an organisation's own authority is as good as a public one to those who trust it.
    #[must_use]
    pub fn objections(&self, names: &[&str], now: Timestamp) -> Vec<String> {
        let current = self.certificate.current.load();
        let Some((leaf, issuers)) = current.cert.split_first() else { return Vec::new() };
        let leaf = match ParsedCertificate::try_from(leaf) {
            Ok(leaf) => leaf,
            Err(fault) => return vec![format!("it cannot be read: {fault}")],
        };
        let mut objections: Vec<_> = dated(&leaf, issuers, now).map(str::to_owned).into_iter().collect();
        let is_for = |name: &str| {
            ServerName::try_from(name).is_ok_and(|name| verify_server_name(&leaf, &name).is_ok())
        };
        objections
            .extend(names.iter().filter(|name| !is_for(name)).map(|name| format!("it is not for {name}")));
        objections
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::base::clock::{Clock, SystemClock};
    use crate::net::tls::self_made;

    #[test]
    fn names_and_dates_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let made = self_made(&["mail.corp.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        fs::write(&certificate, made.certificate).unwrap();
        fs::write(&key, made.key).unwrap();
        let server = ServerTls::load(&certificate, &key, &[]).unwrap();

        let now = SystemClock.now();
        assert_eq!(server.objections(&["mail.corp.example", "127.0.0.1"], now), [""; 0]);
        let names = ["mail.corp.example", "portal.corp.example"];
        assert_eq!(server.objections(&names, now), ["it is not for portal.corp.example"]);
        let long = Duration::from_hours(24 * 365 * 200);
        assert_eq!(server.objections(&names[..1], now + long), ["it has expired"]);
        assert_eq!(server.objections(&names[..1], Timestamp::from_millis(0)), ["it is not valid yet"]);
    }
}
