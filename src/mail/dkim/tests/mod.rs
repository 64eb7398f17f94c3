use aws_lc_rs::signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm};

use super::*;
use crate::mail::dkim::key::KeyFault;
use crate::mail::dkim::key::RecordFault;
use crate::mail::field::Field;

#[path = "../../../../tests/stories/harness/verifier.rs"]
mod verifier;

use verifier::Verifier;

/// A hundred years: the verifier knows the world's time only.
const LIFETIME: Duration = Duration::from_hours(100 * 365 * 24);
const NOW: Timestamp = Timestamp::from_millis(1_795_527_600_123);

/// RFC 8463 appendix A.3; its body is that of RFC 6376 appendix A.2.
const STANDARD_MAIL: &str = include_str!("rfc8463.eml");

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn pem(algorithm: &'static SignatureAlgorithm) -> String {
    KeyPair::generate_for(algorithm).unwrap().serialize_pem()
}

fn key(of: &str, selector: &str, algorithm: &'static SignatureAlgorithm) -> Key {
    Key::from_pem(domain(of), domain(selector), pem(algorithm).as_bytes()).unwrap()
}

/// Signs by these keys, and the verifier to whom they are published.
fn signer(keys: Vec<Key>) -> (Signer, Verifier) {
    let records: Vec<_> = keys.iter().map(|key| (key.record_name(), key.record().unwrap())).collect();
    (Signer::new(keys, LIFETIME), Verifier::new(&records))
}

/// A copy as it leaves.
fn signed(signer: &Signer, mail: &str, edits: Vec<Edit>, author: &str) -> String {
    let original = Bytes::copy_from_slice(mail.as_bytes());
    let header = &mail[..mail.find("\r\n\r\n").unwrap() + 4];
    let edits = Edits::new(edits).unwrap();
    let author = domain(author);
    let edits = signer.signed(&original, header.as_bytes(), edits, &[&author], NOW).unwrap();
    let copy = Edited::new(&original, &edits);
    String::from_utf8(copy.read(0..copy.len()).unwrap().to_vec()).unwrap()
}

/// The signatures of a mail, from the top.
fn signatures(header: &str) -> Vec<Field<'_>> {
    fields(header.as_bytes()).filter(|field| field.is(signature::NAME)).collect()
}

