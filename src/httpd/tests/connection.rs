//! The server itself, over TLS on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::httpd::router::{bounded, framed};
use crate::httpd::{ALPN, Patience, serve};
use crate::net::lifecycle::Lifecycle;
use crate::net::listener::Listener;
use crate::net::throttle::Gate;
use crate::net::tls::{SelfMade, ServerTls, self_made};

/// Long enough for anything on loopback, short enough to wait for its end.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// A served house.
pub(super) struct Served {
    address: SocketAddr,
    ca: String,
    lifecycle: Lifecycle,
    _house: House,
}

impl Served {
    pub(super) async fn new(request_time: Duration) -> Self {
        let house = House::new();
        let router = house.router.clone();
        Self::with(house, router, Patience::new(request_time)).await
    }

    async fn with(house: House, router: Router, patience: Patience) -> Self {
        let SelfMade { ca, certificate, key } = self_made(&["localhost".to_owned()]).unwrap();
        let folder = house.folder.path();
        fs::write(folder.join("chain.pem"), certificate).unwrap();
        fs::write(folder.join("key.pem"), key).unwrap();
        let tls = ServerTls::load(&folder.join("chain.pem"), &folder.join("key.pem"), ALPN).unwrap();
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), Gate::new(10, 10)).await.unwrap();
        let (address, lifecycle) = (listener.address(), Lifecycle::new());
        lifecycle.spawn("web", serve(listener, tls, router, patience, lifecycle.clone()));
        Self { address, ca, lifecycle, _house: house }
    }

    pub(super) async fn connect(&self, alpn: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap()
    }
}

#[tokio::test]
async fn http_1_is_served_over_tls_and_a_stop_closes_what_is_idle() {
    let served = Served::new(SOON).await;
    let mut stream = served.connect(b"http/1.1").await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut octets = vec![0; 2048];
    let mut answer = String::new();
    while !answer.ends_with("ok\n") {
        let read = stream.read(&mut octets).await.unwrap();
        assert_ne!(read, 0, "{answer}");
        answer.push_str(std::str::from_utf8(&octets[..read]).unwrap());
    }
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    served.lifecycle.stop();
    assert_eq!(served.lifecycle.finished(SOON).await, Vec::<String>::new());
    // The server said good-bye; it may have left without TLS's own.
    assert_eq!(stream.read(&mut octets).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn http_2_is_served_where_the_handshake_agrees_on_it() {
    let served = Served::new(SOON).await;
    let mut stream = served.connect(b"h2").await;
    // RFC 9113 §3.4: the preface and an empty SETTINGS frame; the server's first frame is SETTINGS (type 4) too.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4);
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let served = Served::new(Duration::from_millis(100)).await;
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for (alpn, said) in [
        (&b"http/1.1"[..], &b""[..]),
        (b"http/1.1", b"GET"),
        (b"h2", b""),
        (b"h2", b"PRI * HT"),
        (b"h2", preface),
    ] {
        let mut stream = served.connect(alpn).await;
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "the connection is still open: {alpn:?} {said:?}");
    }
}

/// Ten pieces, one after the other, of 64 KiB each.
fn slowly(pause: Duration) -> Response {
    let piece = move |number: u8| async move {
        tokio::time::sleep(pause).await;
        (number < 10).then_some((Ok::<_, std::io::Error>(vec![number; 65536]), number + 1))
    };
    Response::new(Body::from_stream(futures_util::stream::unfold(0, piece)))
}

#[tokio::test]
async fn a_file_takes_as_long_as_its_octets_move_however_old_the_connection_is() {
    let tenth = Duration::from_millis(10);
    let router = Router::new().route("/file", axum::routing::get(async move || slowly(tenth)));
    let patience = Patience { request_time: tenth * 3, stall: SOON, age: tenth * 2 };
    let served = Served::with(House::new(), router, patience).await;
    let mut stream = served.connect(b"http/1.1").await;
    stream.write_all(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut octets = Vec::new();
    // The connection was asked to end long before.
    let _ = stream.read_to_end(&mut octets).await;
    assert!(octets.len() > 10 * 65536 && octets.ends_with(b"0\r\n\r\n"), "{}", octets.len());
}

#[tokio::test]
async fn who_stops_taking_a_file_is_let_go() {
    let gone = CancellationToken::new();
    let sent = gone.clone();
    // A file without end, which tells when nobody sends it any more.
    let file = async move || {
        let guard = sent.clone().drop_guard();
        Body::from_stream(futures_util::stream::repeat_with(move || {
            let _kept = &guard;
            Ok::<_, std::io::Error>(vec![0; 65536])
        }))
    };
    let router = Router::new().route("/file", axum::routing::get(file));
    let patience = Patience { request_time: SOON, stall: Duration::from_millis(50), age: SOON * 10 };
    let served = Served::with(House::new(), router, patience).await;
    let mut stream = served.connect(b"http/1.1").await;
    stream.write_all(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 16]).await.unwrap();
    assert!(tokio::time::timeout(SOON, gone.cancelled()).await.is_ok(), "it is still being sent");
}

async fn broken() -> &'static str {
    panic!("on purpose")
}

#[tokio::test]
async fn a_page_that_takes_too_long_or_breaks_is_told_as_a_page() {
    let house = House::new();
    let pages = Router::new()
        .route("/slow", axum::routing::get(std::future::pending::<()>))
        .route("/broken", axum::routing::get(broken));
    let slow = framed(bounded(pages, 10, Duration::from_millis(10)), house.pages.clone());
    let mut browser = Browser { router: slow, cookies: BTreeMap::new() };
    browser.get("/slow").await.says(StatusCode::REQUEST_TIMEOUT, "That took too long");
    browser.get("/broken").await.says(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here");
}
