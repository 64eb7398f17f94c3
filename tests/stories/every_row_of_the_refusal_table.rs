//! Everything that is refused and why: each row of the tables, provoked by a client, with its code and its sentence.
//! Nobody is invited by any of them.

use std::fmt::Write;

use insta::assert_snapshot;
use postern::base::address::Domain;

use crate::harness::client::Client;
use crate::harness::house::{ALICE, BOB, House, INVITE};
use crate::harness::letter::Letter;

const KIM: &str = "kim@partner.example";

/// What is the matter, the envelope's recipients, and the mail.
type Row<'a> = (&'a str, &'a [&'a str], Letter);

fn letter() -> Letter {
    Letter::new("Plans").to(KIM).cc(INVITE)
}

/// The answers, one a line.
async fn answers(client: &mut Client, rows: &[Row<'_>]) -> String {
    let mut table = String::new();
    for (what, recipients, letter) in rows {
        let answer = client.mail(ALICE, recipients, &letter.octets()).await;
        writeln!(table, "{what}\n  {answer}").unwrap();
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_invited() {
    let house = House::open_with(|settings| {
        // A person makes fewer mistakes in one sitting.
        settings.limits.command_errors = 100;
        settings.invite.domain = Domain::parse("invite.corp.example");
        settings.invite.guests.blocked = Domain::parse("rival.example").into_iter().collect();
    })
    .await;
    let mut client = house.client_of(ALICE).await;
    let rows: &[Row<'_>] = &[
        ("only colleagues", &[BOB, INVITE], letter()),
        ("nobody in envelope or header", &[INVITE], Letter::new("Plans").to(INVITE)),
        ("a tag that is not known", &[KIM, "invite+quickly@corp.example"], letter()),
        ("a lifetime that is too long", &[KIM, "invite+91d@corp.example"], letter()),
        ("no domain before the suffix", &["kim@invite.corp.example"], letter()),
        ("no address", &["kim", INVITE], letter()),
        ("no valid domain", &["kim@partner..example", INVITE], letter()),
        ("a host by its number", &["kim@[192.0.2.7]", INVITE], letter()),
        ("no address in the header", &[INVITE], letter().to("Lee Lund <lee@[192.0.2.7]>")),
        ("a domain that does not exist", &[KIM, "lee@nowhere.example", INVITE], letter()),
        ("the same by tag", &["invite+lee=nowhere.example@corp.example"], letter()),
        ("the same by suffix", &["lee@nowhere.example.invite.corp.example"], letter()),
        ("the same in the header", &[INVITE], letter().to("lee@nowhere.example")),
        ("a domain that takes no mail", &["mo@mute.example", INVITE], letter()),
        ("a blocked domain", &["eve@eu.rival.example", INVITE], letter()),
        ("a typing error", &["kim@gmial.com", INVITE], letter()),
        ("a colleague by tag", &["invite+bob=corp.example@corp.example"], letter()),
        ("a colleague by suffix", &["bob@corp.example.invite.corp.example"], letter()),
        ("an invite address", &["invite+invite=corp.example@corp.example"], letter()),
    ];
    assert_snapshot!(answers(&mut client, rows).await, @r#"
    only colleagues
      550 5.1.3 nobody outside the organisation is among the recipients. Please write the address of the person to invite into To, Cc or Bcc, beside the invite address
    nobody in envelope or header
      550 5.1.3 nobody outside the organisation is among the recipients. Please write the address of the person to invite into To, Cc or Bcc, beside the invite address
    a tag that is not known
      550 5.1.3 "+quickly" in invite+quickly@corp.example is not known. Please write the invite address without it, or invite+kim=partner.example@corp.example to invite one person
    a lifetime that is too long
      550 5.1.3 links cannot be valid for 91 days; please ask for a time between 1 and 90 days
    no domain before the suffix
      550 5.1.3 kim@invite.corp.example does not say whom to invite. Please write for example kim@partner.example.invite.corp.example
    no address
      550 5.1.3 "kim" is not a mail address: it has no @
    no valid domain
      550 5.1.3 "kim@partner..example" is not a mail address: "partner..example" is not a valid domain
    a host by its number
      550 5.1.3 "kim@[192.0.2.7]" names a host by its number; please use an address with a domain name
    no address in the header
      550 5.1.3 To or Cc holds something that is not a mail address, so nobody was invited. Please correct it and send again
    a domain that does not exist
      550 5.1.2 lee@nowhere.example cannot be reached: the domain nowhere.example does not exist. Please check how the address is spelt
    the same by tag
      550 5.1.2 lee@nowhere.example cannot be reached: the domain nowhere.example does not exist. Please check how the address is spelt
    the same by suffix
      550 5.1.2 lee@nowhere.example cannot be reached: the domain nowhere.example does not exist. Please check how the address is spelt
    the same in the header
      550 5.1.2 lee@nowhere.example cannot be reached: the domain nowhere.example does not exist. Please check how the address is spelt
    a domain that takes no mail
      550 5.1.2 mo@mute.example cannot be reached: mute.example takes no mail at all. Please ask for another address
    a blocked domain
      550 5.7.1 nobody at eu.rival.example may be invited, so eve@eu.rival.example cannot be. Your administrator has blocked it
    a typing error
      550 5.1.2 kim@gmial.com looks like a typing error: did you mean kim@gmail.com? Please correct the address
    a colleague by tag
      550 5.1.3 bob@corp.example is an address of your own organisation, and this invites people outside only. Please write to bob@corp.example directly, or use the invite address for colleagues if there is one
    a colleague by suffix
      550 5.1.3 bob@corp.example is an address of your own organisation, and this invites people outside only. Please write to bob@corp.example directly, or use the invite address for colleagues if there is one
    an invite address
      550 5.1.3 invite@corp.example is an invite address itself. Please write the address of the person to invite in its place
    "#);
    client.quit().await;
    assert_eq!(house.close().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_invitation() {
    let house = House::open().await;
    let mut client = house.client_of(ALICE).await;
    let many = (0..51).map(|number| format!("kim{number}@partner.example")).collect::<Vec<_>>();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push(INVITE);
    let hops = (0..31).fold(letter(), |letter, _| letter.field("Received", "from a.example by b.example"));
    let both: &[&str] = &[KIM, INVITE];
    let multipart = |content: &str| letter().field("Content-Type", content);
    let rows: &[Row<'_>] = &[
        ("an empty subject", both, Letter::new("").to(KIM)),
        ("a long subject", both, Letter::new(&"x".repeat(257)).to(KIM)),
        ("no visible text", both, letter().text(" \r\n").html("<p>&nbsp;</p>")),
        ("51 invitees", &many, letter()),
        ("part of a message", both, multipart("message/partial; id=\"a\"; number=1")),
        ("a message elsewhere", both, multipart("message/external-body; access-type=URL")),
        ("an answer of a machine", both, letter().field("Auto-Submitted", "auto-replied")),
        ("no wish for answers", both, letter().field("X-Auto-Response-Suppress", "OOF")),
        ("a mailing list", both, letter().field("List-Id", "<plans.corp.example>")),
        ("bulk", both, letter().field("Precedence", "bulk")),
        ("a list", both, letter().field("Precedence", "list")),
        ("junk", both, letter().field("Precedence", "junk")),
        ("our own invitation", both, letter().field("X-Postern-Loop", "postern.corp.example")),
        ("a round trip", both, hops),
    ];
    let mut table = answers(&mut client, rows).await;
    let answer = client.mail("", both, &letter().octets()).await;
    writeln!(table, "no sender\n  {answer}").unwrap();
    assert_snapshot!(table, @r"
    an empty subject
      550 5.6.0 the subject is empty. Please write one: the person you invite sees it first
    a long subject
      550 5.6.0 the subject has 257 characters; at most 256 are allowed. Please shorten it
    no visible text
      550 5.6.0 the message has no text. Please write a few words to the person you invite
    51 invitees
      550 5.5.3 you invite 51 people at once; at most 50 are allowed. Please send several messages
    part of a message
      550 5.6.1 the message is one piece of a split message (message/partial); please send it in one piece
    a message elsewhere
      550 5.6.1 the message points to content kept elsewhere (message/external-body); please attach the content itself
    an answer of a machine
      550 5.7.1 an automatic message (Auto-Submitted: auto-replied) cannot invite anybody. Please write the invitation yourself
    no wish for answers
      550 5.7.1 an automatic message (X-Auto-Response-Suppress: oof) cannot invite anybody. Please write the invitation yourself
    a mailing list
      550 5.7.1 an automatic message (List-ID) cannot invite anybody. Please write the invitation yourself
    bulk
      550 5.7.1 an automatic message (Precedence: bulk) cannot invite anybody. Please write the invitation yourself
    a list
      550 5.7.1 an automatic message (Precedence: list) cannot invite anybody. Please write the invitation yourself
    junk
      550 5.7.1 an automatic message (Precedence: junk) cannot invite anybody. Please write the invitation yourself
    our own invitation
      550 5.7.1 this mail is an invitation already, and came back to the gateway. Please write a new one
    a round trip
      550 5.7.1 the message has passed 32 servers, which looks like a loop; at most 30 are allowed
    no sender
      550 5.7.1 an automatic message (empty return path) cannot invite anybody. Please write the invitation yourself
    ");
    client.quit().await;
    assert_eq!(house.close().await.len(), 0);
}

/// Within a house of its own, because the admin decides.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_admin_forbids() {
    let mut table = String::new();
    let house = House::open_with(|settings| settings.invite.enabled = false).await;
    let answer = house.send(&[KIM, INVITE], &letter().octets()).await;
    writeln!(table, "switched off\n  {answer}").unwrap();
    assert_eq!(house.close().await.len(), 0);

    let house = House::open_with(|settings| {
        settings.invite.guests.allowed = Domain::parse("supplier.example").into_iter().collect();
    })
    .await;
    let answer = house.send(&[KIM, INVITE], &letter().octets()).await;
    writeln!(table, "not on the list\n  {answer}").unwrap();
    let mut client = house.client_of(BOB).await;
    let answer = client.mail(BOB, &[KIM, INVITE], &letter().from(BOB).octets()).await;
    writeln!(table, "no right to invite\n  {answer}").unwrap();
    client.quit().await;
    assert_eq!(house.close().await.len(), 0);
    assert_snapshot!(table, @r"
    switched off
      550 5.7.1 invitations are switched off at the moment. Your administrator can switch them on
    not on the list
      550 5.7.1 kim@partner.example cannot be invited: partner.example is not among the domains that your administrator has allowed
    no right to invite
      550 5.7.1 bob@corp.example may not send invitations; please ask your administrator
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_limits_of_one_inviter() {
    let house = House::open_with(|settings| {
        settings.invite.rates.per_invitee = Some(1);
        settings.invite.rates.per_domain = Some(2);
    })
    .await;
    let mut client = house.client_of(ALICE).await;
    let (lee, mo) = ("lee@partner.example", "mo@partner.example");
    client.mail(ALICE, &[KIM, INVITE], &letter().octets()).await.assert(250);
    let rows: &[Row<'_>] = &[
        ("the same person again", &[KIM, INVITE], letter()),
        ("more in one domain", &[lee, mo, INVITE], letter()),
        ("more in one domain at once", &[KIM, lee, mo, INVITE], letter()),
    ];
    assert_snapshot!(answers(&mut client, rows).await, @r"
    the same person again
      450 4.7.1 you may invite kim@partner.example 1 times a day, and this message would go beyond. Please send it again after 25 November 2026, 12:37 UTC
    more in one domain
      450 4.7.1 you may invite 2 people at partner.example a day, and this message would go beyond. Please send it again after 25 November 2026, 12:37 UTC
    more in one domain at once
      550 5.5.3 you invite 3 people at partner.example at once; at most 2 a day are allowed. Please send several messages, on different days
    ");
    client.quit().await;
    assert_eq!(house.close().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_parts_and_too_deep() {
    let house = House::open_with(|settings| (settings.limits.parts, settings.limits.depth) = (4, 2)).await;
    let parts = |boundary: &str, inner: &str| {
        format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{inner}--{boundary}--\r\n")
    };
    let top = format!("From: {ALICE}\r\nTo: {KIM}\r\nSubject: Plans\r\nMIME-Version: 1.0\r\n");
    let many = parts("a", &"--a\r\n\r\nHello\r\n".repeat(5));
    let deep = parts(
        "a",
        &format!("--a\r\n{}", parts("b", &format!("--b\r\n{}", parts("c", "--c\r\n\r\nHello\r\n")))),
    );
    let mut table = String::new();
    for (what, body) in [("many parts", many), ("deep", deep)] {
        let answer = house.send(&[KIM, INVITE], format!("{top}{body}").as_bytes()).await;
        writeln!(table, "{what}\n  {answer}").unwrap();
    }
    assert_snapshot!(table, @r"
    many parts
      550 5.6.1 the message has more than 4 parts; please attach fewer files, or put them into one archive
    deep
      550 5.6.1 the message has parts nested more than 2 levels deep; please attach what was forwarded as a file
    ");
    assert_eq!(house.close().await.len(), 0);
}
