//! An admin adds, lists and changes staff accounts, with the same words whether the daemon runs or not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::command::postern;
use crate::harness::house::{ALICE, House, INVITE};
use crate::harness::letter::Letter;

const CAROL: &str = "carol@corp.example";
const DAVE: &str = "dave@corp.example";
const FIRST: &str = "seven bridges over the moat";
const SECOND: &str = "a lantern at the water gate";

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_while_the_daemon_runs() {
    let house = House::open().await;
    let config = house.config();
    let socket = fs::metadata(house.config().with_file_name("state").join("control.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);

    let add =
        ["account", "add", CAROL, "--name", "Carol Chu", "--alias", "c.chu@corp.example", "--no-invite"];
    postern(&config, &add, FIRST).await.assert_done("carol@corp.example can sign in now.\n");
    let mut client = house.secure_client().await;
    client.sign_in(CAROL, FIRST).await.assert(235);
    // Mail yes, invitations no.
    let letter = Letter::new("Plans").to("kim@partner.example").from(CAROL);
    client.mail(CAROL, &["kim@partner.example"], &letter.octets()).await.assert(250);
    client.mail(CAROL, &["kim@partner.example", INVITE], &letter.octets()).await.assert(550);
    client.quit().await;

    let line = "carol@corp.example  Carol Chu  also c.chu@corp.example  may not invite\n";
    let listed = postern(&config, &["account", "list"], "").await;
    assert!(listed.succeeded && listed.out.lines().count() == 3 && listed.out.ends_with(line), "{listed:?}");
    let listed = postern(&config, &["account", "list", "--json"], "").await;
    let json: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!((&json[2]["address"], &json[2]["may_invite"]), (&CAROL.into(), &false.into()));
    assert!(!listed.out.contains("argon2"), "{listed:?}");

    let change = ["account", "password", CAROL];
    postern(&config, &change, SECOND).await.assert_done("carol@corp.example has a new password.\n");
    let mut client = house.secure_client().await;
    client.sign_in(CAROL, FIRST).await.assert(535);
    client.sign_in(CAROL, SECOND).await.assert(235);
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_made_while_no_daemon_runs() {
    let mut house = House::open().await;
    let config = house.config();
    house.begin_to_stop().await.unwrap();

    postern(&config, &["account", "add", DAVE], FIRST)
        .await
        .assert_done("dave@corp.example can sign in now.\n");
    let listed = postern(&config, &["account", "list"], "").await;
    assert!(listed.succeeded && listed.out.ends_with("\ndave@corp.example\n"), "{listed:?}");
    let file = config.with_file_name("password");
    fs::write(&file, format!("{SECOND}\r\nand a second line\n")).unwrap();
    let change = ["account", "password", DAVE, "--password-file", file.to_str().unwrap()];
    postern(&config, &change, "").await.assert_done("dave@corp.example has a new password.\n");

    house.start().await;
    let mut client = house.secure_client().await;
    client.sign_in(DAVE, SECOND).await.assert(235);
    client.quit().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_with_an_account_is_said_in_words() {
    let mut house = House::open().await;
    let config = house.config();
    // With the daemon, then without one.
    for runs in [true, false] {
        if !runs {
            house.begin_to_stop().await.unwrap();
        }
        for (words, password, reason) in [
            (
                vec!["account", "add", "kim@partner.example"],
                FIRST,
                "kim@partner.example is not in a domain of the organisation; see the key organisation.domains",
            ),
            (
                vec!["account", "add", "eve@corp.example", "--alias", ALICE],
                FIRST,
                "there is already an account with the address eve@corp.example or one of the aliases",
            ),
            (
                vec!["account", "password", DAVE],
                FIRST,
                "there is no staff account with the address dave@corp.example; `postern account list` shows all",
            ),
            (
                vec!["account", "add", DAVE],
                "",
                "the password is empty; please type one, or hand one in with --password-file",
            ),
        ] {
            postern(&config, &words, password).await.assert_refused(reason);
        }
        let weak = postern(&config, &["account", "add", DAVE], "password1").await;
        assert!(!weak.succeeded && weak.err.contains("easy to guess"), "{weak:?}");
    }
    house.start().await;
    house.close().await;
}
