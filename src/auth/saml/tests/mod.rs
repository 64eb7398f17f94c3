//! Answers that a provider really signed, and what somebody makes of them on the way. Each one on the list is refused,
//! and for the reason that stands beside it.

pub(crate) mod provider;
mod sign_out;
mod signature;

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};

use crate::auth::saml::response::Objection;
use crate::auth::saml::tests::provider::*;
use crate::auth::saml::{Failure, Saml, Vouched};
use crate::base::address::Address;
use crate::config::{self, SamlRights};

use super::*;

fn load(metadata: &str) -> Result<Saml, ProviderFault> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idp.xml");
    fs::write(&file, metadata).unwrap();
    let settings = config::Saml {
        name: "idp".to_owned(),
        label: "Sign in".to_owned(),
        metadata: file,
        domains: Vec::new(),
        mail: None,
        display_name: "displayName".to_owned(),
        groups: "groups".to_owned(),
        rights: SamlRights::default(),
        clock_skew: std::time::Duration::from_mins(1),
        seal: None,
    };
    Saml::load(&[settings], PORTAL)
}

/// What the portal makes of an answer.
async fn judged(xml: &str) -> Result<Vouched, Objection> {
    let saml = load(&metadata(&[&OURS.certificate])).unwrap();
    match saml.vouched("idp", QUESTION, STANDARD.encode(xml), now()).await {
        Ok(vouched) => Ok(vouched),
        Err(Failure::Objection(objection)) => Err(objection),
        Err(other) => panic!("{other}"),
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(Utc::now().timestamp_millis())
}

/// Cuts the one signature out of a signed element.
fn torn(signed: &str) -> (String, String) {
    let (start, end) = (signed.find("<ds:Signature ").unwrap(), signed.find("</ds:Signature>").unwrap() + 15);
    (signed[start..end].to_owned(), format!("{}{}", &signed[..start], &signed[end..]))
}

#[tokio::test]
async fn an_answer_is_believed_whichever_part_is_signed() {
    let assertion = Claims::good().signed();
    let whole = shell("_r1", "Success", ACS, QUESTION, &Claims::good().xml(""));
    let (head, tail) = whole.split_once("</Issuer>").unwrap();
    let whole = OURS.signed(&format!("{head}</Issuer>{}{tail}", place("_r1", RSA_SHA256)));
    for xml in [response(&assertion), whole] {
        let vouched = judged(&xml).await.unwrap();
        assert_eq!(vouched.mailbox.to_string(), "Ann Berg <ann@corp.example>");
        assert_eq!(vouched.groups, ["inviters", "staff"]);
    }
}

#[tokio::test]
async fn keys_roll_over_one_beside_the_other() {
    let saml = load(&metadata(&[&FOREIGN.certificate, &OURS.certificate])).unwrap();
    let encoded = STANDARD.encode(response(&Claims::good().signed()));
    assert!(saml.vouched("idp", QUESTION, encoded, now()).await.is_ok());
}

#[tokio::test]
async fn what_a_provider_would_not_have_said_is_refused() {
    let refused = |words: &str| Some(words.to_owned());
    let by_samael = None;
    let good = Claims::good;
    let list = [
        ("unsigned", response(&good().xml("")), by_samael.clone()),
        ("another name", response(&good().signed().replace("ann@corp", "eve@corp")), by_samael.clone()),
        (
            "signed by somebody else",
            response(&FOREIGN.signed(&good().xml(&place("_a1", RSA_SHA256)))),
            by_samael.clone(),
        ),
        ("SHA-1", response(&OURS.signed(&good().xml(&place("_a1", RSA_SHA1)))), by_samael.clone()),
        (
            "another issuer",
            response(&Claims { issuer: "https://evil.example", ..good() }.signed()),
            by_samael.clone(),
        ),
        (
            "another audience",
            response(&Claims { audience: "https://other.example", ..good() }.signed()),
            by_samael.clone(),
        ),
        (
            "no audience",
            response(&Claims { audience: "", ..good() }.signed()),
            refused("it says neither for whom nor until when it holds"),
        ),
        (
            "no conditions",
            response(&Claims { has_conditions: false, ..good() }.signed()),
            refused("it says neither for whom nor until when it holds"),
        ),
        (
            "nobody signed in",
            response(&Claims { has_sign_in: false, ..good() }.signed()),
            refused("it does not say that somebody has signed in"),
        ),
        (
            "another recipient",
            response(&Claims { recipient: "https://evil.example/acs", ..good() }.signed()),
            by_samael.clone(),
        ),
        (
            "expired",
            response(&Claims { ends: TimeDelta::minutes(-10), ..good() }.signed()),
            by_samael.clone(),
        ),
        (
            "expired by less than the library allows",
            response(&Claims { ends: TimeDelta::seconds(-61), ..good() }.signed()),
            None,
        ),
        (
            "not yet valid",
            response(&Claims { begins: TimeDelta::minutes(10), ..good() }.signed()),
            by_samael.clone(),
        ),
        (
            "another question inside",
            response(&Claims { question: "_other", ..good() }.signed()),
            by_samael.clone(),
        ),
        (
            "another question outside",
            shell("_r1", "Success", ACS, "_other", &good().signed()),
            refused("it does not answer the question that this browser carried"),
        ),
        (
            "another destination",
            shell("_r1", "Success", "https://evil.example/acs", QUESTION, &good().signed()),
            refused("it is addressed to somebody else"),
        ),
        (
            "no success",
            shell("_r1", "Responder", ACS, QUESTION, &good().signed()),
            refused("the provider answers with the status urn:oasis:names:tc:SAML:2.0:status:Responder"),
        ),
        ("no assertion", response(""), refused("it has 0 assertions, not one")),
        (
            "no address",
            response(&Claims { name_id: "ann", ..good() }.signed()),
            refused("it has no mail address in the attribute “NameID”"),
        ),
    ];
    for (name, xml, words) in list {
        let objection = judged(&xml).await.expect_err(name).to_string();
        assert!(words.is_none_or(|words| words == objection), "{name}: {objection}");
    }
}

#[tokio::test]
async fn a_signature_counts_only_for_what_it_signs() {
    let signed = Claims::good().signed();
    let (signature, bare) = torn(&signed);
    let evil = Claims { id: "_evil", name_id: "eve@corp.example", ..Claims::good() }.xml("");
    let after_issuer =
        |assertion: &str, inside: &str| assertion.replacen("</Issuer>", &format!("</Issuer>{inside}"), 1);
    let within = |inside: &str| signature.replace("</ds:Signature>", &format!("{inside}</ds:Signature>"));
    let object = |inside: &str| within(&format!("<ds:Object>{inside}</ds:Object>"));

    let whole = response(&Claims::good().xml(""));
    let (head, tail) = whole.split_once("</Issuer>").unwrap();
    let whole = OURS.signed(&format!("{head}</Issuer>{}{tail}", place("_r1", RSA_SHA256)));
    let (whole_signature, whole_bare) = torn(&whole);
    let evil_shell = |inside: &str| after_issuer(&shell("_evil_r", "Success", ACS, QUESTION, &evil), inside);

    let list =
        [
            (
                "XSW 1",
                evil_shell(&whole_signature.replace(
                    "</ds:Signature>",
                    &format!("<ds:Object>{whole_bare}</ds:Object></ds:Signature>"),
                )),
            ),
            ("XSW 2", evil_shell(&format!("{whole_bare}{whole_signature}"))),
            ("XSW 3", response(&format!("{evil}{signed}"))),
            ("XSW 4", response(&evil.replace("</Assertion>", &format!("{signed}</Assertion>")))),
            ("XSW 5", response(&format!("{}{bare}", after_issuer(&evil, &signature)))),
            ("XSW 6", response(&after_issuer(&evil, &within(&bare)))),
            ("XSW 7", response(&format!("<samlp:Extensions>{evil}</samlp:Extensions>{signed}"))),
            ("XSW 8", response(&after_issuer(&evil, &object(&bare)))),
            ("behind it", response(&format!("{signed}{evil}"))),
            ("the same ID before", response(&format!("{}{signed}", evil.replace("_evil", "_a1")))),
            ("the same ID behind", response(&format!("{signed}{}", evil.replace("_evil", "_a1")))),
        ];
    for (name, xml) in list {
        assert!(judged(&xml).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn what_two_parsers_may_read_differently_is_refused() {
    let signed = Claims::good().signed();
    let encrypted = format!("<EncryptedAssertion xmlns=\"{ASSERTION_NS}\"/>");
    let entity = "<!DOCTYPE x [<!ENTITY e \"eve@corp.example\">]>";
    let list = [
        ("a comment in the name", response(&signed.replace("ann@", "an<!--x-->n@")), Objection::Malformed),
        (
            "a comment that was signed",
            response(
                &OURS.signed(
                    &Claims { name_id: "ann@corp.example<!---->.evil.example", ..Claims::good() }
                        .xml(&place("_a1", RSA_SHA256)),
                ),
            ),
            Objection::Malformed,
        ),
        ("CDATA", response(&signed.replace("ann@", "<![CDATA[ann@]]>")), Objection::Malformed),
        ("an instruction", response(&signed.replace("ann@", "<?x y?>ann@")), Objection::Malformed),
        (
            "DOCTYPE",
            format!("{entity}{}", response(&signed.replace("ann@corp.example", "&e;"))),
            Objection::Malformed,
        ),
        ("cut off", response(&signed)[..response(&signed).len() - 30].to_owned(), Objection::Malformed),
        ("more behind it", format!("{}<x/>", response(&signed)), Objection::Malformed),
        ("deep", response(&format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000))), Objection::Malformed),
        ("empty", String::new(), Objection::Malformed),
        ("encrypted", response(&encrypted), Objection::Encrypted),
        ("encrypted beside it", response(&format!("{signed}{encrypted}")), Objection::Encrypted),
        ("large", response(&format!("{signed}{}", " ".repeat(RESPONSE_MAX))), Objection::TooLarge),
    ];
    for (name, xml, objection) in list {
        assert_eq!(judged(&xml).await, Err(objection), "{name}");
    }
}

#[tokio::test]
async fn no_octet_of_an_answer_can_be_changed_to_another_person() {
    let good = response(&Claims::good().signed());
    let ann = Address::parse("ann@corp.example").unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut octets = good.clone().into_bytes();
        octets[at] ^= 1;
        if let Ok(text) = String::from_utf8(octets)
            && let Ok(vouched) = judged(&text).await
        {
            assert_eq!(vouched.mailbox.address, ann, "octet {at}");
            assert_eq!(vouched.groups, ["inviters", "staff"]);
        }
    }
}

#[tokio::test]
async fn a_place_is_free_when_the_work_is_done_and_not_when_nobody_waits_for_it() {
    let places = Arc::new(Semaphore::new(1));
    let (began, begins) = tokio::sync::oneshot::channel();
    let (go_on, waits) = std::sync::mpsc::channel();
    let asked = {
        let places = Arc::clone(&places);
        tokio::spawn(async move {
            in_turn(&places, move || {
                began.send(()).unwrap();
                waits.recv().unwrap();
                Ok(())
            })
            .await
        })
    };
    begins.await.unwrap();
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    assert_eq!(places.available_permits(), 0);
    go_on.send(()).unwrap();
    in_turn(&places, || Ok(())).await.unwrap();
}

#[test]
fn metadata_without_what_makes_them_safe_are_not_taken() {
    let good = metadata(&[&OURS.certificate]);
    for (metadata, words) in [
        (metadata(&[]), "names no key for signing"),
        (good.replace("HTTP-Redirect", "HTTP-POST"), "HTTP-Redirect binding"),
        (
            good.replace("https://idp.corp.example/sso", "http://idp.corp.example/sso"),
            "is not an https address",
        ),
        (format!("<!DOCTYPE x>{good}"), "has a DOCTYPE"),
        ("hello".to_owned(), "is not the metadata of one identity provider"),
    ] {
        let fault = load(&metadata).err().expect(words).to_string();
        assert!(fault.starts_with("saml idp: ") && fault.contains(words), "{fault}");
    }
}

#[test]
fn the_question_goes_to_the_provider_with_our_name_and_id() {
    let saml = load(&metadata(&[&OURS.certificate])).unwrap();
    let question = saml.question("idp", QUESTION).unwrap();
    assert!(question.starts_with("https://idp.corp.example/sso?SAMLRequest="), "{question}");
    assert_eq!(saml.question("other", QUESTION), None);
    let metadata = saml.metadata();
    assert!(
        metadata.contains(&format!("entityID=\"{ENTITY}\""))
            && metadata.contains(&format!("Location=\"{ACS}\""))
    );
}

#[test]
fn an_end_that_comes_soon_is_told() {
    let about = |metadata: &str, years: u64| {
        let now = now() + std::time::Duration::from_hours(24 * 365 * years);
        load(metadata).unwrap().about(now).remove(0)
    };
    // rcgen's certificates end in the year 4096, and begin before there was SAML.
    let good = metadata(&[&OURS.certificate]);
    assert_eq!(about(&good, 0), report::About { entity_id: IDP.to_owned(), objections: Vec::new() });
    let [late] = <[String; 1]>::try_from(about(&good, 2100).objections).unwrap();
    assert!(late.starts_with("its last certificate for signing ended on Jan  1 00:00:00 4096"), "{late}");
    let soon = Timestamp::from_millis(67_089_254_400_000);
    let soon = load(&good).unwrap().about(soon).remove(0).objections;
    assert!(soon[0].starts_with("its last certificate for signing ends within 30 days, on Jan"), "{soon:?}");
    let dated = good.replacen(" entityID=", " validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1);
    assert_eq!(about(&dated, 0).objections, ["the metadata say themselves that they are out of date"]);
}
