//! Single sign-on, from the button to the session, with a provider that really signs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::SET_COOKIE;

use crate::auth::saml::Saml;
use crate::auth::saml::requests;
use crate::auth::saml::sign_on::SignOn;
use crate::auth::saml::tests::provider::{Claims, OURS, RSA_SHA256, metadata, place, shell};
use crate::base::clock::SystemClock;

use super::*;

const ACS: &str = "/saml/acs";
const ANN: &str = "ann@corp.example";
/// The URLs that the provider of the tests has been told.
const WEB: &str = "[web]\npublic_url = \"https://portal.corp.example\"\n";

/// As the daemon makes it.
pub(super) fn sign_on(
    settings: &Settings,
    authenticator: &Authenticator,
    accounts: &Accounts,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> SignOn {
    SignOn::new(
        Saml::load(&settings.saml, &settings.web.public_url).unwrap(),
        authenticator.clone(),
        accounts.clone(),
        store.clone(),
        Arc::clone(clock),
        &settings.organisation.domains,
    )
}

/// A house that trusts the provider of the tests. The time is the real one: samael looks at no other.
pub(super) fn house(more: &str) -> (House, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idp.xml");
    fs::write(&file, metadata(&[&OURS.certificate])).unwrap();
    let provider = format!("[[saml]]\nname = \"idp\"\nmetadata = \"{}\"\n{more}", file.display());
    (House::at(&format!("{WEB}{provider}"), SystemClock.now()), folder)
}

impl Browser {
    /// Presses the button. Gives the id of the question, as the provider sees it.
    pub(super) async fn leaves(&mut self, next: &str) -> String {
        let page = self.fill_in("/sign-in", "/saml/idp", &[("next", next)]).await;
        page.says(StatusCode::OK, "http-equiv=\"refresh\" content=\"0; url=https://idp.corp.example/sso?");
        let set =
            page.headers.get_all(SET_COOKIE).iter().find_map(|line| {
                line.to_str().unwrap().strip_prefix("__Host-question=").map(ToOwned::to_owned)
            });
        let set = set.unwrap();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=600"), "{set}");
        let token = Token::parse(set.split(';').next().unwrap()).unwrap();
        requests::id(&token)
    }

    /// As the provider's page does it: a form from another site.
    pub(super) async fn arrives(&mut self, answer: &str) -> Page {
        let request = request(Method::POST, ACS)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", "https://idp.corp.example")
            .header("sec-fetch-site", "cross-site");
        let relay = "https://evil.example/";
        let body =
            format!("SAMLResponse={}&RelayState={}", encoded(&STANDARD.encode(answer)), encoded(relay));
        self.send(request, Body::from(body)).await
    }
}

/// A good answer to this question, for the person with this address, in a session with this index.
pub(super) fn answer_in(question: &str, address: &str, index: &str) -> String {
    // The provider of the tests answers one question to one person; its signature goes over what stands there then.
    let claims = Claims::good();
    let xml = claims
        .xml(&place(claims.id, RSA_SHA256))
        .replace(claims.question, question)
        .replace(claims.name_id, address)
        .replace("<AuthnStatement ", &format!("<AuthnStatement SessionIndex=\"{index}\" "));
    shell("_r1", "Success", "https://portal.corp.example/saml/acs", question, &OURS.signed(&xml))
}

fn answer(question: &str, address: &str) -> String {
    answer_in(question, address, "_s1")
}

#[tokio::test]
async fn somebody_comes_back_signed_in_with_an_account_and_the_rights_of_the_groups() {
    let (house, _folder) = house("[saml.rights]\ninvite = [\"Inviters\"]\nadmin = [\"admins\"]\n");
    let mut browser = house.browser();
    let question = browser.leaves("/admin/people").await;
    browser.arrives(&answer(&question, ANN)).await.leads_to("/admin/people");
    assert!(browser.cookies.contains_key("__Host-session"));
    assert!(!browser.cookies.contains_key("__Host-question"), "it is used up");

    let account = house.accounts.by_address(&Address::parse(ANN).unwrap()).unwrap().unwrap().value;
    assert_eq!((account.kind, account.credential), (Kind::Staff, Credential::Organisation));
    assert_eq!(account.rights, Rights { invite: true, ..Rights::default() });
    assert_eq!(account.mailbox, mailbox("Ann Berg", ANN));
    browser.get("/dropoff").await.says(StatusCode::FORBIDDEN, "Ann Berg");

    // The second time it is the same account.
    let mut browser = house.browser();
    let question = browser.leaves("").await;
    browser.arrives(&answer(&question, "Ann@corp.example")).await.leads_to("/invitations");
    let again = house.accounts.by_address(&Address::parse(ANN).unwrap()).unwrap().unwrap().value;
    assert_eq!(again.id, account.id);
}

#[tokio::test]
async fn a_colleague_accepts_an_invitation_by_way_of_the_provider() {
    let (house, _folder) = house("");
    let (id, link) = house.invite_to(ANN, true).await;
    let (page, back) = (format!("/i/{}", link.reveal()), format!("/join/{id}"));
    let mut browser = house.browser();
    let shown = browser.get(&page).await;
    shown.says(StatusCode::OK, "action=\"/saml/idp\"");
    assert!(!shown.text.contains("type=\"password\""), "there is nobody to check one");
    // Somebody else goes that way, and learns nothing of whose invitation it is.
    let mut other = house.browser();
    let question = other.leaves(&back).await;
    other.arrives(&answer(&question, "eve@corp.example")).await.leads_to(&back);
    let refused = other.get(&back).await;
    refused.says(StatusCode::FORBIDDEN, "for somebody else");
    assert!(!refused.text.contains(ANN), "{}", refused.text);

    let question = browser.leaves(&back).await;
    browser.arrives(&answer(&question, ANN)).await.leads_to(&back);
    browser.get(&page).await.leads_to(&back);
    let form = browser.get(&back).await.form();
    assert!(matches!(house.state(id), State::Sent(_)), "looking changes nothing");
    other.post(&back, &[("form", &form)]).await.says(StatusCode::FORBIDDEN, "could not be accepted");
    browser.post(&back, &[("form", &form)]).await.leads_to("/invitations");
    let account = house.accounts.by_address(&Address::parse(ANN).unwrap()).unwrap().unwrap().value;
    assert!(matches!(house.state(id), State::Accepted { account: by, .. } if by == account.id));
    assert_eq!(account.credential, Credential::Organisation);
    // Once more is no fault.
    browser.post(&back, &[("form", &form)]).await.leads_to("/invitations");
}

#[tokio::test]
async fn an_answer_is_good_once_and_in_the_browser_that_asked() {
    let (house, _folder) = house("");
    let words = "Please sign in once more";

    // Login CSRF: somebody's own good answer, put into another's browser, which has asked nothing, or something else.
    let mut evil = house.browser();
    let question = evil.leaves("").await;
    let stolen = answer(&question, "eve@corp.example");
    house.browser().arrives(&stolen).await.says(StatusCode::FORBIDDEN, words);
    let mut victim = house.browser();
    victim.leaves("").await;
    victim.arrives(&stolen).await.says(StatusCode::FORBIDDEN, "You could not be signed in");
    assert!(!victim.cookies.contains_key("__Host-session"));

    // Replay, with the cookie that the browser has been told to forget.
    let cookies = evil.cookies.clone();
    evil.arrives(&stolen).await.leads_to("/invitations");
    let mut again = Browser { cookies, ..house.browser() };
    again.arrives(&stolen).await.says(StatusCode::FORBIDDEN, words);
    assert!(!again.cookies.contains_key("__Host-session"));

    // A wrong answer ends its question: there is no second guess.
    let mut browser = house.browser();
    let question = browser.leaves("").await;
    let cookies = browser.cookies.clone();
    browser.arrives("<x/>").await.says(StatusCode::FORBIDDEN, "You could not be signed in");
    let mut again = Browser { cookies, ..house.browser() };
    again.arrives(&answer(&question, ANN)).await.says(StatusCode::FORBIDDEN, words);

    // After ten minutes it is too late, however new the answer is.
    let mut browser = house.browser();
    let question = browser.leaves("").await;
    house.clock.advance(Duration::from_mins(10));
    browser.arrives(&answer(&question, ANN)).await.says(StatusCode::FORBIDDEN, words);
    assert_eq!(house.accounts.list(None, 10).unwrap().len(), 1, "only Eve's");
}

#[tokio::test]
async fn the_way_back_leads_to_our_own_pages_only() {
    let (house, _folder) = house("");
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "/dropoff", "/invited"] {
        let mut browser = house.browser();
        let question = browser.leaves(next).await;
        browser.arrives(&answer(&question, ANN)).await.leads_to("/invitations");
    }
}

