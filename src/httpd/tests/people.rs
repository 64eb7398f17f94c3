//! What becomes of an account: verified, forgotten, changed, left.

use super::*;
use crate::mail::edit::Source;
use crate::upkeep::{self, Upkeep};

const OTHER_PASSWORD: &str = "nine green ladders fall";
/// What people do about their own accounts.
pub(super) fn upkeep(
    settings: &Settings,
    store: &Store,
    accounts: &Accounts,
    passwords: &Passwords,
    notices: &Notices,
    queue: &Queue,
    clock: &Arc<dyn Clock>,
) -> Upkeep {
    let parts = upkeep::Parts {
        store: store.clone(),
        accounts: accounts.clone(),
        passwords: passwords.clone(),
        notices: notices.clone(),
        queue: queue.clone(),
        clock: Arc::clone(clock),
    };
    Upkeep::new(parts, Failures::new(Arc::clone(clock), 3, 100), &settings.organisation.name)
}

const VERIFY: &str = "[registration]\nverify_email = true\n";

impl House {
    /// The next mail that leaves: to whom, and its octets. Mail that is put off goes behind.
    pub(super) async fn next_mail(&self) -> (String, String) {
        let claim = self.queue.claim().await.unwrap();
        let body = self.spool.open(&claim.message.body).unwrap();
        let octets = body.read(0..body.len()).unwrap().to_vec();
        let to = claim.envelopes().next().unwrap().recipient.to_string();
        // Kept under way, so that it is not claimed again.
        std::mem::forget(claim);
        let mail = mailparse::parse_mail(&octets).unwrap();
        (to, mail.subparts[0].get_body().unwrap())
    }

    /// The path behind the next mail's link.
    async fn next_link(&self) -> String {
        let (_, text) = self.next_mail().await;
        let link = text.lines().find(|line| line.starts_with("https://")).expect("a link");
        link.strip_prefix("https://postern.corp.example").unwrap().to_owned()
    }
}

async fn fill_in_invitation(browser: &mut Browser, link: &Token) -> String {
    let path = format!("/i/{}", link.reveal());
    let fields = [("name", "Kim Roe"), ("password", GOOD_PASSWORD)];
    browser.fill_in(&path, &path, &fields).await.leads_to(&path);
    path
}

async fn sign_in(house: &House, password: &str) -> (Browser, Page) {
    let mut browser = house.browser();
    let fields = [("address", "kim@partner.example"), ("password", password)];
    let page = browser.fill_in("/sign-in", "/sign-in", &fields).await;
    (browser, page)
}

#[tokio::test]
async fn an_address_that_is_to_be_verified_opens_with_the_button_and_not_by_looking() {
    let house = House::with(VERIFY);
    let (id, link) = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    let path = fill_in_invitation(&mut browser, &link).await;
    browser.get(&path).await.says(StatusCode::OK, "Please look into your mailbox");
    assert!(house.accounts.list(None, 10).unwrap().is_empty());
    assert!(!matches!(house.state(id), State::Accepted { .. }), "the inviter hears of nothing yet");
    assert_eq!(house.queue.len(), 1);

    let verify = house.next_link().await;
    assert!(verify.starts_with("/verify/"), "{verify}");
    for _ in 0..20 {
        browser.get(&verify).await.says(StatusCode::OK, "Open the account");
        assert_eq!(browser.head(&verify).await.status, StatusCode::OK);
    }
    assert!(house.accounts.list(None, 10).unwrap().is_empty());

    browser.fill_in(&verify, &verify, &[]).await.leads_to("/dropoff");
    browser.get("/dropoff").await.says(StatusCode::OK, "New drop-off");
    assert!(matches!(house.state(id), State::Accepted { .. }));
    assert_eq!(house.queue.len(), 3, "both sides are told");

    // Pressed twice.
    let mut other = house.browser();
    let form = other.get("/sign-in").await.form();
    let again = other.post(&verify, &[("form", &form)]).await;
    again.says(StatusCode::OK, "This was done already");
    assert!(!other.cookies.contains_key("__Host-session"));
    assert_eq!(house.accounts.list(None, 10).unwrap().len(), 1);
    let (_, page) = sign_in(&house, GOOD_PASSWORD).await;
    page.leads_to("/dropoff");
}

