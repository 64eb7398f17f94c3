use std::fs;

use rustls::HandshakeKind;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const LONG: Duration = Duration::from_secs(10);

/// A folder with `ca.pem`, `cert.pem` and `key.pem`, made for these names.
struct Folder(TempDir);

impl Folder {
    fn with_certificate_for(names: &[&str]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.renew(names);
        folder
    }

    fn renew(&self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let made = self_made(&names).unwrap();
        fs::write(self.path("ca.pem"), made.ca).unwrap();
        fs::write(self.path("cert.pem"), made.certificate).unwrap();
        fs::write(self.path("key.pem"), made.key).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn server(&self) -> ServerTls {
        ServerTls::load(&self.path("cert.pem"), &self.path("key.pem"), &[]).unwrap()
    }

    fn client(&self) -> ClientTls {
        ClientTls::load(Some(&self.path("ca.pem"))).unwrap()
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, server) = tokio::join!(client, listener.accept());
    (client.unwrap(), server.unwrap().0)
}

/// Both ends after a handshake that the client verifies.
async fn verified(
    server: &ServerTls,
    client: &ClientTls,
    host: &str,
) -> (io::Result<Stream>, io::Result<Stream>) {
    let (near, far) = pair().await;
    tokio::join!(client.verified(near, host, LONG), server.accept(far, LONG))
}

/// The client's end after a handshake that it does not verify.
async fn unverified(server: ServerTls, host: &str) -> io::Result<Stream> {
    let client = ClientTls::load(None).unwrap();
    let (near, far) = pair().await;
    tokio::join!(client.opportunistic(near, host, LONG), server.accept(far, LONG)).0
}

async fn is_verified(server: &ServerTls, client: &ClientTls, host: &str) -> bool {
    verified(server, client, host).await.0.is_ok()
}

#[tokio::test]
async fn both_sides_talk_and_name_what_they_speak() {
    let folder = Folder::with_certificate_for(&["mail.corp.example", "127.0.0.1"]);
    let (near, far) = verified(&folder.server(), &folder.client(), "mail.corp.example").await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap());

    assert_eq!(near.tls_version(), far.tls_version());
    assert!(near.tls_version().unwrap().starts_with("TLSv1.3 TLS_"), "{:?}", near.tls_version());
    assert!(near.is_write_vectored() && far.is_write_vectored());

    let pieces = [io::IoSlice::new(b"EHLO "), io::IoSlice::new(b"here\r\n")];
    assert_eq!(near.write_vectored(&pieces).await.unwrap(), 11);
    near.shutdown().await.unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "EHLO here\r\n");
}

#[tokio::test]
async fn a_server_is_held_to_its_name_and_its_authority() {
    let folder = Folder::with_certificate_for(&["mail.corp.example", "127.0.0.1"]);
    let (server, client) = (folder.server(), folder.client());
    assert!(is_verified(&server, &client, "127.0.0.1").await);
    assert!(!is_verified(&server, &client, "other.example").await);

    let stranger = Folder::with_certificate_for(&["mail.corp.example"]);
    assert!(!is_verified(&stranger.server(), &client, "mail.corp.example").await);
    assert!(!is_verified(&server, &ClientTls::load(None).unwrap(), "mail.corp.example").await);
}

#[tokio::test]
async fn a_certificate_can_be_judged_without_a_network() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let (server, client) = (folder.server(), folder.client());
    client.judge(&server, "mail.corp.example").await.unwrap();
    let fault = client.judge(&server, "other.example").await.unwrap_err();
    assert!(fault.to_string().contains("mail.corp.example"), "{fault}");
    let fault = ClientTls::load(None).unwrap().judge(&server, "mail.corp.example").await.unwrap_err();
    assert!(fault.to_string().contains("UnknownIssuer"), "{fault}");
}

#[tokio::test]
async fn between_strangers_any_certificate_will_do() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let near = unverified(folder.server(), "other.example").await.unwrap();
    assert!(near.tls_version().is_some());
}

#[tokio::test]
async fn even_between_strangers_a_server_must_have_the_key_of_its_certificate() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let other = Folder::with_certificate_for(&["mail.corp.example"]);
    let server = folder.server();
    let key = PrivateKeyDer::from_pem_file(other.path("key.pem")).unwrap();
    let stolen = CertifiedKey::new(
        read_chain(&folder.path("cert.pem")).unwrap(),
        aws_lc_rs::sign::any_supported_type(&key).unwrap(),
    );
    server.certificate.current.store(Arc::new(stolen));
    let error = unverified(server, "mail.corp.example").await.unwrap_err();
    assert!(error.to_string().contains("BadSignature"), "{error}");
}

#[tokio::test]
async fn a_new_certificate_is_live_at_once_and_a_broken_one_never() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let (server, before) = (folder.server(), folder.client());

    folder.renew(&["mail.corp.example"]);
    let after = folder.client();
    assert!(is_verified(&server, &before, "mail.corp.example").await);
    server.clone().reload().unwrap();
    assert!(is_verified(&server, &after, "mail.corp.example").await);

    fs::write(folder.path("cert.pem"), "half a certif").unwrap();
    assert!(server.reload().is_err());
    assert!(is_verified(&server, &after, "mail.corp.example").await);
}

#[tokio::test]
async fn a_second_visit_resumes_the_session_of_the_first() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let (server, client) = (folder.server(), folder.client());
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let (near, far) = verified(&server, &client, "mail.corp.example").await;
        let (mut near, mut far) = (near.unwrap(), far.unwrap());
        // The ticket comes with the first octets after the handshake.
        far.write_all(b"220").await.unwrap();
        far.flush().await.unwrap();
        near.read_exact(&mut [0; 3]).await.unwrap();
        let Stream::ClientTls(tls) = near else { panic!("not a client") };
        kinds.push(tls.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(kinds[1], HandshakeKind::Resumed, "{kinds:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_left() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let (_silent, far) = pair().await;
    let error = folder.server().accept(far, Duration::from_millis(10)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn faulty_files_are_named_with_what_is_wrong() {
    let folder = Folder::with_certificate_for(&["mail.corp.example"]);
    let other = Folder::with_certificate_for(&["mail.corp.example"]);
    let words = |chain: PathBuf, key: PathBuf| ServerTls::load(&chain, &key, &[]).unwrap_err().to_string();

    assert!(words(folder.path("cert.pem"), other.path("key.pem")).contains("it is not the key of"));
    assert!(words(folder.path("key.pem"), folder.path("key.pem")).contains("it holds no certificate"));
    assert!(words(folder.path("cert.pem"), folder.path("ca.pem")).contains("it holds no private key"));
    assert!(words(folder.path("none.pem"), folder.path("key.pem")).contains("none.pem"));
    assert!(ClientTls::load(Some(&folder.path("none.pem"))).is_err());
}
