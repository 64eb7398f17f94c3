use mailparse::MailHeaderMap;

use crate::mail::compose::tests::assert_sound;

use super::*;

const ORIGINAL: &[u8] =
    b"Received: from pc by gate\r\nFrom: Ann <ann@corp.example>\r\nTo: kim@partner.example\r\n\
    Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <m1@corp.example>\r\n\r\nThe body\r\n";

fn failed(recipient: &str, said: Option<&str>, remote: Option<&str>) -> Reported {
    Reported {
        recipient: Address::parse(recipient).unwrap(),
        original_recipient: None,
        action: Action::Failed,
        status: "5.1.1".to_owned(),
        diagnostic: said.map(str::to_owned),
        remote: remote.map(str::to_owned),
        last_attempt: Timestamp::from_millis(1_795_500_060_000),
    }
}

fn report(recipients: &[Reported], original: &[u8], original_is_whole: bool) -> Vec<u8> {
    DeliveryReport {
        id: MessageId::fresh(),
        host: &Domain::parse("gate.corp.example").unwrap(),
        from: &Address::parse("postern@corp.example").unwrap(),
        to: &Address::parse("ann@corp.example").unwrap(),
        envelope_id: Some("QQ314159"),
        arrived: Timestamp::from_millis(1_795_500_000_000),
        at: Timestamp::from_millis(1_795_500_061_000),
        recipients,
        original,
        original_is_whole,
    }
    .message()
}

#[test]
fn a_report_tells_the_person_what_failed_and_what_to_do() {
    let words = "550 5.1.1 <kim@partner.example>: user unknown";
    let recipients = [
        failed("kim@partner.example", Some(words), Some("mx.partner.example")),
        failed("lee@partner.example", Some("No answer for 5 days."), None),
    ];
    let octets = report(&recipients, ORIGINAL, false);
    assert_sound(&octets);
    let mail = mailparse::parse_mail(&octets).unwrap();
    let field = |name: &str| mail.headers.get_first_value(name).unwrap();
    assert_eq!(field("From"), "\"Mail Delivery System\" <postern@corp.example>");
    assert_eq!(field("To"), "<ann@corp.example>");
    assert_eq!(field("Subject"), "Not delivered: Grüße");
    assert_eq!(field("Auto-Submitted"), "auto-replied");
    assert_eq!(field("In-Reply-To"), "<m1@corp.example>");
    assert_eq!(
        mail.subparts[0].get_body().unwrap(),
        "Your message has not reached:\r\n\r\n    kim@partner.example\r\n    mx.partner.example answered: \
         550 5.1.1 <kim@partner.example>: user unknown\r\n    Please check the address for a typing mistake and \
         send the message again.\r\n\r\n    lee@partner.example\r\n    No answer for 5 days.\r\n    Please check \
         the address for a typing mistake and send the message again.\r\n\r\nIt will not be tried again. \
         Recipients who are not named here are not affected.\r\n\r\nSubject: Grüße\r\n\
         Sent: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
    );
}

#[test]
fn a_report_tells_programs_the_same() {
    let mut failed =
        failed("jörg@partner.example", Some("550 5.1.1 Empfänger\r\nunbekannt"), Some("mx.partner.example"));
    failed.original_recipient = Some("rfc822;j+a@partner.example".to_owned());
    let octets = report(&[failed], ORIGINAL, false);
    assert_sound(&octets);
    let mail = mailparse::parse_mail(&octets).unwrap();
    assert_eq!(mail.ctype.mimetype, "multipart/report");
    assert_eq!(mail.ctype.params.get("report-type").unwrap(), "delivery-status");
    let [_, status, header] = mail.subparts.as_slice() else { panic!("{} parts", mail.subparts.len()) };
    // RFC 6533 §3; and yet all of it is in 7 bits.
    assert_eq!(status.ctype.mimetype, "message/global-delivery-status");
    assert!(octets.is_ascii());
    assert_eq!(
        String::from_utf8(status.get_body_raw().unwrap()).unwrap(),
        "Original-Envelope-Id: QQ314159\r\nReporting-MTA: dns; gate.corp.example\r\n\
         Arrival-Date: Tue, 24 Nov 2026 06:00:00 +0000\r\n\r\n\
         Original-Recipient: rfc822; j+a@partner.example\r\n\
         Final-Recipient: utf-8; jörg@partner.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Remote-MTA: dns; mx.partner.example\r\nDiagnostic-Code: smtp; 550 5.1.1 Empfänger unbekannt\r\n\
         Last-Attempt-Date: Tue, 24 Nov 2026 06:01:00 +0000\r\n"
    );
    assert_eq!(header.ctype.mimetype, "text/rfc822-headers");
    assert!(header.get_body().unwrap().contains("Message-ID: <m1@corp.example>"));
    assert!(!header.get_body().unwrap().contains("The body"));
}

#[test]
fn an_address_in_ascii_is_reported_in_ascii() {
    let octets = report(&[failed("kim@partner.example", Some("550 Empfänger"), Some("mx"))], ORIGINAL, false);
    let mail = mailparse::parse_mail(&octets).unwrap();
    assert_eq!(mail.subparts[1].ctype.mimetype, "message/delivery-status");
    assert!(mail.subparts[1].get_body().unwrap().contains("Diagnostic-Code: smtp; 550 Empf?nger\r\n"));
}

