//! In which language a page is.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::ACCEPT_LANGUAGE;

use super::portal::{ANA, KIM};
use super::*;
use crate::base::address::AddressFault;
use crate::base::filename::FileName;
use crate::base::language::Language;
use crate::dropoff::{CollectFault, DepositFault};
use crate::intake::recipients::LineFault;

/// A browser that likes German best.
async fn german(browser: &mut Browser, path: &str) -> Page {
    let request = request(Method::GET, path).header(ACCEPT_LANGUAGE, "de-AT,de;q=0.9,en;q=0.1");
    browser.send(request, Body::empty()).await
}

async fn in_language(house: &House, address: &str, language: &str) {
    let old = house.accounts.by_address(&Address::parse(address).unwrap()).unwrap().unwrap();
    let new = Account { language: Language::parse(language), ..old.value.clone() };
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &old, &new).unwrap();
    house.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_likes() {
    let house = House::new();
    let (_, link) = house.invite("kim@partner.example").await;
    let path = format!("/i/{}", link.reveal());
    let mut browser = house.browser();

    browser.get(&path).await.says(StatusCode::OK, "<html lang=\"en\">");
    let page = german(&mut browser, &path).await;
    page.says(StatusCode::OK, "<html lang=\"de\">");
    page.says(StatusCode::OK, "gilt bis zum 8. Dezember 2026, 13:45 Uhr (UTC)");
    german(&mut browser, "/nowhere").await.says(StatusCode::NOT_FOUND, "Diese Seite gibt es nicht");

    let posted = request(Method::POST, &path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT_LANGUAGE, "de");
    let body = format!("name=Kim&password=short&form={}", page.form());
    let answer = browser.send(posted, Body::from(body)).await;
    answer.says(StatusCode::UNPROCESSABLE_ENTITY, "Bitte wählen Sie ein Passwort mit mindestens 8 Zeichen.");
}

#[tokio::test]
async fn the_account_has_the_last_word() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    in_language(&house, "kim@partner.example", "de").await;
    let mut browser = house.signed_in("kim@partner.example").await;
    browser.get("/account").await.says(StatusCode::OK, "<html lang=\"de\">");
    browser.get("/nowhere").await.says(StatusCode::NOT_FOUND, "Diese Seite gibt es nicht");

    in_language(&house, "kim@partner.example", "en").await;
    german(&mut browser, "/account").await.says(StatusCode::OK, "<html lang=\"en\">");
}

/// Kim, a guest, and Ana, who may invite; both read German.
async fn germans() -> (House, Browser, Browser) {
    let house = House::with("[invite]\ncheck_domains = false\n[dropoff]\nblocked_extensions = [\"exe\"]\n");
    house.account(Kind::Guest, KIM).await;
    house.account(Kind::Staff, ANA).await;
    let old = house.accounts.by_address(&Address::parse(ANA).unwrap()).unwrap().unwrap();
    let mut batch = Batch::new();
    let ana = Account { rights: Rights::of_staff(true), ..old.value.clone() };
    house.accounts.replace(&mut batch, &old, &ana).unwrap();
    house.store.commit(batch).await.unwrap();
    in_language(&house, KIM, "de").await;
    in_language(&house, ANA, "de").await;
    let (kim, ana) = (house.signed_in(KIM).await, house.signed_in(ANA).await);
    (house, kim, ana)
}

#[tokio::test]
async fn a_guest_hears_in_german_what_is_wrong_with_a_drop_off() {
    let (_house, mut kim, _ana) = germans().await;
    let form = kim.get("/dropoff").await.form();
    let (form, to) = (("form", None, form.as_bytes()), ("to", None, ANA.as_bytes()));
    for (fields, words) in [
        (vec![form], "Bitte wählen Sie mindestens eine Person"),
        (
            vec![form, ("to", None, b"ana"), ("subject", None, b"Plans")],
            "„ana“ ist keine E-Mail-Adresse: Es fehlt das @",
        ),
        (
            vec![form, ("others", None, b"a@b.example;c@d.example")],
            "nicht durch Strichpunkte: a@b.example,c@d.example",
        ),
        (vec![form, to], "Bitte geben Sie einen Betreff ein."),
        (
            vec![form, to, ("subject", None, b"Plans"), ("files", Some("a.exe"), b"MZ")],
            "a.exe: Dateien, deren Namen auf „.exe“ enden, werden nicht angenommen.",
        ),
    ] {
        kim.post_files("/dropoff", &fields).await.says(StatusCode::UNPROCESSABLE_ENTITY, words);
    }

    // What the script is told, it shows to the guest.
    let begun = kim.post_files("/dropoff/begin", &[form, to]).await;
    begun.says(StatusCode::UNPROCESSABLE_ENTITY, "\"subject\":\"Bitte geben Sie einen Betreff ein.\"");
    let begun = kim.post_files("/dropoff/begin", &[form, to, ("subject", None, b"Plans")]).await;
    let id: serde_json::Value = serde_json::from_str(&begun.text).unwrap();
    let metadata = format!(
        "dropoff {},filename {}",
        STANDARD.encode(id["id"].as_str().unwrap()),
        STANDARD.encode("a.exe")
    );
    let upload = request(Method::POST, "/files")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", "2")
        .header("upload-metadata", metadata);
    let refused = kim.send(upload, Body::empty()).await;
    refused.says(StatusCode::UNPROCESSABLE_ENTITY, "Dateien, deren Namen auf „.exe“ enden");
}

