use mailparse::{MailHeaderMap as _, ParsedMail, parse_mail};
use proptest::prelude::*;

use super::*;
use crate::mail::outline::{Bounds, Outliner};

fn outline(octets: &[u8]) -> Outline {
    let mut outliner = Outliner::new(Bounds { header_octets_max: 10_000, parts_max: 20, depth_max: 9 });
    outliner.feed(octets);
    outliner.finish()
}

fn converted(octets: &[u8]) -> Result<Vec<u8>, Obstacle> {
    let copy = Bytes::copy_from_slice(octets);
    let plan = plan(&copy, &outline(octets))?;
    Ok(plan.chunks(&copy).map(Result::unwrap).collect::<Vec<_>>().concat())
}

/// Every leaf's type and its decoded octets, as a reader of another house sees them.
fn leaves(octets: &[u8]) -> Vec<(String, Vec<u8>)> {
    fn walk(part: &ParsedMail<'_>, found: &mut Vec<(String, Vec<u8>)>) {
        if part.subparts.is_empty() {
            found.push((part.ctype.mimetype.clone(), part.get_body_raw().unwrap()));
        }
        part.subparts.iter().for_each(|part| walk(part, found));
    }
    let mut found = Vec::new();
    walk(&parse_mail(octets).unwrap(), &mut found);
    found
}

const HEAD: &str = "From: ann@corp.example\r\nMIME-Version: 1.0\r\n";

#[test]
fn a_text_becomes_quoted_printable_and_says_so() {
    let mail = format!(
        "{HEAD}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         Grüße aus dem Ostflügel\r\nplain =\r\n"
    );
    let seven = String::from_utf8(converted(mail.as_bytes()).unwrap()).unwrap();
    assert_eq!(
        seven,
        format!(
            "{HEAD}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
             Gr=C3=BC=C3=9Fe aus dem Ostfl=C3=BCgel\r\nplain =3D\r\n"
        )
    );
}

#[test]
fn each_part_is_converted_as_suits_it_and_the_rest_stays() {
    let mail = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npreamble\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße, und viel mehr in ASCII\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nпривет, мир\r\n\
         --b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\u{89}PNG and more\r\n\
         --b\r\nX-Kept:  as it is \r\nContent-Type: text/plain\r\n\r\n=E4 stays\r\n--b--\r\n"
    );
    let seven = converted(mail.as_bytes()).unwrap();
    assert!(seven.is_ascii());
    let text = String::from_utf8(seven.clone()).unwrap();
    assert!(text.contains("boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npreamble"), "{text}");
    assert!(
        text.contains(
            "\r\n--b\r\nX-Kept:  as it is \r\nContent-Type: text/plain\r\n\r\n=E4 stays\r\n--b--\r\n"
        )
    );
    let encodings: Vec<_> = parse_mail(&seven)
        .unwrap()
        .subparts
        .iter()
        .map(|part| part.headers.get_first_value("Content-Transfer-Encoding").unwrap_or_default())
        .collect();
    assert_eq!(encodings, ["quoted-printable", "base64", "base64", ""]);
    assert_eq!(leaves(&seven), leaves(mail.as_bytes()));
}

#[test]
fn an_attached_message_is_converted_inside_and_gets_its_version() {
    let mail = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\nFrom: kim@partner.example\r\n\r\nGrüße und noch etwas dazu\r\n--b--\r\n"
    );
    let text = String::from_utf8(converted(mail.as_bytes()).unwrap()).unwrap();
    assert!(text.contains("message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom: kim"), "{text}");
    assert!(
        text.contains(
            "example\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\nGr=C3=BC=C3=9Fe und"
        ),
        "{text}"
    );
}

#[test]
fn an_internationalised_attachment_is_encoded_whole() {
    // RFC 6532 §3.7: message/global may have any encoding.
    let mail = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/global\r\n\r\n\
         Subject: Grüße\r\n\r\nGrüße\r\n--b--\r\n"
    );
    let seven = converted(mail.as_bytes()).unwrap();
    let (media, octets) = leaves(&seven).remove(0);
    assert_eq!(
        (media.as_str(), octets.as_slice()),
        ("message/global", "Subject: Grüße\r\n\r\nGrüße".as_bytes())
    );
}

