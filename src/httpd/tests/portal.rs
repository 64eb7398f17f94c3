//! From a guest's form to a colleague's disk.

use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG,
    IF_NONE_MATCH, RANGE,
};

use super::*;

pub(super) const KIM: &str = "kim@partner.example";
pub(super) const ANA: &str = "ana@corp.example";

/// A part of a form: the field, for a file its name, and the octets.
type Field<'a> = (&'a str, Option<&'a str>, &'a [u8]);

impl Browser {
    /// Sends a form with files, as a browser writes it.
    pub(super) async fn post_files(&mut self, path: &str, fields: &[Field<'_>]) -> Page {
        let mut body = Vec::new();
        for (name, filename, octets) in fields {
            let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(octets);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b--\r\n");
        let request = request(Method::POST, path).header(CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send(request, Body::from(body)).await
    }

    /// Sends two files to Ana; gives the path of the package as she has it.
    pub(super) async fn leave(&mut self) {
        let form = self.get("/dropoff").await.form();
        let fields: &[Field] = &[
            ("form", None, form.as_bytes()),
            ("to", None, ANA.as_bytes()),
            ("subject", None, b"Plans <b>"),
            ("message", None, b"Here."),
            ("files", Some("plan \u{e9}.pdf"), b"0123456789"),
            ("files", Some("notes.txt"), b"noted"),
        ];
        self.post_files("/dropoff", fields).await.leads_to("/dropoff/sent?sent");
    }

    /// The first link of this page that begins so.
    pub(super) async fn link(&mut self, page: &str, start: &str) -> String {
        let page = self.get(page).await;
        let (_, rest) = page.text.split_once(&format!("href=\"{start}")).expect("a link");
        format!("{start}{}", rest.split('"').next().unwrap())
    }
}

/// A house with Kim outside and Ana inside, and the browsers of both.
pub(super) async fn two() -> (House, Browser, Browser) {
    let house = House::new();
    house.account(Kind::Guest, KIM).await;
    house.account(Kind::Staff, ANA).await;
    let (kim, ana) = (house.signed_in(KIM).await, house.signed_in(ANA).await);
    (house, kim, ana)
}

#[tokio::test]
async fn a_plain_form_brings_files_from_a_guest_to_a_colleague_and_the_guest_sees_who_has_them() {
    let (_house, mut kim, mut ana) = two().await;
    kim.leave().await;
    let sent = kim.get("/dropoff/sent?sent").await;
    sent.says(StatusCode::OK, "on its way");
    sent.says(StatusCode::OK, "Plans &lt;b&gt;");
    // printf 0123456789 | sha256sum
    sent.says(StatusCode::OK, "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882");
    sent.says(StatusCode::OK, "Not yet picked up by");

    let place = ana.link("/received", "/received/").await;
    ana.get(&place).await.says(StatusCode::OK, "Here.");
    let file = ana.get(&format!("{place}/files/0")).await;
    file.says(StatusCode::OK, "0123456789");
    assert_eq!(file.header(CONTENT_LENGTH), "10");
    assert_eq!(
        file.header(CONTENT_DISPOSITION),
        "attachment; filename=\"plan _.pdf\"; filename*=UTF-8''plan%20%C3%A9.pdf"
    );
    assert!(file.header(CONTENT_SECURITY_POLICY).starts_with("sandbox; default-src 'none'"));
    assert_eq!(file.header(CONTENT_TYPE), "application/octet-stream");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    kim.get("/dropoff/sent").await.says(StatusCode::OK, "Picked up by Ana");

    let zip = ana.get(&format!("{place}/zip")).await;
    assert_eq!((zip.status, zip.header(CONTENT_TYPE)), (StatusCode::OK, "application/zip"));
    assert!(zip.text.starts_with("PK\u{3}\u{4}"));
    kim.get("/dropoff/sent").await.says(StatusCode::OK, "<span class=\"badge good\">Picked up</span>");
}

#[tokio::test]
async fn looking_at_what_arrived_picks_nothing_up() {
    let (_house, mut kim, mut ana) = two().await;
    kim.leave().await;
    let place = ana.link("/received", "/received/").await;
    let head = ana.head(&format!("{place}/files/0")).await;
    assert_eq!((head.status, head.header(CONTENT_LENGTH), head.text.as_str()), (StatusCode::OK, "10", ""));
    let head = ana.head(&format!("{place}/zip")).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_ne!(head.header(CONTENT_LENGTH), "0");
    let known = request(Method::GET, &format!("{place}/files/0")).header(IF_NONE_MATCH, "*");
    assert_eq!(ana.send(known, Body::empty()).await.status, StatusCode::NOT_MODIFIED);
    let sent = kim.get("/dropoff/sent").await;
    assert!(!sent.text.contains("Picked up"), "{}", sent.text);
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let (_house, mut kim, mut ana) = two().await;
    kim.leave().await;
    let place = format!("{}/files/0", ana.link("/received", "/received/").await);
    let whole = ana.get(&place).await;
    assert_eq!(whole.header(ACCEPT_RANGES), "bytes");
    for (range, status, said, octets) in [
        ("bytes=4-", StatusCode::PARTIAL_CONTENT, "bytes 4-9/10", "456789"),
        ("bytes=-3", StatusCode::PARTIAL_CONTENT, "bytes 7-9/10", "789"),
        ("bytes=0-3", StatusCode::PARTIAL_CONTENT, "bytes 0-3/10", "0123"),
        ("bytes=0-1,5-6", StatusCode::OK, "", "0123456789"),
    ] {
        let page = ana.send(request(Method::GET, &place).header(RANGE, range), Body::empty()).await;
        assert_eq!(
            (page.status, page.header(CONTENT_RANGE), page.text.as_str()),
            (status, said, octets),
            "{range}"
        );
        assert_eq!(page.header(ETAG), whole.header(ETAG));
    }
    let beyond = ana.send(request(Method::GET, &place).header(RANGE, "bytes=10-"), Body::empty()).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header(CONTENT_RANGE), "bytes */10");
}

#[tokio::test]
async fn nobody_reaches_what_is_not_theirs() {
    let (house, mut kim, mut ana) = two().await;
    house.account(Kind::Staff, "ben@corp.example").await;
    house.account(Kind::Guest, "lee@partner.example").await;
    kim.leave().await;
    let place = ana.link("/received", "/received/").await;
    let mut ben = house.signed_in("ben@corp.example").await;
    for below in ["", "/files/0", "/zip"] {
        let path = format!("{place}{below}");
        assert_eq!(ben.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(kim.get(&path).await.status, StatusCode::FORBIDDEN, "{path}");
        house.browser().get(&path).await.leads_to(&format!("/sign-in?next={path}"));
    }
    let form = ben.get("/received").await.form();
    for verb in ["delete", "forward"] {
        let page = ben.post(&format!("{place}/{verb}"), &[("form", &form), ("to", "ben@corp.example")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{verb}");
    }
    let id = place.rsplit('/').next().unwrap();
    let mut lee = house.signed_in("lee@partner.example").await;
    assert_eq!(lee.get(&format!("/dropoff/{id}")).await.status, StatusCode::NOT_FOUND);
    assert!(!lee.get("/dropoff/sent").await.text.contains("Plans"));
    for missing in ["/received/x", "/received/x/files/0", "/dropoff/x", "/dropoff/sent?older=x"] {
        let mut browser = if missing.starts_with("/received") {
            house.signed_in(ANA).await
        } else {
            house.signed_in(KIM).await
        };
        assert_eq!(browser.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn a_colleague_gets_what_is_forwarded_and_keeps_it_when_it_is_deleted_elsewhere() {
    let (house, mut kim, mut ana) = two().await;
    house.account(Kind::Staff, "ben@corp.example").await;
    kim.leave().await;
    let place = ana.link("/received", "/received/").await;
    let forward = format!("{place}/forward");
    for (to, words) in [
        ("kim@partner.example", "not an address of a colleague"),
        ("ana@corp.example", "has these files already"),
        ("nobody", "nobody"),
    ] {
        let page = ana.fill_in(&place, &forward, &[("to", to)]).await;
        page.says(StatusCode::UNPROCESSABLE_ENTITY, words);
        page.says(StatusCode::UNPROCESSABLE_ENTITY, &format!("value=\"{to}\""));
    }
    ana.fill_in(&place, &forward, &[("to", "ben@corp.example")])
        .await
        .leads_to(&format!("{place}?forwarded"));
    ana.fill_in(&place, &format!("{place}/delete"), &[]).await.leads_to("/received?deleted");
    assert_eq!(ana.get(&place).await.status, StatusCode::NOT_FOUND);
    let mut ben = house.signed_in("ben@corp.example").await;
    ben.get(&place).await.says(StatusCode::OK, "Forwarded by");
    ben.get(&format!("{place}/files/1")).await.says(StatusCode::OK, "noted");
    // To whom it went inside is no concern of the guest's.
    assert!(!kim.get("/dropoff/sent").await.text.contains("ben@"));
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_and_sent_is_kept() {
    let (_house, mut kim, _ana) = two().await;
    let form = kim.get("/dropoff").await.form();
    let fields: &[Field] = &[
        ("form", None, form.as_bytes()),
        ("to", None, ANA.as_bytes()),
        ("subject", None, b" "),
        ("message", None, b"Typed with care"),
        ("files", Some("plan.pdf"), b"0123456789"),
    ];
    let page = kim.post_files("/dropoff", fields).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "Please enter a subject.");
    page.says(StatusCode::UNPROCESSABLE_ENTITY, ">Typed with care</textarea>");

    let words: &[Field] =
        &[("form", None, form.as_bytes()), ("to", None, ANA.as_bytes()), ("subject", None, b"Plans")];
    let page = kim.post_files("/dropoff", &[words, &[("files", Some(""), b"")]].concat()).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "Please add at least one file.");
    let other: &[Field] =
        &[("form", None, form.as_bytes()), ("to", None, b"eve@corp.example"), ("subject", None, b"Plans")];
    kim.post_files("/dropoff", other)
        .await
        .says(StatusCode::UNPROCESSABLE_ENTITY, "You cannot send to eve@corp.example");

    // The second file has no name that could be kept; the first is there already and need not be sent again.
    let files: &[Field] = &[("files", Some("good.txt"), b"good"), ("files", Some(".."), b"bad")];
    let page = kim.post_files("/dropoff", &[words, files].concat()).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "no name that could be kept");
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "good.txt");
    let (_, rest) = page.text.split_once("action=\"/dropoff/").unwrap();
    let begun = format!("/dropoff/{}", rest.split(['/', '"']).next().unwrap());
    kim.get("/dropoff").await.says(StatusCode::OK, &format!("href=\"{begun}\""));
    kim.post(&format!("{begun}/remove"), &[("form", &form), ("file", "0")]).await.leads_to(&begun);
    let files: &[Field] = &[("files", Some("better.txt"), b"better")];
    kim.post_files(&begun, &[words, files].concat()).await.leads_to("/dropoff/sent?sent");
    kim.get(&begun).await.leads_to("/dropoff/sent");
}

#[tokio::test]
async fn a_form_with_files_is_believed_as_little_as_any_other() {
    let (_house, mut kim, mut ana) = two().await;
    let form = kim.get("/dropoff").await.form();
    let words: &[Field] =
        &[("to", None, ANA.as_bytes()), ("subject", None, b"Plans"), ("files", Some("a.txt"), b"a")];
    assert_eq!(kim.post_files("/dropoff", words).await.status, StatusCode::FORBIDDEN);
    let wrong: &[Field] = &[("form", None, b"0123456789abcdefghjkmnpqrs")];
    assert_eq!(kim.post_files("/dropoff", &[wrong, words].concat()).await.status, StatusCode::FORBIDDEN);
    // The field must come before the files: nothing is kept on credit.
    let right: &[Field] = &[("form", None, form.as_bytes())];
    assert_eq!(kim.post_files("/dropoff", &[words, right].concat()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ana.post_files("/dropoff", &[right, words].concat()).await.status, StatusCode::FORBIDDEN);
    let foreign = request(Method::POST, "/dropoff")
        .header(CONTENT_TYPE, "multipart/form-data; boundary=b")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(kim.send(foreign, Body::from("--b--")).await.status, StatusCode::FORBIDDEN);
    let page = kim.post("/dropoff", &[("form", &form)]).await;
    assert_eq!(page.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(kim.get("/dropoff/sent").await.text.contains("Nothing has been sent yet"));
}

#[tokio::test]
async fn a_discarded_drop_off_is_gone() {
    let (_house, mut kim, _ana) = two().await;
    let form = kim.get("/dropoff").await.form();
    let words: &[Field] =
        &[("form", None, form.as_bytes()), ("to", None, ANA.as_bytes()), ("subject", None, b"Plans")];
    let begun = kim.post_files("/dropoff/begin", words).await;
    assert_eq!((begun.status, begun.header(CONTENT_TYPE)), (StatusCode::CREATED, "application/json"));
    let id: serde_json::Value = serde_json::from_str(&begun.text).unwrap();
    let place = format!("/dropoff/{}", id["id"].as_str().unwrap());
    kim.get(&place).await.says(StatusCode::OK, "Discard this drop-off");
    kim.post(&format!("{place}/discard"), &[("form", &form)]).await.leads_to("/dropoff");
    assert_eq!(kim.get(&place).await.status, StatusCode::NOT_FOUND);

    let refused = kim.post_files("/dropoff/begin", &words[..1]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        refused.text,
        r#"{"to":"Please choose at least one person to send to.","subject":null,"message":null,"files":null}"#
    );
}