#[tokio::test]
async fn of_many_who_press_at_once_one_gets_the_account() {
    let house = House::with(VERIFY);
    let (_, link) = house.invite("kim@partner.example").await;
    fill_in_invitation(&mut house.browser(), &link).await;
    let verify = house.next_link().await;
    let presses = (0..6).map(|_| async {
        let mut browser = house.browser();
        browser.fill_in(&verify, &verify, &[]).await
    });
    let pages = futures_util::future::join_all(presses).await;
    let opened = pages.iter().filter(|page| page.status == StatusCode::SEE_OTHER).count();
    assert_eq!(opened, 1);
    assert!(pages.iter().all(|page| page.status.is_success() || page.status.is_redirection()));
    assert_eq!(house.accounts.list(None, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn the_second_mail_comes_again_once_a_minute_and_has_its_time() {
    let house = House::with(VERIFY);
    let (id, link) = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    let path = fill_in_invitation(&mut browser, &link).await;
    let first = house.next_link().await;
    let again = format!("{path}/again");
    browser.fill_in(&path, &again, &[]).await.says(StatusCode::TOO_MANY_REQUESTS, "less than a minute ago");
    house.clock.advance(Duration::from_mins(1));
    browser.fill_in(&path, &again, &[]).await.says(StatusCode::OK, "sent once more");
    let second = house.next_link().await;
    assert_ne!(first, second);
    browser.get(&again).await.leads_to(&path);

    // The first one's time is over, then the second one's; then the form is there again.
    house.clock.advance(Duration::from_hours(48) - Duration::from_secs(30));
    browser.get(&first).await.says(StatusCode::GONE, "too old");
    browser.get(&second).await.says(StatusCode::OK, "Open the account");
    house.clock.advance(Duration::from_mins(1));
    let form = browser.get("/sign-in").await.form();
    browser.post(&second, &[("form", &form)]).await.says(StatusCode::GONE, "too old");
    let mut batch = Batch::new();
    assert_eq!(house.accounts.sweep_words(&mut batch, house.clock.now(), 10).unwrap(), 2);
    house.store.commit(batch).await.unwrap();
    browser.get(&path).await.says(StatusCode::OK, "Choose a password");
    assert!(!matches!(house.state(id), State::Accepted { .. }));
    fill_in_invitation(&mut browser, &link).await;
    let third = house.next_link().await;
    browser.fill_in(&third, &third, &[]).await.leads_to("/dropoff");
}

#[tokio::test]
async fn nobody_is_buried_in_mails_to_verify() {
    let house = House::with(VERIFY);
    let (_, link) = house.invite("kim@partner.example").await;
    let mut browser = house.browser();
    let path = fill_in_invitation(&mut browser, &link).await;
    for mails in 2..=11 {
        house.clock.advance(Duration::from_mins(1));
        let words = if mails <= 10 { "sent once more" } else { "not sent any more" };
        browser.fill_in(&path, &format!("{path}/again"), &[]).await.says(StatusCode::OK, words);
    }
    assert_eq!(house.queue.len(), 10);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_by_a_link_that_works_once() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let (mut signed_in, page) = sign_in(&house, GOOD_PASSWORD).await;
    page.leads_to("/dropoff");

    let mut browser = house.browser();
    let fields = [("address", "Kim@Partner.example")];
    let known = browser.fill_in("/forgotten", "/forgotten", &fields).await;
    known.says(StatusCode::OK, "If there is an account");
    let unknown = browser.fill_in("/forgotten", "/forgotten", &[("address", "Lee@Partner.example")]).await;
    assert_eq!(unknown.text, known.text.replace("Kim", "Lee"), "nothing to be told from the answer");

    let reset = house.next_link().await;
    assert!(reset.starts_with("/reset/"), "{reset}");
    for _ in 0..20 {
        browser.get(&reset).await.says(StatusCode::OK, "value=\"kim@partner.example\" readonly");
    }
    let weak = browser.fill_in(&reset, &reset, &[("password", "password1")]).await;
    weak.says(StatusCode::UNPROCESSABLE_ENTITY, "easy to guess");
    let done = browser.fill_in(&reset, &reset, &[("password", OTHER_PASSWORD)]).await;
    done.says(StatusCode::OK, "Your new password is set");

    signed_in.get("/dropoff").await.leads_to("/sign-in");
    let (to, text) = house.next_mail().await;
    assert!(to == "kim@partner.example" && text.contains("was changed"), "{text}");
    browser.get(&reset).await.says(StatusCode::GONE, "opens nothing any more");
    let form = browser.get("/sign-in").await.form();
    let again = browser.post(&reset, &[("password", "ten red lanterns swing"), ("form", &form)]).await;
    again.says(StatusCode::GONE, "opens nothing any more");
    let (_, old) = sign_in(&house, GOOD_PASSWORD).await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, new) = sign_in(&house, OTHER_PASSWORD).await;
    new.leads_to("/dropoff");
}

#[tokio::test]
async fn a_link_for_a_new_password_ends_in_an_hour_and_with_the_password_it_was_for() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let mut browser = house.browser();
    let ask = [("address", "kim@partner.example")];
    let mut links = Vec::new();
    for _ in 0..2 {
        browser.fill_in("/forgotten", "/forgotten", &ask).await.says(StatusCode::OK, "If there is");
        links.push(house.next_link().await);
    }
    house.clock.advance(Duration::from_hours(1) - Duration::from_millis(1));
    browser.fill_in(&links[1], &links[1], &[("password", OTHER_PASSWORD)]).await;
    browser.get(&links[0]).await.says(StatusCode::GONE, "opens nothing any more");
    house.next_mail().await;

    browser.fill_in("/forgotten", "/forgotten", &ask).await;
    let late = house.next_link().await;
    house.clock.advance(Duration::from_hours(1));
    browser.get(&late).await.says(StatusCode::GONE, "opens nothing any more");
}

#[tokio::test]
async fn nobody_is_buried_in_mails_about_passwords() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let mut browser = house.browser();
    // Three are free, for known and unknown alike.
    for address in ["kim@partner.example", "nobody@partner.example"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            let form = browser.get("/forgotten").await.form();
            let fields = [("address", address), ("form", form.as_str())];
            let request = request(Method::POST, "/forgotten")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .extension(Peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, u8::try_from(address.len()).unwrap()))));
            let body: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            answers.push(browser.send(request, Body::from(body.join("&"))).await.status);
        }
        assert_eq!(answers[..3], [StatusCode::OK; 3]);
        assert_eq!(answers[4], StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn who_has_no_password_here_is_told_where_it_is() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let old = house.accounts.by_address(&"kim@partner.example".parse().unwrap()).unwrap().unwrap();
    let mut browser = house.browser();
    for (change, words) in [
        (Account { locked: true, ..old.value.clone() }, "This account is locked"),
        (
            Account { credential: Credential::Organisation, ..old.value.clone() },
            "password of your organisation",
        ),
    ] {
        let present = house.accounts.by_id(old.value.id).unwrap().unwrap();
        let mut batch = Batch::new();
        house.accounts.replace(&mut batch, &present, &change).unwrap();
        house.store.commit(batch).await.unwrap();
        browser.fill_in("/forgotten", "/forgotten", &[("address", "kim@partner.example")]).await;
        let (_, text) = house.next_mail().await;
        assert!(text.contains(words) && !text.contains("/reset/"), "{text}");
    }
}

