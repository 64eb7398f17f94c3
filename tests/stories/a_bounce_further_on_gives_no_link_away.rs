//! A hop further on may give a whole mail back to its sender. Of an invitation it is asked for the header only (RFC 3461
//! §4.3), so that the invitee's link does not come back to the inviter.

use crate::harness::hop::{Hop, Manners};
use crate::harness::house::{ALICE, House, INVITE};
use crate::harness::letter::Letter;

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_further_on_gives_no_link_away() {
    let hop = Hop::with(Manners { dsn: true, ..Manners::default() }).await;
    let house = House::open_before(hop, |_| ()).await;
    // Ordinary mail is asked back as its sender's program wants it; an invitation never is.
    for (recipients, asked, passed_on) in [
        (&["kim@partner.example"][..], " RET=FULL", "RET=FULL"),
        (&["lee@partner.example", INVITE], " RET=FULL", "RET=HDRS"),
        (&["max@partner.example", INVITE], "", "RET=HDRS"),
    ] {
        let mut client = house.client_of(ALICE).await;
        client.command(&format!("MAIL FROM:<{ALICE}>{asked}")).await.assert(250);
        for recipient in recipients {
            client.command(&format!("RCPT TO:<{recipient}>")).await.assert(250);
        }
        client.command("DATA").await.assert(354);
        let letter = Letter::new("Plans").to(recipients[0]);
        client.command(&format!("{}.", String::from_utf8(letter.octets()).unwrap())).await.assert(250);
        client.quit().await;
        let arrived = house.hop.wait_for_mail_to(recipients[0]).await;
        let found: Vec<_> = arrived.parameters.split(' ').filter(|it| it.starts_with("RET=")).collect();
        assert_eq!(found, [passed_on], "to {}", recipients[0]);
    }
    house.close().await;
}
