//! A link opens one account, also when two people press the button at once.

use crate::harness::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn activation_link_works_once() {
    let house = House::open().await;
    let link = house.invite("kim@partner.example").await;

    let (mut one, mut two) = (house.browser(), house.browser());
    let first =
        one.get(&link).await.form("/i/").fill("name", "Kim One").fill("password", "the first of two riders");
    let second =
        two.get(&link).await.form("/i/").fill("name", "Kim Two").fill("password", "the second of two riders");
    let (first, second) = tokio::join!(one.submit(&first), two.submit(&second));

    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410], "one account, one “already used”");
    let (winner, loser) = if first.status == 303 {
        ("the first of two riders", "the second of two riders")
    } else {
        ("the second of two riders", "the first of two riders")
    };

    house.sign_in(&mut house.browser(), "kim@partner.example", winner).await.assert(303);
    let refused = house.sign_in(&mut house.browser(), "kim@partner.example", loser).await;
    assert_ne!(refused.status, 303);
    house.browser().get(&link).await.assert(410).assert_says("has been used");
    house.close().await;
}
