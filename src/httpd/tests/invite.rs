//! Invitations that are written on a page.

use futures_util::{StreamExt, stream};

use super::*;
use crate::intake::Intake;
use crate::intake::letters::{Letters, Terms};
use crate::net::lifecycle::Lifecycle;

const ANA: &str = "ana@corp.example";
const KIM: &str = "kim@partner.example";

/// What the pages hand letters to. The DNS knows no domain, so the test switches it off.
pub(super) fn letters(settings: &Settings, door: intake::Parts) -> (Intake, Letters) {
    let policy = intake::Policy {
        server: settings.server.clone(),
        organisation: settings.organisation.clone(),
        invite: settings.invite.clone(),
        web: settings.web.clone(),
        limits: settings.limits.clone(),
    };
    let (invites, spool, clock) = (door.guests.invites.clone(), door.spool.clone(), door.clock.clone());
    let intake = Intake::new(door, policy);
    let terms = Terms::new(settings);
    (intake.clone(), Letters::new(intake, invites, spool, clock, Lifecycle::new(), terms))
}

/// A house in which Ana, who may invite, is signed in. The DNS is asked nothing.
async fn at_work(more: &str) -> (House, Browser) {
    let house = House::with(&format!("message_size = \"1 MiB\"\n[invite]\ncheck_domains = false\n{more}"));
    house.account(Kind::Staff, ANA).await;
    let old = house.accounts.by_address(&Address::parse(ANA).unwrap()).unwrap().unwrap();
    let mut batch = Batch::new();
    let ana = Account { rights: Rights::of_staff(true), ..old.value.clone() };
    house.accounts.replace(&mut batch, &old, &ana).unwrap();
    house.store.commit(batch).await.unwrap();
    let mut browser = house.browser();
    let fields = [("address", ANA), ("password", GOOD_PASSWORD)];
    browser.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/invitations");
    (house, browser)
}

/// The values that the page has in its fields.
fn prefilled(page: &Page) -> Vec<(String, String)> {
    let value = |name: &str| {
        let (_, rest) = page.text.split_once(&format!("name=\"{name}\"")).unwrap();
        let (_, rest) = rest.split_once("value=\"").unwrap();
        (name.to_owned(), rest.split('"').next().unwrap().to_owned())
    };
    ["form", "once", "to", "cc", "bcc", "subject"].into_iter().map(value).collect()
}