#[test]
fn the_signatures_of_the_standard_verify() {
    let body_at = STANDARD_MAIL.find("\r\n\r\n").unwrap() + 4;
    let (header, body) = STANDARD_MAIL.split_at(body_at);
    let mut hash = BodyHash::new();
    hash.feed(body.as_bytes());
    let hash = STANDARD.encode(hash.finish());

    let public = |text: &str| STANDARD.decode(text).unwrap();
    let ed25519 = UnparsedPublicKey::new(&ED25519, public("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
    let rsa = UnparsedPublicKey::new(
        &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        public(
            "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/\
             byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT\
             +l/K4w3QIDAQAB",
        ),
    );
    let found = signatures(header);
    assert_eq!(found.len(), 2);
    for field in found {
        assert_eq!(tags::value(field.value, "bh").unwrap(), hash);
        let names: Vec<String> =
            tags::value(field.value, "h").unwrap().split(':').map(str::to_owned).collect();
        let value = String::from_utf8(field.value.to_vec()).unwrap();
        let unsigned = &value[..value.rfind("b=").unwrap() + 2];
        let canonical = canonical_header(header.as_bytes(), &names, unsigned.as_bytes());
        let signature = public(&tags::value(field.value, "b").unwrap());
        match tags::value(field.value, "a").as_deref() {
            Some("rsa-sha256") => rsa.verify(&canonical, &signature).unwrap(),
            Some("ed25519-sha256") => {
                // RFC 8463 §3, and A.2: the same key makes the very same signature.
                let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &canonical);
                ed25519.verify(hash.as_ref(), &signature).unwrap();
                assert_eq!(
                    standard_key("football.example.com", "brisbane").sign(&canonical).unwrap(),
                    signature
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

/// RFC 8463 appendix A.1, as OpenSSL would write it: PKCS #8 without the public half (RFC 8410 §7).
fn standard_key(of: &str, selector: &str) -> Key {
    let seed = STANDARD.decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").unwrap();
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = STANDARD.encode([head.as_slice(), &seed].concat());
    let text = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    Key::from_pem(domain(of), domain(selector), text.as_bytes()).unwrap()
}

#[test]
fn a_signature_is_written_in_lines_that_people_can_read() {
    let signer =
        Signer::new(vec![standard_key("football.example.com", "brisbane")], Duration::from_hours(12 * 24));
    let mail =
        "Received: by a\r\nTo: suzie@shopping.example.net\r\nFrom: joe@football.example.com\r\n\r\nHi.\r\n";
    insta::assert_snapshot!(signed(&signer, mail, Vec::new(), "football.example.com").replace("\r\n\t", "\n"), @"
    DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
    d=football.example.com; s=brisbane; t=1795527600; x=1796564400;
    h=From:From:Reply-To:To:To:Cc:Subject:Date:Message-ID;
    bh=UrA8rmgY3eNBotmDWtzAmHyn5RyZv8Gea45sNGsP0zw=;
    b=e0JDxgb02R+ZyxNgQ8ogR4puwnqRocXVI6ZhbdetAfm0hmD6Xp1OwaCzimLAmuPi
    2tmSD4ptPfDY7hj++EZ8DQ==
    Received: by a
    To: suzie@shopping.example.net
    From: joe@football.example.com

    Hi.
    ");
}

#[tokio::test]
async fn every_key_of_the_domain_signs_and_others_do_not() {
    let keys = vec![
        key("corp.example", "rsa", &PKCS_RSA_SHA256),
        key("corp.example", "ed", &PKCS_ED25519),
        key("east.corp.example", "east", &PKCS_ED25519),
        key("other.example", "other", &PKCS_ED25519),
    ];
    let (signer, verifier) = signer(keys);
    let mail = "From: a@corp.example\r\nSubject: x\r\n\r\nHi.\r\n";
    let verdicts = verifier.verdicts(signed(&signer, mail, Vec::new(), "corp.example").as_bytes()).await;
    assert_eq!(verdicts, ["rsa: pass", "ed: pass"]);
    let verdicts = verifier.verdicts(signed(&signer, mail, Vec::new(), "east.corp.example").as_bytes()).await;
    assert_eq!(verdicts, ["rsa: pass", "ed: pass", "east: pass"]);
    for author in ["evilcorp.example", "example", "corp.example.org"] {
        assert_eq!(signed(&signer, mail, Vec::new(), author), mail, "{author}");
    }
}

#[tokio::test]
async fn nothing_that_a_reader_sees_can_be_added_or_changed() {
    let (signer, verifier) = signer(vec![key("corp.example", "a", &PKCS_ED25519)]);
    let mail = "From: a@corp.example\r\nSubject: x\r\nContent-Type: text/plain\r\n\r\nHi.\r\n";
    let sent = signed(&signer, mail, Vec::new(), "corp.example");
    assert_eq!(verifier.verdicts(sent.as_bytes()).await, ["a: pass"]);

    let on_the_way = format!("Return-Path: <a@corp.example>\r\nReceived: by b\r\nX-Spam: no\r\n{sent}");
    assert_eq!(verifier.verdicts(on_the_way.as_bytes()).await, ["a: pass"]);
    let refolded = sent.replace("Subject: x", "SUBJECT:\r\n\tx ").replace("Hi.", "Hi. \t");
    assert_eq!(verifier.verdicts(refolded.as_bytes()).await, ["a: pass"]);

    for changed in [
        format!("Subject: y\r\n{sent}"),
        format!("From: b@corp.example\r\n{sent}"),
        format!("Reply-To: b@evil.example\r\n{sent}"),
        format!("Content-Type: text/html\r\n{sent}"),
        sent.replace("Hi.", "Ho."),
        sent.clone() + "More.\r\n",
    ] {
        let verdicts = verifier.verdicts(changed.as_bytes()).await;
        assert!(verdicts.len() == 1 && verdicts[0] != "a: pass", "{verdicts:?}\n{changed}");
    }
}

#[tokio::test]
async fn a_signature_of_ours_is_kept_while_it_holds_and_goes_when_it_breaks() {
    let keys = vec![key("corp.example", "a", &PKCS_ED25519), key("corp.example", "b", &PKCS_ED25519)];
    let (signer, verifier) = signer(keys);
    let foreign = "DKIM-Signature: v=1; d=other.example; s=a; b=AbC\r\n";
    let mail = format!("{foreign}From: a@corp.example\r\nSubject: x\r\n\r\nHi.\r\n");
    let once = signed(&signer, &mail, Vec::new(), "corp.example");
    assert_eq!(signatures(&once).len(), 3);
    assert_eq!(signed(&signer, &once, Vec::new(), "corp.example"), once);

    let at = once.find("Hi.").unwrap() as u64;
    let twice = signed(&signer, &once, vec![Edit::insert(at, "Hello. ")], "corp.example");
    assert!(twice.contains(foreign), "{twice}");
    assert_eq!(signatures(&twice).len(), 3, "{twice}");
    assert!(signatures(&twice)[0].range.start == 0, "the signature is the first field:\n{twice}");
    let verdicts = verifier.verdicts(twice.as_bytes()).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.ends_with(": pass")).count(), 2, "{verdicts:?}");

    let by_nobody = signed(&signer, &once, vec![Edit::insert(at, "Hello. ")], "elsewhere.example");
    assert_eq!(signatures(&by_nobody).len(), 1, "{by_nobody}");
}

#[tokio::test]
async fn a_copy_longer_than_what_is_read_at_once_is_signed_whole() {
    let (signer, verifier) = signer(vec![key("corp.example", "a", &PKCS_ED25519)]);
    let subject = "word ".repeat(60_000);
    for mail in [
        format!("From: a@corp.example\r\nSubject: x\r\n\r\n{}", "All work and no play.\r\n".repeat(40_000)),
        format!(
            "From: a@corp.example\r\nSubject: {}\r\n\r\nHi.\r\n",
            subject.replace("word word ", "word\r\n word ")
        ),
        // The chunk ends in the middle of the empty line.
        format!("From: a@corp.example\r\nX: {}\r\n\r\nHi.\r\n", "y".repeat(256 * 1024 - 28)),
    ] {
        assert!(mail.len() > 256 * 1024);
        let sent = signed(&signer, &mail, Vec::new(), "corp.example");
        assert_eq!(verifier.verdicts(sent.as_bytes()).await, ["a: pass"]);
    }
}

#[test]
fn keys_are_read_in_every_usual_form_and_refused_in_words() {
    let read = |text: &str| Key::from_pem(domain("a.example"), domain("b"), text.as_bytes());
    assert_eq!(read(&pem(&PKCS_RSA_SHA256)).unwrap().algorithm(), "rsa-sha256");
    assert_eq!(read(&pem(&PKCS_ED25519)).unwrap().algorithm(), "ed25519-sha256");
    let fault = |text: &str| read(text).err();
    assert_eq!(fault(&pem(&PKCS_ECDSA_P256_SHA256)), Some(KeyFault::Unusable));
    assert_eq!(fault(""), Some(KeyFault::NoKey));
    assert_eq!(fault(&pem(&PKCS_ED25519).replace("PRIVATE", "ENCRYPTED PRIVATE")), Some(KeyFault::NoKey));
    assert_eq!(fault(include_str!("short.pem")), Some(KeyFault::Short));
    // PKCS #8 is PKCS #1 with 26 octets in front (RFC 5208 §5).
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_der();
    let bare = STANDARD.encode(&rsa[26..]);
    let bare = format!("-----BEGIN RSA PRIVATE KEY-----\n{bare}\n-----END RSA PRIVATE KEY-----\n");
    assert_eq!(read(&bare).unwrap().algorithm(), "rsa-sha256");
}

#[test]
fn a_record_is_compared_with_its_key() {
    let rsa = key("corp.example", "a", &PKCS_RSA_SHA256);
    let record = rsa.record().unwrap();
    let check = |records: &[&str]| {
        rsa.check(&records.iter().map(|record| record.as_bytes().to_vec()).collect::<Vec<_>>())
    };
    let public = record.split("p=").nth(1).unwrap();
    assert_eq!(check(&[&record]), Ok(()));
    assert_eq!(check(&[&format!("p={public}")]), Ok(()));
    assert_eq!(check(&[&format!("v=DKIM1; h=sha1 : sha256; s=*; t=y; p= {public} ;")]), Ok(()));
    assert_eq!(check(&[]), Err(RecordFault::Missing));
    assert_eq!(check(&[&record, &record]), Err(RecordFault::Several));
    assert_eq!(check(&["v=DKIM1; p="]), Err(RecordFault::Revoked));
    for other in ["v=DKIM2; ", "k=ed25519; ", "h=sha1; ", "s=tlsrpt; "] {
        assert_eq!(check(&[&format!("{other}p={public}")]), Err(RecordFault::Different), "{other}");
    }
    for other in [&key("corp.example", "a", &PKCS_RSA_SHA256).record().unwrap(), "v=spf1 -all", "p=?"] {
        assert_eq!(check(&[other]), Err(RecordFault::Different), "{other}");
    }

    let line = rsa.zone_line().unwrap();
    let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    assert!(line.starts_with("a._domainkey.corp.example. IN TXT ( \"v=DKIM1; k=rsa; p="), "{line}");
    assert!(strings.iter().all(|string| string.len() <= 255), "{line}");
    assert_eq!(strings.concat(), record);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_signed_is_verified(
        header in proptest::collection::vec(
            "(Subject|To|cc|X-Y|MIME-Version|References|Sender):([ \t]{0,2}[!-~]{1,9}|\r\n[ \t]{1,2}[!-~]{1,9}){0,5}",
            0..6,
        ),
        body in "([ \t]{0,2}|[!-~]{0,9}|\r\n|é){0,30}",
        added in "[a-z \t]{0,9}",
    ) {
        let header = header.join("\r\n");
        let header = format!("Received: by a\r\nFrom: a@corp.example\r\nX-First: 1\r\n{header}\r\n\r\n");
        let edits = vec![Edit::insert(16, "X-Added:\r\n"), Edit::insert(header.len() as u64, added)];
        let (signer, verifier) = signer(vec![standard_key("corp.example", "a")]);
        // It ends with a word: white space alone in the last lines is nothing by the standard (RFC 6376 §3.4.4, first
        // a, then b), an empty line to this verifier.
        let sent = signed(&signer, &format!("{header}{body}.\r\n"), edits, "corp.example");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        prop_assert_eq!(runtime.block_on(verifier.verdicts(sent.as_bytes())), ["a: pass"], "{}", sent);
    }
}
