//! Certificates, and the two sides of a handshake. TLS 1.2 and later, by rustls with aws-lc-rs (RFC 8446, RFC 5246).

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::net::stream::Stream;

mod objections;

pub use crate::net::tls::objections::has_ended;

/// The server's side. Its certificate can be replaced while it runs. Cheap to clone; all clones share the certificate.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    certificate: Arc<Certificate>,
}

/// The client's side: verified, or merely encrypted. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls {
    verified: Arc<ClientConfig>,
    opportunistic: Arc<ClientConfig>,
}

/// A certificate for the demo and for tests, as PEM texts.
pub struct SelfMade {
    /// The authority's certificate, for the client to trust. Its key was forgotten: it signs nothing else.
    pub ca: String,
    /// The server's certificate.
    pub certificate: String,
    /// The server's private key.
    pub key: String,
}

/// Why certificates cannot be used.
#[derive(Debug, Error)]
pub enum TlsFault {
    /// A file cannot be read, or does not hold what it should.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// rustls refused the settings.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
    /// No certificate could be made for these names.
    #[error("a certificate cannot be made")]
    Making(#[from] rcgen::Error),
}

/// The certificate in force, and the files it came from.
struct Certificate {
    chain_file: PathBuf,
    key_file: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl ServerTls {
    /// Reads certificate chain and key (PEM). `alpn`: the protocols of the web, best first; none for SMTP.
    ///
    /// # Errors
    /// [`TlsFault::File`] if a file is not there, holds nothing of the kind, or the two do not belong together.
    pub fn load(certificate: &Path, key: &Path, alpn: &[&[u8]]) -> Result<Self, TlsFault> {
        let current = ArcSwap::from_pointee(read_certificate(certificate, key)?);
        let certificate =
            Arc::new(Certificate { chain_file: certificate.into(), key_file: key.into(), current });
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        // Sessions resume by tickets that the client keeps (RFC 8446 §2.2): the server remembers nothing.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// The same certificate, also after a reload, for a listener that agrees on other protocols by ALPN (RFC 7301).
    #[must_use]
    pub fn speaking(&self, alpn: &[&[u8]]) -> Self {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = alpn.iter().map(|&protocol| protocol.to_owned()).collect();
        Self { config: Arc::new(config), certificate: Arc::clone(&self.certificate) }
    }

    /// Reads the files again. Handshakes from now on use what they hold; if they are faulty, the old one stays.
    ///
    /// # Errors
    /// As [`ServerTls::load`].
    pub fn reload(&self) -> Result<(), TlsFault> {
        let fresh = read_certificate(&self.certificate.chain_file, &self.certificate.key_file)?;
        self.certificate.current.store(Arc::new(fresh));
        Ok(())
    }

    /// Does the server's part of the handshake.
    ///
    /// # Errors
    /// The peer's fault in words, or [`io::ErrorKind::TimedOut`].
    pub async fn accept(&self, tcp: TcpStream, within: Duration) -> io::Result<Stream> {
        let handshake = TlsAcceptor::from(Arc::clone(&self.config)).accept(tcp);
        Ok(Stream::ServerTls(Box::new(in_time(handshake, within).await?)))
    }
}

impl ClientTls {
    /// Trusts the system's authorities, and those in `trust` (PEM) besides.
    ///
    /// A system without authorities is no fault here: then nothing but `trust` verifies.
    ///
    /// # Errors
    /// [`TlsFault::File`] if `trust` cannot be read or holds no certificate.
    pub fn load(trust: Option<&Path>) -> Result<Self, TlsFault> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in system.errors {
            tracing::warn!(%error, "some of the system's certificate authorities cannot be read");
        }
        roots.add_parsable_certificates(system.certs);
        if let Some(path) = trust {
            for certificate in read_chain(path)? {
                roots.add(certificate).map_err(|error| file_fault(path, &error))?;
            }
        }
        let provider = provider();
        let unverified = Arc::new(Unverified { algorithms: provider.signature_verification_algorithms });
        let verified = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Each configuration has its own memory of sessions: one that was never verified is not resumed as verified.
        let opportunistic = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(unverified)
            .with_no_client_auth();
        Ok(Self { verified: Arc::new(verified), opportunistic: Arc::new(opportunistic) })
    }

    /// What other libraries need to hold a server to its name as this client does.
    #[must_use]
    pub fn verifying(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.verified)
    }

