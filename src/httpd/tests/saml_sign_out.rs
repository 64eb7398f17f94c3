//! Signing out, from here and from there, with a provider that really signs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::auth::saml::tests::provider::{Farewell, OURS};
use crate::httpd::tests::saml::{answer_in, house};

use super::*;

const SLO: &str = "/saml/slo";
const ANN: &str = "ann@corp.example";

impl House {
    /// A browser of this person, who came by the provider in a session with this index there.
    async fn by_saml(&self, address: &str, index: &str) -> Browser {
        let mut browser = self.browser();
        let question = browser.leaves("").await;
        browser.arrives(&answer_in(&question, address, index)).await.leads_to("/invitations");
        browser
    }
}

impl Browser {
    async fn is_signed_in(&mut self) -> bool {
        self.get("/invitations").await.status == StatusCode::OK
    }

    /// As the provider's page does it.
    async fn brings(&mut self, name: &str, xml: &str) -> Page {
        let request = request(Method::POST, SLO)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", "https://idp.corp.example")
            .header("sec-fetch-site", "cross-site");
        let body = format!("{name}={}&RelayState=r1", encoded(&STANDARD.encode(xml)));
        self.send(request, Body::from(body)).await
    }
}

fn with_key() -> (House, [TempDir; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let seal = OURS.files(folder.path());
    let (key, certificate) = (seal.key_file.display(), seal.certificate_file.display());
    let (house, other) = house(&format!("key_file = \"{key}\"\ncertificate_file = \"{certificate}\"\n"));
    (house, [folder, other])
}

fn back(status: &str) -> String {
    format!(
        "<p:LogoutResponse xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\"><p:Status><p:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/></p:Status></p:LogoutResponse>"
    )
}

#[tokio::test]
async fn signing_out_here_goes_on_to_the_provider_and_comes_back() {
    let (house, _folders) = with_key();
    let mut browser = house.by_saml(ANN, "_s1").await;
    let page = browser.fill_in("/invitations", "/sign-out", &[]).await;
    page.says(
        StatusCode::OK,
        "http-equiv=\"refresh\" content=\"0; url=https://idp.corp.example/slo?SAMLRequest=",
    );
    assert!(!page.text.contains("Ann Berg"), "{}", page.text);
    assert!(!browser.is_signed_in().await);

    browser
        .brings("SAMLResponse", &back("Success"))
        .await
        .says(StatusCode::OK, "here and at your organisation");
    browser.brings("SAMLResponse", &back("Responder")).await.says(StatusCode::OK, "did not say that you are");
    browser.brings("SAMLResponse", "nonsense").await.says(StatusCode::OK, "did not say that you are");
    // An answer changes nothing, whoever wrote it.
    let mut other = house.by_saml(ANN, "_s2").await;
    other.brings("SAMLResponse", &back("Success")).await;
    assert!(other.is_signed_in().await);
}

#[tokio::test]
async fn without_a_key_the_page_says_that_the_organisations_session_goes_on() {
    let (house, _folder) = house("");
    let mut browser = house.by_saml(ANN, "_s1").await;
    let page = browser.fill_in("/invitations", "/sign-out", &[]).await;
    page.says(StatusCode::OK, "still signed in at your organisation");
    assert!(!page.text.contains("idp.corp.example"), "{}", page.text);
    assert!(!browser.is_signed_in().await);

    let mut browser = house.by_saml(ANN, "_s1").await;
    house
        .browser()
        .brings("SAMLRequest", &Farewell::good().signed())
        .await
        .says(StatusCode::OK, "done here too");
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn signing_out_there_ends_exactly_those_sessions_and_is_answered() {
    let (house, _folders) = with_key();
    let mut first = house.by_saml(ANN, "_s1").await;
    let mut second = house.by_saml(ANN, "_s2").await;
    let mut bob = house.by_saml("bo@corp.example", "_s1").await;
    let word = Farewell { indexes: &["_s1"], ..Farewell::good() }.signed();
    let page = house.browser().brings("SAMLRequest", &word).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let location = page.header(LOCATION);
    assert!(location.starts_with("https://idp.corp.example/slo?SAMLResponse="), "{location}");
    assert!(location.contains("&RelayState=r1&SigAlg="), "{location}");
    assert!(!first.is_signed_in().await);
    assert!(second.is_signed_in().await && bob.is_signed_in().await);

    // The same word once more, when somebody has the same session again, as without an index it could be.
    let mut again = house.by_saml(ANN, "_s1").await;
    house.browser().brings("SAMLRequest", &word).await.says(StatusCode::FORBIDDEN, "was not accepted");
    assert!(again.is_signed_in().await);

    // All of one person's.
    let all = Farewell { id: "_f2", ..Farewell::good() }.signed();
    assert_eq!(house.browser().brings("SAMLRequest", &all).await.status, StatusCode::SEE_OTHER);
    assert!(!again.is_signed_in().await && !second.is_signed_in().await);
    assert!(bob.is_signed_in().await);
}

#[tokio::test]
async fn a_word_that_nobody_signed_ends_nothing_and_neither_does_an_address() {
    let (house, _folder) = house("");
    let mut browser = house.by_saml(ANN, "_s1").await;
    let bare = Farewell::good().xml("");
    browser.brings("SAMLRequest", &bare).await.says(StatusCode::FORBIDDEN, "was not accepted");
    let word = encoded(&STANDARD.encode(Farewell::good().signed()));
    let page = browser.get(&format!("{SLO}?SAMLRequest={word}")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn a_site_that_brings_many_words_of_nobody_has_to_wait() {
    let (house, _folder) = house("");
    let mut browser = house.by_saml(ANN, "_s1").await;
    let bare = Farewell::good().xml("");
    for _ in 0..51 {
        assert_eq!(house.browser().brings("SAMLRequest", &bare).await.status, StatusCode::FORBIDDEN);
    }
    let good = Farewell::good().signed();
    let early = house.browser().brings("SAMLRequest", &good).await;
    assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(browser.is_signed_in().await);
    house.clock.advance(Duration::from_secs(1));
    house.browser().brings("SAMLRequest", &good).await.says(StatusCode::OK, "done here too");
    assert!(!browser.is_signed_in().await);
    // And begins anew.
    assert_eq!(house.browser().brings("SAMLRequest", &bare).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.browser().brings("SAMLRequest", &bare).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn one_provider_ends_nothing_of_another() {
    let (house, _folder) = house("");
    let mut browser = house.by_saml(ANN, "_s1").await;
    let mut batch = Batch::new();
    assert!(house.accounts.end_sessions_from(&mut batch, "other", ANN, &[]).unwrap().is_empty());
    house.store.commit(batch).await.unwrap();
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn it_is_said_in_german_too() {
    let (house, _folder) = house("");
    let request = request(Method::POST, SLO)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("accept-language", "de");
    let page = house.browser().send(request, Body::from("SAMLRequest=x")).await;
    page.says(StatusCode::FORBIDDEN, "Vielleicht sind Sie hier noch angemeldet");
}
