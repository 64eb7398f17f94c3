//! Attacks that were tried on the pages; `docs/security.md` lists them all, each with the test that holds it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::{SOON, Served};
use super::*;

const KIM: &str = "kim@partner.example";
const ANA: &str = "ana@corp.example";

#[tokio::test]
async fn no_form_does_anything_without_its_hidden_field() {
    let house = House::new();
    house.account(Kind::Guest, KIM).await;
    house.account(Kind::Staff, ANA).await;
    let (id, link) = house.invite("lee@partner.example").await;
    let link = link.reveal();
    let everything = ["name", "password", "new", "address", "language", "days", "next"];
    let fields: Vec<_> = everything.into_iter().map(|name| (name, "1")).collect();
    let of_visitors =
        [&format!("/i/{link}"), "/sign-in", "/forgotten", &format!("/reset/{link}"), "/password-advice"];
    let of_guests = [
        "/account/name",
        "/account/password",
        "/account/language",
        "/account/sign-out-everywhere",
        "/account/delete",
        "/account/password-advice",
        "/sign-out",
    ];
    let one = format!("/invitations/{id}");
    let of_staff = ["resend", "withdraw", "extend", "address"].map(|button| format!("{one}/{button}"));
    let mut visitor = house.browser();
    visitor.get("/sign-in").await;
    let (mut kim, mut ana) = (house.signed_in(KIM).await, house.signed_in(ANA).await);
    for path in of_visitors {
        assert_eq!(visitor.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in of_guests {
        assert_eq!(kim.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in &of_staff {
        assert_eq!(ana.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // Nor with the field that somebody else was given.
    let other = kim.get("/account").await.form();
    for path in &of_staff {
        let with_other: Vec<_> = fields.iter().copied().chain([("form", other.as_str())]).collect();
        assert_eq!(ana.post(path, &with_other).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    kim.get("/account").await.says(StatusCode::OK, KIM);
    assert!(matches!(house.state(id), State::Sent(_)));
    assert!(house.queue.is_empty());
}

#[tokio::test]
async fn what_people_write_is_text_on_every_page() {
    let house = House::new();
    house.account(Kind::Staff, ANA).await;
    house.account(Kind::Guest, KIM).await;
    let evil = "\"><script>alert(1)</script>";
    let (id, link) = house.invite("lee@partner.example").await;
    let mut ana = house.signed_in(ANA).await;
    let mut kim = house.signed_in(KIM).await;
    kim.fill_in("/account", "/account/name", &[("name", evil)]).await.leads_to("/account?name");
    let one = format!("/invitations/{id}");
    let pages = [
        kim.get("/account").await,
        kim.get("/dropoff").await,
        ana.get(&format!("/invitations?search={}", encoded(evil))).await,
        ana.fill_in("/account", "/account/name", &[("name", &evil.repeat(9))]).await,
        house.browser().fill_in("/sign-in", "/sign-in", &[("address", evil), ("password", "x")]).await,
        house.browser().fill_in("/forgotten", "/forgotten", &[("address", evil)]).await,
        house.browser().get(&format!("/sign-in?next={}", encoded(evil))).await,
        house.browser().get(&format!("/i/{}", encoded(evil))).await,
        ana.get(&one).await,
    ];
    for page in pages {
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
    }
    let named = kim.get("/account").await;
    named.says(StatusCode::OK, "&lt;script&gt;alert(1)&lt;");
    let typed = [("name", evil), ("password", "x")];
    let path = format!("/i/{}", link.reveal());
    let refused = house.browser().fill_in(&path, &path, &typed).await;
    refused.says(StatusCode::UNPROCESSABLE_ENTITY, "&lt;script&gt;");
    assert!(!refused.text.contains("<script>alert"));
}

#[tokio::test]
async fn no_answer_and_no_link_follows_the_host_that_a_request_names() {
    let house = House::new();
    let evil = |path: &str| {
        request(Method::GET, path).header("host", "evil.example").header("x-forwarded-host", "evil.example")
    };
    for path in ["/", "/dropoff", "/sign-in", "/account", "/nowhere"] {
        let page = house.browser().send(evil(path), Body::empty()).await;
        let place = page.header(LOCATION);
        assert!(place.is_empty() || place.starts_with('/'), "{path}: {place}");
        assert!(!page.text.contains("evil.example"), "{path}");
    }
    // Nor does a link in a mail: it is the organisation's own.
    house.account(Kind::Guest, KIM).await;
    let mut browser = house.browser();
    let form = browser.get("/forgotten").await.form();
    let asked = request(Method::POST, "/forgotten")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let fields = format!("address={}&form={}", encoded(KIM), encoded(&form));
    browser.send(asked, Body::from(fields)).await.says(StatusCode::OK, "If there is an account");
    let (to, text) = house.next_mail().await;
    assert_eq!(to, KIM);
    assert!(text.contains("\nhttps://postern.corp.example/reset/"), "{text}");
    assert!(!text.contains("evil.example"), "{text}");
}

/// What comes back for these octets until the connection ends or nothing more is said.
async fn said(served: &Served, alpn: &[u8], octets: &[u8]) -> Vec<u8> {
    let mut stream = served.connect(alpn).await;
    // The other side may have hung up meanwhile.
    let _ = stream.write_all(octets).await;
    let mut said = Vec::new();
    let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "the connection is still open");
    said
}

#[tokio::test]
async fn a_request_that_two_servers_may_read_differently_is_none() {
    let served = Served::new(Duration::from_millis(300)).await;
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for head in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "X: a\r\n Content-Length: 5\r\n",
    ] {
        let request = format!("POST /sign-in HTTP/1.1\r\nHost: localhost\r\n{head}\r\n0\r\n\r\n{smuggled}");
        let answer =
            String::from_utf8_lossy(&said(&served, b"http/1.1", request.as_bytes()).await).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{head}: {answer}");
    }
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET https://localhost/` in HPACK (RFC 7541 §6): three of the static table, and the authority.
const ROOT: &[u8] = b"\x82\x87\x84\x41\x09localhost";

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let served = Served::new(SOON).await;
    let mut flood = PREFACE.to_vec();
    for number in 0..20_000_u32 {
        let stream = number * 2 + 1;
        flood.extend(frame(1, 5, stream, ROOT));
        flood.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let answer = said(&served, b"h2", &flood).await;
    assert!(answer.len() < 1 << 20, "{} octets came back: all were answered", answer.len());
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let served = Served::new(SOON).await;
    let mut flood = [PREFACE, &frame(1, 0, 1, ROOT)].concat();
    // Literal fields of 100 octets each, never indexed, and no END_HEADERS.
    let field = [&b"\x10\x01x\x60"[..], &[b'y'; 96]].concat();
    for _ in 0..4_000 {
        flood.extend(frame(9, 0, 1, &field.repeat(10)));
    }
    let answer = said(&served, b"h2", &flood).await;
    assert!(answer.windows(9).any(|head| head[3] == 7 || head[3] == 3), "neither GOAWAY nor RST_STREAM");
}

/// The names of all functions below a folder.
fn functions(folder: &std::path::Path, found: &mut std::collections::BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let names = source.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(ToOwned::to_owned));
        }
    }
}

#[test]
fn every_attack_that_is_listed_has_its_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = std::collections::BTreeSet::new();
    for folder in ["src", "tests"] {
        functions(&root.join(folder), &mut known);
    }
    let list = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let rows: Vec<_> =
        list.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack")).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let held_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let tests: Vec<_> = held_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{row}");
        for test in tests {
            assert!(known.contains(test), "there is no test {test}: {row}");
        }
    }
}