    /// Does the client's part of the handshake and holds the server to its name (RFC 9525).
    ///
    /// # Errors
    /// What did not verify, or [`io::ErrorKind::TimedOut`].
    pub async fn verified(&self, tcp: TcpStream, host: &str, within: Duration) -> io::Result<Stream> {
        handshake(&self.verified, tcp, host, within).await
    }

    /// Encrypts without asking who the server is: what mail between strangers can have (RFC 7435, RFC 3207 §4.1).
    ///
    /// # Errors
    /// The server's fault in words, or [`io::ErrorKind::TimedOut`].
    pub async fn opportunistic(&self, tcp: TcpStream, host: &str, within: Duration) -> io::Result<Stream> {
        handshake(&self.opportunistic, tcp, host, within).await
    }

    /// Whether this client would take a server's certificate for a host: its name, its dates, its chain. Tried
    /// between the two, without a network.
    ///
    /// # Errors
    /// What did not verify.
    pub async fn judge(&self, server: &ServerTls, host: &str) -> io::Result<()> {
        let (near, far) = tokio::io::duplex(16 * 1024);
        let client = TlsConnector::from(Arc::clone(&self.verified)).connect(server_name(host)?, near);
        let server = TlsAcceptor::from(Arc::clone(&server.config)).accept(far);
        let (verdict, _) = tokio::join!(client, server);
        verdict.map(drop)
    }
}

async fn handshake(
    config: &Arc<ClientConfig>,
    tcp: TcpStream,
    host: &str,
    within: Duration,
) -> io::Result<Stream> {
    let handshake = TlsConnector::from(Arc::clone(config)).connect(server_name(host)?, tcp);
    Ok(Stream::ClientTls(Box::new(in_time(handshake, within).await?)))
}

fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

async fn in_time<T>(handshake: impl Future<Output = io::Result<T>>, within: Duration) -> io::Result<T> {
    tokio::time::timeout(within, handshake)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long"))?
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read_certificate(chain_file: &Path, key_file: &Path) -> Result<CertifiedKey, TlsFault> {
    let chain = read_chain(chain_file)?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => file_fault(key_file, &"it holds no private key"),
        other => file_fault(key_file, &other),
    })?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            file_fault(key_file, &format!("it is not the key of {}", chain_file.display()))
        }
        other => file_fault(chain_file, &other),
    })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file_fault(path, &error))?;
    if chain.is_empty() {
        return Err(file_fault(path, &"it holds no certificate"));
    }
    Ok(chain)
}

fn file_fault(path: &Path, problem: &dyn fmt::Display) -> TlsFault {
    TlsFault::File { path: path.to_owned(), problem: problem.to_string() }
}

/// Makes an authority, and a server certificate for these host names and IP addresses. Both last a year.
///
/// # Errors
/// [`TlsFault::Making`] if a name cannot stand in a certificate.
pub fn self_made(names: &[String]) -> Result<SelfMade, TlsFault> {
    let mut authority = params(Vec::new(), "Postern, self-made authority")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut server = params(names.to_vec(), "Postern, self-made certificate")?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &authority)?;
    Ok(SelfMade { ca: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() })
}

/// Valid from yesterday, for clocks that go wrong, and for a year: browsers refuse longer lives.
fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams, TlsFault> {
    const DAY: Duration = Duration::from_hours(24);
    let now = std::time::SystemTime::now();
    let mut params = CertificateParams::new(names)?;
    params.not_before = (now - DAY).into();
    params.not_after = (now + 365 * DAY).into();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}

/// Takes any certificate, and still demands that the server has its key.
#[derive(Debug)]
struct Unverified {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain_file", &self.chain_file).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

impl fmt::Debug for SelfMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfMade").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
