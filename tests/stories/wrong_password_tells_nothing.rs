//! Unknown and wrong, guest and staff: a guesser hears the same.

use crate::harness::house::{ALICE, House};

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_tells_nothing() {
    let house = House::open().await;
    let link = house.invite(KIM).await;
    house.activate(&mut house.browser(), &link, "Kim Kerr", "seven bridges over the moat").await.assert(303);

    let wrong = house.sign_in(&mut house.browser(), KIM, "eight bridges over the moat").await;
    let unknown =
        house.sign_in(&mut house.browser(), "nobody@partner.example", "eight bridges over the moat").await;
    let staff = house.sign_in(&mut house.browser(), ALICE, "eight bridges over the moat").await;
    for page in [&wrong, &unknown, &staff] {
        assert_eq!(page.status, wrong.status);
        assert_ne!(page.status, 303);
        assert_eq!(page.words(), wrong.words());
    }

    let mut client = house.secure_client().await;
    let wrong = client.sign_in(ALICE, "eight bridges over the moat").await.assert(535);
    for (name, password) in
        [("nobody@corp.example", "eight bridges over the moat"), (KIM, "seven bridges over the moat")]
    {
        assert_eq!(client.sign_in(name, password).await, wrong);
    }
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_gets_slower() {
    let house = House::open().await;
    let mut browser = house.browser();
    for _ in 0..100 {
        if house.sign_in(&mut browser, KIM, "one of many guesses").await.status == 429 {
            house.close().await;
            return;
        }
    }
    panic!("a hundred guesses were free");
}
