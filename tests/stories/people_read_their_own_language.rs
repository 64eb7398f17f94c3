//! Who is invited in German reads German from the first mail to the last, and so does who has an account in it.

use std::fs;

use crate::harness::command::postern;
use crate::harness::house::House;
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;

const KIM: &str = "kim@partner.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_invitee_reads_the_language_that_the_inviter_chose() {
    let house = House::open().await;
    let letter = Letter::new("Pläne").to(KIM).octets();
    house.send(&[KIM, "invite+de@corp.example"], &letter).await.assert(250);
    let mail = house.hop.wait_for_mail_to(KIM).await;
    let text = Arrived::new(&mail.octets).texts("text/plain").remove(0);
    assert!(text.contains("Sie wurden eingeladen.") && text.contains("gilt 14 Tage."), "{text}");
    let link = text.lines().find(|line| line.contains("/i/")).unwrap().trim().to_owned();

    let mut browser = house.browser();
    browser.get(&link).await.assert(200).assert_says("hat Sie eingeladen");
    house.hop.take();
    house.activate(&mut browser, &link, "Kim Roe", "sieben braune Kessel").await.assert(303);
    // The account keeps it: page and mail go on in German.
    browser.get("/account").await.assert(200).assert_says("Ihr Konto");
    let welcome = house.hop.wait_for_mail_to(KIM).await;
    let text = Arrived::new(&welcome.octets).texts("text/plain").remove(0);
    assert!(text.contains("Ihr Konto bei"), "{text}");

    let refused = house.send(&["lee@partner.example", "invite+fr@corp.example"], &letter).await;
    refused.assert(550).assert_says("550 ", "fr");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_looked_at_and_taken_out_on_the_command_line() {
    let house = House::open().await;
    let config = house.config();
    let folder = house.templates();

    let listed = postern(&config, &["template", "list"], "").await;
    assert!(
        listed.succeeded && listed.out.contains("\nde/mail/welcome/body.txt: to the guest"),
        "{listed:?}"
    );
    let shown =
        postern(&config, &["template", "show", "mail/welcome/subject.txt", "--language", "de"], "").await;
    shown.assert_done("Ihr Konto bei {{ organisation.name }} ist eingerichtet\n");
    let preview = postern(&config, &["template", "preview", "mail/welcome"], "").await;
    assert!(preview.succeeded && preview.out.contains("Welcome, Kim Roe."), "{preview:?}");
    let preview = postern(&config, &["template", "preview", "page/used", "--language", "de"], "").await;
    assert!(preview.succeeded && preview.out.contains("<html lang=\"de\">"), "{preview:?}");

    // One file or a whole mail; what is there is not overwritten, and then nothing is.
    let file = folder.join("mail/welcome/body.txt");
    let eject = ["template", "eject", "mail/welcome/body.txt"];
    postern(&config, &eject, "").await.assert_done(&format!("{}\n", file.display()));
    fs::write(&file, "Hello {{ guset.name }}").unwrap();
    let there = folder.join("mail/welcome/body.txt");
    let refusal =
        format!("{} is there already; nothing was written. With --force it is overwritten.", there.display());
    postern(&config, &["template", "eject", "mail/welcome"], "").await.assert_refused(&refusal);
    assert!(!folder.join("mail/welcome/body.html").exists());
    assert_eq!(fs::read_to_string(&file).unwrap(), "Hello {{ guset.name }}");

    let checked = postern(&config, &["template", "check"], "").await;
    let fault =
        "mail/welcome/body.txt:1: there is no “guset.name” in this template; did you mean “guest.name”?\n";
    assert!(!checked.succeeded && checked.out == fault, "{checked:?}");
    postern(&config, &["template", "eject", "mail/welcome", "--force"], "").await;
    let fine = format!("{} has no faulty template\n", folder.display());
    postern(&config, &["template", "check"], "").await.assert_done(&fine);

    // A language that is not built in begins with the English text.
    postern(&config, &["template", "eject", "words.txt", "--language", "fr"], "").await;
    assert!(fs::read_to_string(folder.join("fr/words.txt")).unwrap().contains("\nJanuary\n"));
    postern(&config, &["template", "show", "mail/nowhere"], "")
        .await
        .assert_refused("there is no template “mail/nowhere”; `postern template list` names them all");
    house.close().await;
}