#[test]
fn a_header_in_utf8_comes_back_as_it_was_with_a_report_about_such_an_address() {
    let original = "From: ann@corp.example\r\nTo: jörg@partner.example\r\n\r\nGrüße\r\n".as_bytes();
    let header = original.strip_suffix("\r\nGrüße\r\n".as_bytes()).unwrap();
    // The address may be the one that the sender wrote (RFC 6533 §4).
    let of_ascii = Reported {
        original_recipient: Some("utf-8;jörg@partner.example".to_owned()),
        ..failed("joerg@partner.example", None, None)
    };
    for (reported, kind) in [
        (failed("jörg@partner.example", None, None), "message/global-headers"),
        (of_ascii, "message/global-headers"),
        (failed("kim@partner.example", None, None), "text/rfc822-headers"),
    ] {
        let octets = report(&[reported], original, true);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.subparts[2].ctype.mimetype, kind);
        assert_eq!(mail.subparts[2].get_body_raw().unwrap(), header);
    }
}

#[test]
fn each_action_has_its_words_and_the_worst_its_place_in_the_subject() {
    let until = Timestamp::from_millis(1_795_932_000_000);
    let say = |action, recipient: &str, status: &str, said| Reported {
        action,
        status: status.to_owned(),
        ..failed(recipient, said, said.map(|_| "mx.partner.example"))
    };
    let all = [
        say(Action::Delivered, "ann@partner.example", "2.0.0", None),
        say(Action::Relayed, "bob@partner.example", "2.0.0", Some("250 2.0.0 kept")),
        say(Action::Delayed { until }, "cid@partner.example", "4.2.1", Some("450 4.2.1 busy")),
        say(Action::Failed, "dot@partner.example", "5.1.1", Some("550 5.1.1 nobody")),
        say(Action::Relayed, "eve@partner.example", "2.0.0", Some("250 2.0.0 kept")),
    ];
    let subjects = ["Delivered", "On its way", "Delayed", "Not delivered", "Not delivered"];
    for (number, subject) in (1..).zip(subjects) {
        let octets = report(&all[..number], ORIGINAL, false);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.headers.get_first_value("Subject").unwrap(), format!("{subject}: Grüße"));
    }

    let octets = report(&all, ORIGINAL, false);
    let mail = mailparse::parse_mail(&octets).unwrap();
    assert_eq!(
        mail.subparts[0].get_body().unwrap().replace("\r\n", "\n"),
        "Your message has not reached:\n\n    dot@partner.example\n    mx.partner.example answered: 550 5.1.1 \
         nobody\n    Please check the address for a typing mistake and send the message again.\n\nIt will not be \
         tried again. Recipients who are not named here are not affected.\n\n\
         Your message has not yet reached:\n\n    cid@partner.example\n    mx.partner.example answered: 450 4.2.1 \
         busy\n\nIt is tried again until Sun, 29 Nov 2026 06:00:00 +0000. There is no need to send it again.\n\n\
         Your message is on its way to:\n\n    bob@partner.example\n    mx.partner.example answered: 250 2.0.0 \
         kept\n\n    eve@partner.example\n    mx.partner.example answered: 250 2.0.0 kept\n\nThe mail system that \
         took it does not report what arrives. If it cannot be delivered after all, you should hear of it.\n\n\
         Your message has arrived in the mailbox of:\n\n    ann@partner.example\n\nThis does not say that it was \
         read.\n\nSubject: Grüße\nSent: Tue, 24 Nov 2026 06:00:00 +0000\n"
    );
    let status = mail.subparts[1].get_body().unwrap();
    let actions: Vec<&str> =
        status.lines().filter(|line| line.starts_with("Action") || line.starts_with("Will-Retry")).collect();
    assert_eq!(
        actions,
        [
            "Action: delivered",
            "Action: relayed",
            "Action: delayed",
            "Will-Retry-Until: Sun, 29 Nov 2026 06:00:00 +0000",
            "Action: failed",
            "Action: relayed",
        ]
    );
}

#[test]
fn a_whole_message_comes_back_octet_by_octet_if_it_is_seven_bit() {
    let recipients = [failed("kim@partner.example", None, None)];
    let octets = report(&recipients, ORIGINAL, true);
    let mail = mailparse::parse_mail(&octets).unwrap();
    assert_eq!(mail.subparts[2].ctype.mimetype, "message/rfc822");
    assert_eq!(mail.subparts[2].get_body_raw().unwrap(), ORIGINAL);

    let eight_bit = [ORIGINAL, "Grüße\r\n".as_bytes()].concat();
    let octets = report(&recipients, &eight_bit, true);
    assert_sound(&octets);
    let mail = mailparse::parse_mail(&octets).unwrap();
    assert_eq!(mail.subparts[2].ctype.mimetype, "text/rfc822-headers");
}

#[test]
fn a_hostile_next_hop_breaks_nothing() {
    let endless = "x".repeat(5000);
    for said in
        ["", "\r\n\r\n--boundary\r\nAction: delivered", endless.as_str(), "=?utf-8?Q?=0D=0AAction:_x?="]
    {
        let octets = report(&[failed("kim@partner.example", Some(said), Some(said))], ORIGINAL, false);
        assert_sound(&octets);
        let mail = mailparse::parse_mail(&octets).unwrap();
        assert_eq!(mail.subparts.len(), 3);
        let status = mail.subparts[1].get_body().unwrap();
        let (_, of_recipient) = status.split_once("\r\n\r\n").unwrap();
        let (fields, _) = mailparse::parse_headers(of_recipient.as_bytes()).unwrap();
        let names: Vec<String> = fields.iter().map(mailparse::MailHeader::get_key).collect();
        assert_eq!(
            names,
            ["Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date"]
        );
    }
}
