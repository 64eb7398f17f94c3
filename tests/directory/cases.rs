//! One line for each case: which server, what was tried, what was heard. `--nocapture` shows them.

use std::fmt::Display;

use crate::harness::client::{Answer, Client};
use crate::harness::house::{House, INVITE};
use crate::harness::letter::Letter;

/// Somebody outside.
pub const KIM: &str = "kim@partner.example";

/// A house whose staff are in a directory, at which cases are tried.
#[derive(Clone, Copy)]
pub struct Cases<'a> {
    pub house: &'a House,
    /// Which directory, and how it is spoken to.
    pub server: &'a str,
}

/// Holds what was heard against what must be heard, and says so.
pub fn case(server: &str, what: &str, heard: impl Display, wanted: impl Display) {
    let (heard, wanted) = (heard.to_string(), wanted.to_string());
    let is_right = heard == wanted;
    eprintln!("{:7} {server:19} {what}: {heard}", if is_right { "ok" } else { "FAILED" });
    assert!(is_right, "{server}, {what}: {heard}, not {wanted}");
}

impl Cases<'_> {
    /// SMTP AUTH with a name and a password.
    pub async fn signs_in(&self, what: &str, name: &str, password: &str, wanted: &str) {
        let mut client = self.house.secure_client().await;
        let answer = client.sign_in(name, password).await;
        client.quit().await;
        self.heard(&format!("AUTH, {what}"), &answer, wanted);
    }

    /// An invitation by somebody who has signed in, from an address.
    pub async fn invites(&self, what: &str, name: &str, password: &str, from: &str, wanted: &str) {
        let mut client = self.house.secure_client().await;
        client.sign_in(name, password).await.assert(235);
        let letter = Letter::new("Plans").from(from).to(KIM).cc(INVITE);
        let answer = client.mail(from, &[KIM, INVITE], &letter.octets()).await;
        client.quit().await;
        self.heard(&format!("AUTH and From, {what}"), &answer, wanted);
    }

    /// The same by a mail server that has signed its people in.
    pub async fn relays(&self, what: &str, from: &str, wanted: &str) {
        let mut server = Client::connect(self.house.listener(2)).await;
        server.command("EHLO exchange.corp.example").await.assert(250);
        let letter = Letter::new("Plans").from(from).to(KIM).cc(INVITE);
        let answer = server.mail(from, &[KIM, INVITE], &letter.octets()).await;
        server.quit().await;
        self.heard(&format!("relay listener, {what}"), &answer, wanted);
    }

    /// The sign-in page; what it says stands among these words.
    pub async fn portal(&self, what: &str, name: &str, password: &str, status: u16, words: &str) {
        let page = self.house.sign_in(&mut self.house.browser(), name, password).await;
        assert!(page.words().contains(words), "{what}: {}", page.words());
        let said = if words.is_empty() { String::new() } else { format!(" “{words}”") };
        self.case(&format!("portal, {what}"), format!("{}{said}", page.status), format!("{status}{said}"));
    }

    /// A page that only some may see.
    pub async fn page(&self, what: &str, name: &str, password: &str, path: &str, status: u16) {
        let mut browser = self.house.browser();
        assert_eq!(self.house.sign_in(&mut browser, name, password).await.status, 303, "{name}");
        let page = browser.get(path).await;
        self.case(&format!("portal, {what}"), page.status, status);
    }

    /// As [`case`], of this server.
    pub fn case(&self, what: &str, heard: impl Display, wanted: impl Display) {
        case(self.server, what, heard, wanted);
    }

    /// Of the answer as much as is wanted: the code, or the enhanced one too.
    fn heard(&self, what: &str, answer: &Answer, wanted: &str) {
        let whole = format!("{} {}", answer.code, answer.lines.first().map_or("", String::as_str));
        self.case(what, whole.get(..wanted.len()).unwrap_or(&whole), wanted);
    }
}