#[tokio::test]
async fn a_person_changes_name_and_password_and_signs_out_everywhere() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let (mut here, _) = sign_in(&house, GOOD_PASSWORD).await;
    let (mut there, _) = sign_in(&house, GOOD_PASSWORD).await;
    house.browser().get("/account").await.leads_to("/sign-in?next=/account");
    here.get("/account").await.says(StatusCode::OK, "Another browser, since");

    here.fill_in("/account", "/account/name", &[("name", "Kim\u{7}")])
        .await
        .says(StatusCode::UNPROCESSABLE_ENTITY, "visible characters");
    here.fill_in("/account", "/account/name", &[("name", "Kim Rowe")]).await.leads_to("/account?name");
    here.get("/account?name").await.says(StatusCode::OK, "value=\"Kim Rowe\"");

    let wrong = [("password", "not this one at all"), ("new", OTHER_PASSWORD)];
    here.fill_in("/account", "/account/password", &wrong)
        .await
        .says(StatusCode::UNPROCESSABLE_ENTITY, "not your present password");
    let weak = [("password", GOOD_PASSWORD), ("new", "password1")];
    here.fill_in("/account", "/account/password", &weak)
        .await
        .says(StatusCode::UNPROCESSABLE_ENTITY, "easy to guess");
    there.get("/account").await.says(StatusCode::OK, "Kim Rowe");
    let right = [("password", GOOD_PASSWORD), ("new", OTHER_PASSWORD)];
    here.fill_in("/account", "/account/password", &right).await.leads_to("/account?password");
    there.get("/account").await.leads_to("/sign-in?next=/account");
    assert!(house.next_mail().await.1.contains("was changed"));

    let (mut there, page) = sign_in(&house, OTHER_PASSWORD).await;
    page.leads_to("/dropoff");
    here.fill_in("/account", "/account/sign-out-everywhere", &[]).await.leads_to("/account?sessions");
    there.get("/account").await.leads_to("/sign-in?next=/account");
    here.get("/account").await.says(StatusCode::OK, "This browser, since");
}

