//! Blocks in text/html: inside the body element, wherever the sender's client has put it.
//!
//! A tokenizer that follows the HTML standard finds the places; it only reads. Comments, conditional comments,
//! scripts and attributes that look like tags are therefore no tags here either.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use lol_html::html_content::{Element, EndTag, TextChunk, TextType};
use lol_html::{
    DocumentContentHandlers, ElementContentHandlers, HtmlRewriter, MemorySettings, Selector, Settings,
};
use mail_parser::decoders::html::html_to_text;

use crate::mail::content::TransferEncoding;
use crate::mail::edit::Edit;
use crate::mail::outline::Part;
use crate::mail::rewrite::Blocks;
use crate::mail::rewrite::block::{html_lines, html_lines_in_ascii, with_breaks};
use crate::mail::rewrite::charset::Charset;
use crate::mail::rewrite::relabel::relabel;
use crate::mail::rewrite::transfer::{Decoded, base64_lines, quoted_printable};

/// Octets the tokenizer may hold at once: one tag is the longest thing it keeps.
const TOKENIZER_OCTETS_MAX: usize = 4 * 1024 * 1024;
/// Elements that may stand before the body without opening it (HTML standard, "before head" to "after head").
const HEAD_ELEMENTS: &[&str] =
    &["html", "head", "title", "meta", "link", "style", "script", "base", "noscript", "template", "xml"];

/// The edits of a part, or `None` if this part cannot be edited. `raw` is its body.
#[must_use]
pub fn edits(part: &Part, raw: &Bytes, blocks: &Blocks) -> Option<Vec<Edit>> {
    let charset = Charset::of(part.content.charset.as_deref())?;
    let body = Decoded::of(raw, part.content.encoding)?;
    if !charset.is_ascii_compatible() && !charset.is_iso_2022_jp() {
        return rewritten(part, &charset.decode(&body.octets), blocks);
    }
    let places = places(&tokenizable(charset, &body.octets), charset.mark_len(&body.octets))?;
    let is_utf8 = charset == Charset::Known(encoding_rs::UTF_8);
    let takes_eight_bit = !part.content.encoding.is_identity() || part.octets.eight_bit;
    let block = |html: &str| {
        with_breaks(&if is_utf8 && takes_eight_bit { html_lines(html) } else { html_lines_in_ascii(html) })
    };
    let (top, bottom) = (block(&blocks.top_html), block(&blocks.bottom_html));
    let insertions = body.insertions((places.top, top.as_bytes()), (places.bottom, bottom.as_bytes()))?;
    Some(insertions.into_iter().map(|insertion| insertion.edit(part.body.start)).collect())
}

/// The words that a reader sees; `None` if the document is too twisted to be read.
#[must_use]
pub fn visible_text(html: &str) -> Option<String> {
    let text = Rc::new(RefCell::new(String::new()));
    let seen = Rc::clone(&text);
    let handler = move |chunk: &mut TextChunk<'_>| {
        if chunk.text_type() == TextType::Data {
            seen.borrow_mut().push_str(chunk.as_str());
        }
        Ok(())
    };
    let on_tag = Rc::clone(&text);
    let settings = settings()
        .append_document_content_handler(DocumentContentHandlers::default().text(handler))
        .append_element_content_handler(any_element(move |_| {
            // Tags part words.
            on_tag.borrow_mut().push(' ');
        })?);
    tokenize(settings, html.as_bytes())?;
    // The rest is only references such as `&nbsp;`; a bare `<` is text.
    let escaped = text.borrow().replace('<', "&lt;");
    Some(html_to_text(&escaped))
}

/// Where the blocks go in the decoded octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Places {
    top: usize,
    bottom: usize,
}

/// What the tokenizer has met.
#[derive(Debug, Default)]
struct Met {
    /// Behind the first `<body>`.
    body: Option<usize>,
    /// Where the first content stands, whatever opens it.
    content: Option<usize>,
    body_end: Option<usize>,
    html_end: Option<usize>,
    frameset: bool,
}

