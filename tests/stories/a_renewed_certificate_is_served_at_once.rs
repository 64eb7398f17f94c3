//! A certificate is renewed every few weeks; nobody wants to restart a mail server for that.

use crate::harness::house::{ALICE, House};

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_served_at_once() {
    let mut house = House::open().await;
    let mut open = house.client_of(ALICE).await;

    // From now on clients of the house trust only the authority that has signed the new one.
    house.renew_certificate();
    house.client_of(ALICE).await.quit().await;
    house.implicit_tls_client().await.quit().await;
    house.browser().get("/sign-in").await.assert(200);
    open.command("NOOP").await.assert(250);

    house.spoil_certificate();
    house.client_of(ALICE).await.quit().await;
    house.close().await;
}