#[tokio::test]
async fn staff_hear_in_german_what_is_wrong_with_what_they_typed() {
    let (_house, mut kim, mut ana) = germans().await;
    kim.leave().await;
    let place = ana.link("/received", "/received/").await;
    for (to, words) in [
        (KIM, "kim@partner.example ist keine Adresse einer Kollegin oder eines Kollegen."),
        (ANA, "ana@corp.example hat diese Dateien bereits."),
        ("ben@", "„ben@“ ist keine E-Mail-Adresse: „“ ist keine gültige Domain"),
    ] {
        let page = ana.fill_in(&place, &format!("{place}/forward"), &[("to", to)]).await;
        page.says(StatusCode::UNPROCESSABLE_ENTITY, words);
    }

    let form = ana.get("/invite").await.form();
    let line = |to: &str, subject: &str, message: &str| {
        [("form", form.as_str()), ("to", to), ("subject", subject), ("message", message)]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
    };
    let (long, huge) = ("x".repeat(257), "x".repeat(256 * 1024));
    for (fields, words) in [
        (line("", "Plans", "Hello"), "Bitte geben Sie die Adresse der Person ein, die Sie einladen."),
        (line("lee", "Plans", "Hello"), "„lee“ ist keine E-Mail-Adresse. Bitte schreiben Sie"),
        (line("lee@", "Plans", "Hello"), "„lee@“ ist keine E-Mail-Adresse: „“ ist keine gültige Domain."),
        (
            line("a@b.example; c@d.example", "Plans", "Hello"),
            "Bitte schreiben Sie: a@b.example, c@d.example.",
        ),
        (line(KIM, "", "Hello"), "Der Betreff ist leer."),
        (line(KIM, &long, "Hello"), "Der Betreff hat 257 Zeichen; höchstens 256 sind erlaubt."),
        (line(KIM, "Plans", ""), "Die Nachricht hat keinen Text."),
        (line(KIM, "Plans", &huge), "Ein Feld enthält mehr als 256 KiB."),
    ] {
        let fields: Vec<_> =
            fields.iter().map(|(name, text)| (name.as_str(), None, text.as_bytes())).collect();
        ana.post_files("/invite", &fields).await.says(StatusCode::UNPROCESSABLE_ENTITY, words);
    }
}

#[test]
fn every_fault_of_files_and_addresses_is_said_in_german() {
    let (ana, text) = (Address::parse(ANA).unwrap(), String::from("ana"));
    let name = FileName::parse("plan.pdf").unwrap();
    let deposits = [
        DepositFault::NotThere,
        DepositFault::NoAccess,
        DepositFault::Closed,
        DepositFault::NoRecipient,
        DepositFault::TooManyRecipients(9),
        DepositFault::NotARecipient(ana.clone()),
        DepositFault::NoSubject,
        DepositFault::SubjectTooLong(256),
        DepositFault::MessageTooLong(9),
        DepositFault::NoFiles,
        DepositFault::Unfinished(name),
        DepositFault::NoName,
        DepositFault::Blocked("exe".to_owned()),
        DepositFault::FileTooLarge(9),
        DepositFault::TooManyFiles(9),
        DepositFault::GuestFull { max: 9, left: 8 },
        DepositFault::TooManyDropoffs(9),
        DepositFault::TooManyUploads(9),
        DepositFault::DiskFull,
        DepositFault::Offset { at: 9 },
        DepositFault::Length,
        DepositFault::Beyond,
        DepositFault::Busy,
        DepositFault::Interrupted { at: 9 },
        DepositFault::Keep(io::Error::other("disk")),
    ];
    let collects = [
        CollectFault::NotThere,
        CollectFault::Range(9),
        CollectFault::NotAColleague(ana.clone()),
        CollectFault::HasIt(ana),
        CollectFault::TooMany,
        CollectFault::Read(io::Error::other("disk")),
    ];
    let lines = [
        LineFault::Semicolon(text.clone()),
        LineFault::Unclear(text.clone()),
        LineFault::TooMany { count: 9, limit: 8 },
        LineFault::Address(AddressFault::NoAt(text.clone())),
        LineFault::Address(AddressFault::LocalPart(text.clone())),
        LineFault::Address(AddressFault::Domain(text.clone(), text.clone())),
        LineFault::Address(AddressFault::Literal(text)),
    ];
    let phrases = deposits.iter().map(DepositFault::phrase);
    let phrases = phrases.chain(collects.iter().map(CollectFault::phrase));
    let (texts, german) = (Templates::built_in(), Language::parse("de").unwrap());
    for phrase in phrases.chain(lines.iter().map(LineFault::phrase)) {
        let said = texts.say(german, &phrase);
        assert!(said != phrase.to_string() && !said.contains(['{', '}']), "{said}");
    }
}
