//! The demo's mailbox.

use http::header::{ACCEPT, CONTENT_SECURITY_POLICY};
use serde_json::Value;

use super::*;
use crate::base::address::ReversePath;
use crate::delivery::courier::{Courier, Outcome, Parcel};
use crate::mail::edit::Edits;
use crate::smtp::parameter::{MailParameters, RcptParameters};

const MAIL: &str = "From: Ana <ana@corp.example>\r\nTo: kim@partner.example\r\nSubject: Drawings <1>\r\n\
    Content-Type: text/html\r\n\r\n<p>Dear Kim <a href=\"https://postern.corp.example/i/x\">here</a></p>\r\n";

/// The house, with one letter in its mailbox; and the mailbox's address.
async fn house() -> (House, String) {
    let ana = Address::parse("ana@corp.example").unwrap();
    let house = House::new();
    deliver(&house, ReversePath::Address(ana)).await;
    let path = format!("/mailbox/{}", house.word.reveal());
    (house, path)
}

async fn deliver(house: &House, sender: ReversePath) {
    let parcel = Parcel {
        sender,
        parameters: MailParameters::default(),
        body: house.spool.keep(MAIL.into()).await.unwrap(),
        edits: Edits::default(),
        recipients: vec![(Address::parse("kim@partner.example").unwrap(), RcptParameters::default())],
    };
    assert!(matches!(house.mailbox.deliver(&parcel).await[..], [Outcome::Delivered { .. }]));
}

#[tokio::test]
async fn mail_of_our_own_stands_in_the_list_without_a_sender() {
    let (house, path) = house().await;
    deliver(&house, ReversePath::Null).await;
    let mut browser = house.browser();
    browser.get(&path).await.says(StatusCode::OK, "Drawings &lt;1&gt;");
    let list = request(Method::GET, &path).header(ACCEPT, "application/json");
    let list: Value = serde_json::from_str(&browser.send(list, Body::empty()).await.text).unwrap();
    assert_eq!(list.as_array().unwrap().iter().filter(|letter| letter["from"].is_null()).count(), 1);
}

#[tokio::test]
async fn a_script_gets_the_list_and_the_octets() {
    let (house, path) = house().await;
    let mut browser = house.browser();
    let list = request(Method::GET, &path).header(ACCEPT, "application/json");
    let list = browser.send(list, Body::empty()).await;
    let list: Value = serde_json::from_str(&list.text).unwrap();
    assert_eq!(list[0]["id"], 1);
    assert_eq!(list[0]["to"], serde_json::json!(["kim@partner.example"]));
    assert_eq!(list[0]["subject"], "Drawings <1>");

    let mail = browser.get(&format!("{path}/1.eml")).await;
    mail.says(StatusCode::OK, MAIL);
    assert_eq!(mail.header(CONTENT_TYPE), "message/rfc822");
}

#[tokio::test]
async fn a_person_reads_the_mail_in_its_frame() {
    let (house, path) = house().await;
    let mut browser = house.browser();
    browser.get(&path).await.says(StatusCode::OK, "Drawings &lt;1&gt;");
    let page = browser.get(&format!("{path}/1")).await;
    page.says(
        StatusCode::OK,
        &format!("src=\"{path}/1/html\" sandbox=\"allow-top-navigation-by-user-activation\""),
    );
    assert!(page.header(CONTENT_SECURITY_POLICY).contains("frame-src 'self'"));
    let frame = browser.get(&format!("{path}/1/html")).await;
    frame.says(StatusCode::OK, "target=\"_top\"");
    let policy = frame.header(CONTENT_SECURITY_POLICY);
    assert!(policy.contains("sandbox") && policy.contains("frame-ancestors 'self'"), "{policy}");
    browser.get(&format!("{path}/1/source")).await.says(StatusCode::OK, "Content-Type: text/html");
    browser.get(&format!("{path}/1/text")).await.says(StatusCode::OK, "Dear Kim");
}

#[tokio::test]
async fn without_the_word_there_is_no_mailbox() {
    let (house, path) = house().await;
    let other = format!("/mailbox/{}", Token::fresh().unwrap().reveal());
    for path in [other.clone(), format!("{other}/1"), format!("{other}/1.eml"), format!("{other}/1/html")] {
        house.browser().get(&path).await.says(StatusCode::NOT_FOUND, "There is no such page");
    }
    for path in [format!("{path}/2"), format!("{path}/x.eml"), format!("{path}/1/nothing")] {
        house.browser().get(&path).await.says(StatusCode::NOT_FOUND, "There is no such page");
    }
}