/// Finds the places; `None` if the document has no body to put anything into.
fn places(html: &[u8], mark_len: usize) -> Option<Places> {
    let met = Rc::new(RefCell::new(Met::default()));
    let (of_element, of_text) = (Rc::clone(&met), Rc::clone(&met));
    let text = move |chunk: &mut TextChunk<'_>| {
        if chunk.text_type() == TextType::Data
            && !chunk.as_str().trim_start_matches('\u{feff}').trim().is_empty()
        {
            let start = chunk.source_location().bytes().start;
            let mut met = of_text.borrow_mut();
            met.content = met.content.or(Some(start));
        }
        Ok(())
    };
    let settings = settings()
        .append_document_content_handler(DocumentContentHandlers::default().text(text))
        .append_element_content_handler(any_element(move |element| meet(element, &of_element))?);
    tokenize(settings, html)?;
    let met = met.borrow();
    let bottom = met.body_end.or(met.html_end).unwrap_or(html.len());
    let top = met.body.or(met.content).unwrap_or(bottom).max(mark_len);
    (!met.frameset && top <= bottom).then_some(Places { top, bottom })
}

/// Notes what an element says about the body's place.
fn meet(element: &mut Element<'_, '_>, met: &Rc<RefCell<Met>>) {
    let name = element.tag_name();
    let location = element.source_location().bytes();
    {
        let mut met = met.borrow_mut();
        match name.as_str() {
            "body" => met.body = met.body.or(Some(location.end)),
            "frameset" => met.frameset = true,
            name if !HEAD_ELEMENTS.contains(&name) => met.content = met.content.or(Some(location.start)),
            _ => {}
        }
    }
    if matches!(name.as_str(), "body" | "html")
        && let Some(handlers) = element.end_tag_handlers()
    {
        let met = Rc::clone(met);
        handlers.push(Box::new(move |end: &mut EndTag<'_>| {
            let start = Some(end.source_location().bytes().start);
            let mut met = met.borrow_mut();
            // The last one counts: clients paste whole documents behind each other. `</html>` may end the body, too.
            match (name.as_str(), end.name().as_str()) {
                ("body", "body" | "html") => met.body_end = met.body_end.max(start),
                ("html", "html") => met.html_end = met.html_end.max(start),
                _ => {}
            }
            Ok(())
        }));
    }
}

/// The octets with everything that is not ASCII made harmless for the tokenizer: in ISO-2022-JP, `<` may be half a
/// character (RFC 1468).
fn tokenizable(charset: Charset, octets: &[u8]) -> Cow<'_, [u8]> {
    if !charset.is_iso_2022_jp() {
        return octets.into();
    }
    let mut masked = octets.to_vec();
    let mut is_ascii = true;
    let mut at = 0;
    while let Some(rest) = masked.get_mut(at..) {
        match rest {
            [] => break,
            [b'\x1b', b'(', b'B' | b'J', ..] => (is_ascii, at) = (true, at + 3),
            [b'\x1b', b'$' | b'(', _, ..] => (is_ascii, at) = (false, at + 3),
            [octet, ..] => {
                // RFC 1468: a line ends in ASCII, whatever it forgot.
                is_ascii |= *octet == b'\n';
                if !is_ascii {
                    *octet = b'x';
                }
                at += 1;
            }
        }
    }
    masked.into()
}

/// The whole part anew in UTF-8, for charsets without ASCII in them (UTF-16).
fn rewritten(part: &Part, html: &str, blocks: &Blocks) -> Option<Vec<Edit>> {
    let places = places(html.as_bytes(), 0)?;
    let (above, rest) = html.split_at_checked(places.top)?;
    let (text, below) = rest.split_at_checked(places.bottom - places.top)?;
    let block = |html: &str| with_breaks(&html_lines(html));
    let whole =
        [above, "\r\n", &block(&blocks.top_html), text, "\r\n", &block(&blocks.bottom_html), below].concat();
    let (octets, encoding) = match part.content.encoding {
        TransferEncoding::Base64 => (base64_lines(whole.as_bytes()), "base64"),
        _ => (quoted_printable(whole.as_bytes()), "quoted-printable"),
    };
    let mut edits = relabel(part, Some("utf-8"), encoding)?;
    edits.push(Edit::replace(part.body.clone(), octets));
    Some(edits)
}

