//! The first line that a person has written in an answer: not what the mail program quotes, in whichever way it does.

use mail_parser::decoders::html::html_to_text;
use mail_parser::{MessageParser, PartType};

/// Octets of a mail that are looked at: a command stands in its beginning.
pub const LOOKED_AT_MAX: u64 = 256 * 1024;
/// Characters of the line.
const LINE_MAX: usize = 400;

/// The first line of an answer's text, trimmed; `None` where nothing was written. `octets` is the mail, or its
/// beginning.
///
/// Quoted lines are passed over, and with them the line that introduces them ("On … Kim wrote:"), so that it does not
/// matter whether somebody writes above or below.
#[must_use]
pub fn first_line(octets: &[u8]) -> Option<String> {
    let message = MessageParser::default().parse(octets)?;
    let part = message.text_body.first().or_else(|| message.html_body.first())?;
    let text = match &message.part(*part)?.body {
        PartType::Text(text) => text.clone().into_owned(),
        PartType::Html(html) => html_to_text(&without_quotes(html)),
        _ => return None,
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_quoted = |line: &&str| line.starts_with('>');
    let mut lines = lines.iter().enumerate().filter(|(at, line)| {
        let introduces = line.ends_with(':') && lines.get(at + 1).is_some_and(is_quoted);
        !is_quoted(line) && !introduces
    });
    let (_, line) = lines.next()?;
    // A signature is nobody's command (RFC 3676 §4.3; its white space is trimmed).
    (*line != "--").then(|| line.chars().filter(|c| !c.is_control()).take(LINE_MAX).collect())
}

/// HTML without what stands in its block quotes.
fn without_quotes(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let mut kept = String::with_capacity(html.len());
    let (mut at, mut depth) = (0_usize, 0_usize);
    for (tag, _) in lower.match_indices('<') {
        let (opens, closes) = lower.get(tag..).map_or((false, false), |rest| {
            (rest.starts_with("<blockquote"), rest.starts_with("</blockquote"))
        });
        if opens || closes {
            if depth == 0 {
                kept.push_str(html.get(at..tag).unwrap_or_default());
            }
            depth = if opens { depth + 1 } else { depth.saturating_sub(1) };
            at = tag;
        }
    }
    if depth == 0 {
        kept.push_str(html.get(at..).unwrap_or_default());
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(kind: &str, text: &str) -> Option<String> {
        first_line(format!("Content-Type: {kind}\r\n\r\n{}", text.replace('\n', "\r\n")).as_bytes())
    }

    #[test]
    fn a_command_is_found_above_and_below_what_is_quoted() {
        for text in [
            "withdraw\n",
            "\n\n  withdraw  \nThank you\n-- \nAlice\n",
            "withdraw\n\nOn Tuesday Postern wrote:\n> Your message has invited:\n> Kim\n",
            "On Tuesday Postern wrote:\n> Your message has invited:\n> Kim\n\nwithdraw\n",
            "Am Dienstag schrieb Postern:\n\n> Your message\n>> deeper\n\nwithdraw\nAlice\n",
        ] {
            assert_eq!(read("text/plain", text).as_deref(), Some("withdraw"), "{text}");
        }
        for text in ["", "\n\n", "> resend\n", "On Tuesday Postern wrote:\n> resend\n", "-- \nresend\n"] {
            assert_eq!(read("text/plain", text), None, "{text}");
        }
    }

    #[test]
    fn a_mail_in_html_alone_is_read_too() {
        for html in [
            "<html><body><p>extend 14</p><blockquote type=\"cite\">resend<blockquote>x</blockquote></blockquote></body></html>",
            "<div dir=ltr>extend&nbsp;14</div><br><div>On Tue Postern wrote:<BLOCKQUOTE>resend</BLOCKQUOTE></div>",
            "<blockquote>resend</blockquote><p>extend 14</p>",
        ] {
            let line = read("text/html; charset=utf-8", html).map(|line| line.replace('\u{a0}', " "));
            assert_eq!(line.as_deref(), Some("extend 14"), "{html}");
        }
    }

    #[test]
    fn the_text_counts_where_there_are_both() {
        let text = "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nresend\r\n--b\r\n\
            Content-Type: text/html\r\n\r\n<p>withdraw</p>\r\n--b--\r\n";
        assert_eq!(first_line(text.as_bytes()).as_deref(), Some("resend"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(html: bool, text in "[<>/ :>a\n-]{0,60}|(<blockquote>|</blockquote>|<p>|é|\\PC){0,20}") {
            let _ = read(if html { "text/html" } else { "text/plain" }, &text);
        }
    }
}