impl Browser {
    /// Sends the page's form with some fields changed, and with files.
    async fn write(&mut self, page: &Page, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Page {
        let mut values = prefilled(page);
        values.push(("message".to_owned(), "Hello Kim, please send the plans.".to_owned()));
        for (name, value) in fields {
            match values.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => (*value).clone_into(known),
                None => values.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        let mut body = Vec::new();
        for (name, value) in values {
            let head = format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(head.into_bytes());
        }
        for (name, content) in files {
            let head = format!(
                "--xyz\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\
                 Content-Type: application/pdf\r\n\r\n"
            );
            body.extend(head.into_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--xyz--\r\n");
        let request =
            request(Method::POST, "/invite").header(CONTENT_TYPE, "multipart/form-data; boundary=xyz");
        self.send(request, Body::from(body)).await
    }
}

#[tokio::test]
async fn a_letter_becomes_an_invitation_and_leads_to_its_receipt() {
    let (house, mut browser) = at_work("").await;
    let page = browser.get("/invite").await;
    page.says(StatusCode::OK, "value=\"Invitation to exchange files\"");
    page.says(StatusCode::OK, "I would like to exchange files with you.");
    // A browser sends an empty file where none was chosen.
    let fields = [("to", "Kim Roe <kim@partner.example>, ben@corp.example"), ("receipt", "yes")];
    let sent = browser.write(&page, &fields, &[("plan.pdf", b"%PDF"), ("", b"")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let place = sent.header(LOCATION).to_owned();
    let receipt = browser.get(&place).await;
    receipt.says(StatusCode::OK, "Kim Roe <span class=\"address\">kim@partner.example</span>");
    receipt.says(StatusCode::OK, "Courtesy copy");
    receipt.says(StatusCode::OK, "plan.pdf");
    assert!(!receipt.text.contains(">file<"), "no file was chosen in the second field");
    let invitation = house.invites.list(None, 9).unwrap().pop().unwrap();
    assert_eq!(invitation.invitee.address.to_string(), KIM);
    assert_eq!(invitation.inviter.address.to_string(), ANA);
    // The mail to both, and the receipt by mail.
    assert_eq!(house.queue.len(), 2);

    // The second press of the button sends nothing.
    browser.write(&page, &fields, &[]).await.leads_to(&place);
    assert_eq!((house.invites.list(None, 9).unwrap().len(), house.queue.len()), (1, 2));

    browser.fill_in(&place, &format!("{place}/receipt"), &[]).await.leads_to(&format!("{place}?mailed"));
    assert_eq!(house.queue.len(), 3);
}

#[tokio::test]
async fn a_form_that_is_none_or_has_no_end_is_given_up() {
    let (house, mut browser) = at_work("").await;
    for (body, status) in [
        // What stands before the first delimiter is nobody's, and would have to be held.
        ("x".repeat(1 << 20), StatusCode::BAD_REQUEST),
        (format!("--xyz\r\nX: {}", "x".repeat(1 << 20)), StatusCode::BAD_REQUEST),
        (
            "--xyz\r\nContent-Disposition: form-data; name=\"form\"\r\n\r\n".to_owned(),
            StatusCode::REQUEST_TIMEOUT,
        ),
    ] {
        let request =
            request(Method::POST, "/invite").header(CONTENT_TYPE, "multipart/form-data; boundary=xyz");
        assert_eq!(browser.send(request, Body::from(body)).await.status, status);
    }
    assert_eq!(house.queue.len(), 0);
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost() {
    let (house, mut browser) = at_work("blocked_domains = [\"bad.example\"]\n").await;
    let page = browser.get("/invite").await;
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    for (fields, place, words) in [
        ([("to", ""), ("cc", "lee@x.example")], "to-fault", "Please enter the address"),
        ([("subject", " "), ("cc", "lee@x.example")], "subject-fault", "The subject is empty"),
        ([("message", "\n"), ("cc", "lee@x.example")], "message-fault", "The message has no text"),
        (
            [("to", "kim@partner.example; max@x.example"), ("cc", "lee@x.example")],
            "to-fault",
            "Please write: kim@partner.example, max@x.example.",
        ),
        ([("cc", "Lee"), ("bcc", "lee@x.example")], "cc-fault", "“Lee” is not a mail address"),
        ([("bcc", "Lee <lee@bad.example>"), ("cc", "lee@x.example")], "bcc-fault", "nobody at bad.example"),
        ([("to", "ben@corp.example"), ("cc", "eve@corp.example")], "to-fault", "Nobody outside"),
        ([("to", "kim@gmial.com"), ("cc", "lee@x.example")], "to-fault", "did you mean kim@gmail.com"),
    ] {
        let with_to = [("to", KIM)].into_iter().chain(fields).collect::<Vec<_>>();
        let answer = browser.write(&page, &with_to, &[("plan.pdf", b"%PDF")]).await;
        answer.says(wrong, "choose your files again");
        let (_, beside) = answer.text.split_once(&format!("id=\"{place}\">")).expect(place);
        let beside = beside.split("</p>").next().unwrap();
        assert!(beside.to_lowercase().contains(&words.to_lowercase()), "{beside}");
        for (name, value) in &fields[1..] {
            assert!(prefilled(&answer).contains(&((*name).to_owned(), (*value).to_owned())));
        }
    }
    let long = "x".repeat(257);
    browser.write(&page, &[("to", KIM), ("subject", &long)], &[]).await.says(wrong, "257 characters");
    let big = vec![b'x'; 900_000];
    let answer = browser.write(&page, &[("to", KIM)], &[("a.pdf", &big), ("b.pdf", b"more")]).await;
    answer.says(wrong, "The files are too large: a message may have 1 MiB");
    // Beyond twice that nobody reads on.
    let huge = vec![b'x'; 3 << 20];
    let answer = browser.write(&page, &[("to", KIM)], &[("a.pdf", &huge)]).await;
    answer.says(StatusCode::PAYLOAD_TOO_LARGE, "too large");
    assert!(house.invites.list(None, 9).unwrap().is_empty());
    assert!(house.queue.is_empty());
    assert_eq!(house.spool.sweep().unwrap(), 0, "nothing of it is kept");
}

#[tokio::test]
async fn nobody_else_sends_or_sees() {
    let (house, mut browser) = at_work("").await;
    let page = browser.get("/invite").await;
    let forged = browser.write(&page, &[("to", KIM), ("form", "zyxwvtsrqpnmkjhgfedcba9876")], &[]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(house.queue.is_empty());
    let sent = browser.write(&page, &[("to", KIM)], &[]).await;
    let place = sent.header(LOCATION).to_owned();

    house.account(Kind::Staff, "ben@corp.example").await;
    let mut ben = house.browser();
    let fields = [("address", "ben@corp.example"), ("password", GOOD_PASSWORD)];
    ben.fill_in("/sign-in", "/sign-in", &fields).await.leads_to("/invitations");
    assert_eq!(ben.get(&place).await.status, StatusCode::NOT_FOUND);
    let refused = ben.get("/invite").await;
    refused.says(StatusCode::FORBIDDEN, "You may not send invitations");
    assert!(!refused.text.contains("href=\"/invite\""));
    assert_eq!(ben.write(&page, &[("to", KIM)], &[]).await.status, StatusCode::FORBIDDEN);
    house.browser().get("/invite").await.leads_to("/sign-in?next=/invite");
}

#[tokio::test]
async fn a_letter_may_choose_the_language_of_its_invitation() {
    let (house, mut browser) = at_work("").await;
    let page = browser.get("/invite").await;
    page.says(StatusCode::OK, "<option value=\"de\">Deutsch</option>");
    // What is chosen stays chosen where something else is wrong.
    let refused = browser.write(&page, &[("to", "kim"), ("language", "de")], &[]).await;
    refused.says(StatusCode::UNPROCESSABLE_ENTITY, "<option value=\"de\" selected>Deutsch</option>");
    let sent = browser.write(&page, &[("to", KIM), ("language", "de")], &[]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let invitation = house.invites.list(None, 9).unwrap().pop().unwrap();
    assert_eq!(invitation.language.map(String::from).as_deref(), Some("de"));
}

#[tokio::test]
async fn whoever_loses_the_right_while_files_are_sent_invites_nobody() {
    let (house, mut browser) = at_work("").await;
    let page = browser.get("/invite").await;
    let body = {
        let fields = prefilled(&page);
        let form = fields.iter().map(|(name, value)| {
            let value = if name == "to" { KIM } else { value };
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let message =
            "--xyz\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nHello Kim\r\n--xyz--\r\n";
        form.collect::<String>() + message
    };
    // The first half is read while the right is there, the rest when it is gone.
    let (accounts, store) = (house.accounts.clone(), house.store.clone());
    let (first, rest) = body.split_at(body.len() / 2);
    let (first, rest) = (first.to_owned(), rest.to_owned());
    let before = stream::once(async move { Ok::<_, std::io::Error>(first) }).boxed();
    let after = stream::once(async move {
        let old = accounts.by_address(&Address::parse(ANA).unwrap()).unwrap().unwrap();
        let mut batch = Batch::new();
        let barred = Account { rights: Rights::of_staff(false), ..old.value.clone() };
        accounts.replace(&mut batch, &old, &barred).unwrap();
        store.commit(batch).await.unwrap();
        Ok(rest)
    });
    let slow = before.chain(after.boxed());
    let request = request(Method::POST, "/invite").header(CONTENT_TYPE, "multipart/form-data; boundary=xyz");
    let answer = browser.send(request, Body::from_stream(slow)).await;
    answer.says(StatusCode::UNPROCESSABLE_ENTITY, "may not send invitations");
    assert!(house.invites.list(None, 9).unwrap().is_empty());
}