#[test]
fn what_cannot_be_said_in_seven_bits_is_told() {
    let signed = |octets: &str| {
        format!(
            "{HEAD}Content-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{octets}\r\n--b\r\n\
             Content-Type: application/pgp-signature\r\n\r\nsignature\r\n--b--\r\n"
        )
    };
    assert!(matches!(converted(signed("Grüße").as_bytes()), Err(Obstacle::Signed)));
    // Under a signature not even a label changes.
    assert_eq!(converted(signed("Hello").as_bytes()).unwrap(), signed("Hello").as_bytes());
    let header = format!("{HEAD}Subject: Grüße\r\n\r\nHello\r\n");
    assert!(matches!(converted(header.as_bytes()), Err(Obstacle::Header)));
    let unknown = format!("{HEAD}Content-Transfer-Encoding: x-uuencode\r\n\r\nGrüße\r\n");
    assert!(matches!(converted(unknown.as_bytes()), Err(Obstacle::Unclear)));
    let raw = format!("{HEAD}Content-Transfer-Encoding: quoted-printable\r\n\r\nGrüße\r\n");
    assert!(matches!(converted(raw.as_bytes()), Err(Obstacle::Unclear)));
    let preamble = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\nGrüße\r\n--b\r\n\r\nHello\r\n--b--\r\n"
    );
    assert!(matches!(converted(preamble.as_bytes()), Err(Obstacle::Unclear)));
}

#[test]
fn a_long_part_passes_in_pieces() {
    let line =
        "Grüße, and a good deal of text that needs nothing at all, so that the lines stay readable\r\n";
    for (media, filler) in
        [("text/plain", line.repeat(3000)), ("application/octet-stream", line.repeat(3000))]
    {
        let mail = format!("{HEAD}Content-Type: {media}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{filler}");
        let copy = Bytes::from(mail.clone().into_bytes());
        let plan = plan(&copy, &outline(mail.as_bytes())).unwrap();
        let longest = plan.chunks(&copy).map(|chunk| chunk.unwrap().len()).max().unwrap();
        assert!(longest as u64 <= 3 * CHUNK_OCTETS, "{longest}");
        assert!(leaves(&converted(mail.as_bytes()).unwrap())[0].1 == filler.as_bytes());
    }
}

#[test]
fn a_line_longer_than_what_is_read_at_once_is_no_text_to_be_read() {
    for (octets, encoding) in [(CHUNK_OCTETS, "quoted-printable"), (CHUNK_OCTETS + 1, "base64")] {
        let line = "x".repeat(usize::try_from(octets).unwrap() - 2);
        let text = format!("Gr\u{fc}\u{df}e\r\n{line}\r\nand more\r\n");
        let mail = format!("{HEAD}Content-Type: text/plain\r\n\r\n{text}");
        let seven = converted(mail.as_bytes()).unwrap();
        let field = format!("Content-Transfer-Encoding: {encoding}\r\n");
        assert!(memchr::memmem::find(&seven, field.as_bytes()).is_some(), "{encoding}");
        assert!(leaves(&seven)[0].1 == text.as_bytes(), "{encoding}");
    }
}

proptest! {
    #[test]
    fn every_text_comes_through(text in "[ -~é\t=]{0,99}(\r\n[ -~éя\t=]{0,99}){0,5}") {
        let mail = format!("{HEAD}Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}");
        let seven = converted(mail.as_bytes()).unwrap();
        prop_assert!(seven.is_ascii());
        prop_assert_eq!(&leaves(&seven)[0].1, text.as_bytes());
    }

    #[test]
    fn nothing_makes_it_panic(octets: Vec<u8>) {
        let _ = converted(&octets);
    }
}

#[test]
fn a_multipart_without_parts_is_not_encoded() {
    let mail = format!("{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\nGr\u{fc}\u{df}e\r\n--b--\r\n");
    assert!(matches!(converted(mail.as_bytes()), Err(Obstacle::Unclear)));
}

#[test]
fn a_long_line_does_not_end_its_part() {
    let mail = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         {}\u{e9}{}--b\r\n--b--\r\n",
        "x".repeat(72),
        "x".repeat(75)
    );
    let seven = converted(mail.as_bytes()).unwrap();
    assert_eq!(outline(&seven).parts.len(), 2, "{}", String::from_utf8_lossy(&seven));
    assert_eq!(leaves(&seven), leaves(mail.as_bytes()));
}