#[tokio::test]
async fn nobody_gets_the_account_of_somebody_else() {
    let (house, _folder) = house("domains = [\"corp.example\"]\n");
    house.account(Kind::Guest, "guest@corp.example").await;
    house.account(Kind::Staff, "bob@corp.example").await;
    let old = house.accounts.by_address(&Address::parse("bob@corp.example").unwrap()).unwrap().unwrap();
    let with_alias =
        Account { aliases: vec![Address::parse("team@corp.example").unwrap()], ..old.value.clone() };
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &old, &with_alias).unwrap();
    house.store.commit(batch).await.unwrap();
    for address in ["guest@corp.example", "bob@corp.example", "team@corp.example", "eve@elsewhere.example"] {
        let mut browser = house.browser();
        let question = browser.leaves("").await;
        let page = browser.arrives(&answer(&question, address)).await;
        page.says(StatusCode::FORBIDDEN, "There is no access for you here");
        page.says(StatusCode::FORBIDDEN, "Reference ");
        assert!(!browser.cookies.contains_key("__Host-session"), "{address}");
    }
}

#[tokio::test]
async fn an_account_that_is_locked_stays_locked() {
    let (house, _folder) = house("");
    let mut browser = house.browser();
    let question = browser.leaves("").await;
    browser.arrives(&answer(&question, ANN)).await.leads_to("/invitations");
    let old = house.accounts.by_address(&Address::parse(ANN).unwrap()).unwrap().unwrap();
    let mut batch = Batch::new();
    house.accounts.replace(&mut batch, &old, &Account { locked: true, ..old.value.clone() }).unwrap();
    house.store.commit(batch).await.unwrap();

    let mut browser = house.browser();
    let question = browser.leaves("").await;
    browser.arrives(&answer(&question, ANN)).await.says(StatusCode::FORBIDDEN, "no access for you here");
    assert!(!browser.cookies.contains_key("__Host-session"));
}