#[tokio::test]
async fn of_guesses_made_side_by_side_few_are_answered() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let (mut browser, _) = sign_in(&house, GOOD_PASSWORD).await;
    let form = browser.get("/account").await.form();
    let fields = [("password", "not this one at all"), ("new", OTHER_PASSWORD), ("form", form.as_str())];
    let guess = || {
        let mut tab = Browser { router: browser.router.clone(), cookies: browser.cookies.clone() };
        async move { tab.post("/account/password", &fields).await }
    };
    let answers = futures_util::future::join_all((0..12).map(|_| guess())).await;
    let told = answers.iter().filter(|page| page.text.contains("not your present password")).count();
    assert!((1..=4).contains(&told), "{told} of 12");
}

#[tokio::test]
async fn wrong_passwords_on_the_account_page_are_counted() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let (mut browser, _) = sign_in(&house, GOOD_PASSWORD).await;
    let wrong = [("password", "not this one at all")];
    for _ in 0..4 {
        browser.fill_in("/account", "/account/delete", &wrong).await;
    }
    let right = [("password", GOOD_PASSWORD)];
    let page = browser.fill_in("/account", "/account/delete", &right).await;
    page.says(StatusCode::UNPROCESSABLE_ENTITY, "too many attempts");
    assert_eq!(house.accounts.list(None, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn who_leaves_is_gone_and_can_be_invited_again() {
    let house = House::new();
    house.account(Kind::Guest, "kim@partner.example").await;
    let (mut here, _) = sign_in(&house, GOOD_PASSWORD).await;
    let (mut there, _) = sign_in(&house, GOOD_PASSWORD).await;
    let page = here.fill_in("/account", "/account/delete", &[("password", GOOD_PASSWORD)]).await;
    page.says(StatusCode::OK, "Your account has been deleted");
    there.get("/account").await.leads_to("/sign-in?next=/account");
    let (to, text) = house.next_mail().await;
    assert!(to == "kim@partner.example" && text.contains("as you wished"), "{text}");
    assert!(house.accounts.list(None, 10).unwrap().is_empty());
    let (_, refused) = sign_in(&house, GOOD_PASSWORD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);

    let (_, link) = house.invite("kim@partner.example").await;
    let path = format!("/i/{}", link.reveal());
    let fields = [("name", "Kim Roe"), ("password", GOOD_PASSWORD)];
    house.browser().fill_in(&path, &path, &fields).await.leads_to("/dropoff");
}