fn settings<'h>() -> Settings<'h, 'h> {
    Settings::new()
        // Not strict: what the tokenizer would only warn of is none of our business here.
        .with_strict(false)
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(TOKENIZER_OCTETS_MAX))
}

/// A handler for every element; `None` never, as `*` is a selector.
fn any_element<'h>(
    mut note: impl FnMut(&mut Element<'_, '_>) + 'h,
) -> Option<(Cow<'h, Selector>, ElementContentHandlers<'h>)> {
    let handler = move |element: &mut Element<'_, '_>| {
        note(element);
        Ok(())
    };
    let every_element: Selector = "*".parse().ok()?;
    Some((Cow::Owned(every_element), ElementContentHandlers::default().element(handler)))
}

/// Reads a document to its end; nothing is written.
fn tokenize(settings: Settings<'_, '_>, html: &[u8]) -> Option<()> {
    let mut tokenizer = HtmlRewriter::new(settings, |_: &[u8]| {});
    tokenizer.write(html).ok()?;
    tokenizer.end().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document with `[` and `]` where the blocks would go.
    fn marked(html: &str) -> String {
        let places = places(html.as_bytes(), 0).unwrap();
        format!("{}[{}]{}", &html[..places.top], &html[places.top..places.bottom], &html[places.bottom..])
    }

    #[test]
    fn blocks_go_inside_the_body() {
        for expected in [
            "<html><body class=\"a>b\">[Hi]</body></html>",
            "<HTML><BODY\r\nBGCOLOR=#fff>[Hi]</BODY\r\n></HTML>",
            "<html><head><title>x</title></head><body>[Hi]</html>",
            "<html><body>[Hi",
            "<body>[Hi]</body>",
            "<!DOCTYPE html>\r\n<html><head><style>p{}</style></head>\r\n[<p>Hi</p>]</html>",
            "[Hi <b>there</b>",
            "\r\n[<div>Hi</div>\r\n",
            "<html><head><meta charset=utf-8>[<p>Hi",
        ] {
            let html: String = expected.replace(['[', ']'], "");
            let expected = if expected.contains(']') { expected.to_owned() } else { format!("{expected}]") };
            assert_eq!(marked(&html), expected);
        }
    }

    #[test]
    fn what_looks_like_a_body_is_none() {
        for expected in [
            "<!-- <body> --><html><!--[if mso]><body><![endif]--><body>[Hi<!-- </body> -->]</body></html>",
            "<html><head><script>'<body>'</script><title><body></title></head><body title='</body>'>[Hi]</body></html>",
            "<![if !mso]><html><body>[Hi<![endif]>]</body></html>",
        ] {
            let html: String = expected.replace("[Hi", "Hi").replace("]</body></html>", "</body></html>");
            assert_eq!(marked(&html), expected);
        }
    }

    #[test]
    fn several_documents_are_one() {
        let html = "<html><body>A</body></html><html><body>B</body></html>";
        assert_eq!(marked(html), "<html><body>[A</body></html><html><body>B]</body></html>");
    }

    #[test]
    fn a_document_of_frames_has_no_body() {
        assert_eq!(places(b"<html><frameset><frame src=a></frameset></html>", 0), None);
    }

    #[test]
    fn half_characters_are_no_tags() {
        let charset = Charset::of(Some("iso-2022-jp")).unwrap();
        let masked = tokenizable(charset, b"<p>\x1b$B<b>/\x1b(B</p>");
        assert_eq!(masked.as_ref(), b"<p>\x1b$Bxxxx\x1b(B</p>");
    }

    #[test]
    fn only_words_are_seen() {
        let words = |html: &str| visible_text(html).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words("<html><head><title>T</title><style>p{}</style><body><p>a &lt; b</p><p>c<br>d</p>"),
            "a < b c d"
        );
        assert_eq!(words("<html><head><meta name=x><body>Hi"), "Hi");
        assert_eq!(
            words("<p>&nbsp;<!-- words --><img alt='words'></p>&#8203;").trim_matches('\u{200b}').trim(),
            ""
        );
    }
}