#[tokio::test]
async fn a_question_begins_with_our_own_form_only() {
    let (house, _folder) = house("");
    let mut browser = house.browser();
    browser.post("/saml/idp", &[("form", "0123")]).await.says(StatusCode::FORBIDDEN, "could not be accepted");
    for path in ["/saml/idp", ACS] {
        assert_eq!(browser.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(browser.fill_in("/sign-in", "/saml/other", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!browser.cookies.contains_key("__Host-question"));
}

#[tokio::test]
async fn a_form_that_is_too_large_is_not_read() {
    let (house, _folder) = house("");
    let request = request(Method::POST, ACS).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let body = format!("SAMLResponse={}", "x".repeat(512 * 1024));
    let page = house.browser().send(request, Body::from(body)).await;
    page.says(StatusCode::PAYLOAD_TOO_LARGE, "too large");
}

#[tokio::test]
async fn our_metadata_are_there_before_any_provider_is() {
    let house = House::with(WEB);
    let page = house.browser().get("/saml/metadata").await;
    page.says(StatusCode::OK, "entityID=\"https://portal.corp.example/saml/metadata\"");
    assert_eq!(page.header(CONTENT_TYPE), "application/samlmetadata+xml");
    assert!(!house.browser().get("/sign-in").await.text.contains("/saml/"));
}

#[tokio::test]
async fn from_outside_the_networks_of_staff_nobody_is_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("idp.xml");
    fs::write(&file, metadata(&[&OURS.certificate])).unwrap();
    let networks = "staff_networks = [\"192.0.2.0/24\"]\n";
    let provider = format!("[[saml]]\nname = \"idp\"\nmetadata = \"{}\"\n", file.display());
    let house = House::at(&format!("{WEB}{networks}{provider}"), SystemClock.now());
    let mut browser = house.browser();
    let page = browser.get("/sign-in").await;
    assert!(!page.text.contains("/saml/"), "{}", page.text);
    let form = page.form();
    for (path, fields) in [("/saml/idp", ("form", form.as_str())), (ACS, ("SAMLResponse", "x"))] {
        assert_eq!(browser.post(path, &[fields]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(browser.get("/saml/slo?SAMLResponse=x").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.post("/saml/slo", &[("SAMLResponse", "x")]).await.status, StatusCode::NOT_FOUND);
    assert!(!browser.cookies.contains_key("__Host-question"));
}

#[tokio::test]
async fn it_is_said_in_german_too() {
    let (house, _folder) = house("");
    let mut browser = house.browser();
    browser.leaves("").await;
    let request = request(Method::POST, ACS)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("accept-language", "de");
    let page = browser.send(request, Body::from("SAMLResponse=x")).await;
    page.says(StatusCode::FORBIDDEN, "Die Anmeldung ist nicht gelungen");
}
