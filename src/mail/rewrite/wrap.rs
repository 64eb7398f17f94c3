//! Wrapping: the blocks become the first part of a multipart/mixed, the sender's content the second, unchanged, so that
//! what is signed stays valid (RFC 2046 §5.1.3, RFC 1847 §2.1).

use aws_lc_rs::digest;

use crate::mail::content::TransferEncoding;
use crate::mail::edit::Edit;
use crate::mail::field::{Field, fields};
use crate::mail::outline::{Outline, Part};
use crate::mail::rewrite::Blocks;
use crate::mail::rewrite::block::{html_lines, with_breaks};
use crate::mail::rewrite::transfer::quoted_printable;

/// The edits that wrap the whole message; those of addresses come on top.
///
/// The sender's Content- fields move octet for octet from the top header into the header of the second part.
#[must_use]
pub fn edits(outline: &Outline, whole: &Part, blocks: &Blocks) -> Vec<Edit> {
    let header = whole.header.as_ref();
    let content_fields: Vec<Field<'_>> = fields(header).filter(is_content_field).collect();
    let header_end = whole.header_range.end - whole.empty_line_len() as u64;
    let first = content_fields.first().map_or(header_end, |field| field.range.start as u64);

    let outer = boundary(&blocks.link, "outer");
    let mut announced = format!("Content-Type: multipart/mixed;\r\n boundary=\"{outer}\"\r\n");
    announced.push_str(transfer_encoding(outline));
    if !fields(header).any(|field| field.is("MIME-Version")) {
        announced.push_str("MIME-Version: 1.0\r\n");
    }

    let mut edits = vec![Edit::insert(first, announced)];
    let mut opening = Vec::new();
    if whole.empty_line_len() == 0 {
        opening.extend_from_slice(b"\r\n");
    }
    opening.extend_from_slice(format!("--{outer}\r\n").as_bytes());
    opening.extend(blocks_part(blocks));
    opening.extend_from_slice(format!("\r\n--{outer}\r\n").as_bytes());
    for field in content_fields {
        opening.extend_from_slice(header.get(field.range.clone()).unwrap_or_default());
        edits.push(Edit::remove(field.range.start as u64..field.range.end as u64));
    }
    opening.extend_from_slice(b"\r\n");
    edits.push(Edit::insert(whole.body.start, opening));
    edits.push(Edit::insert(whole.body.end, format!("\r\n--{outer}--\r\n")));
    edits
}

/// Fields that describe the body (RFC 2045 §3), and so go with it.
fn is_content_field(field: &Field<'_>) -> bool {
    field.name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"Content-"))
}

/// What the outermost multipart must say, so that nothing within is more than it admits (RFC 2045 §6.4).
fn transfer_encoding(outline: &Outline) -> &'static str {
    let is_binary = outline.parts.iter().any(|part| part.content.encoding == TransferEncoding::Binary);
    let has_eight_bit = outline
        .parts
        .iter()
        .any(|part| part.octets.eight_bit || (part.parent.is_some() && !part.header.is_ascii()));
    match (is_binary, has_eight_bit) {
        (true, _) => "Content-Transfer-Encoding: binary\r\n",
        (false, true) => "Content-Transfer-Encoding: 8bit\r\n",
        (false, false) => "",
    }
}

/// The blocks as a part of their own, as text and as HTML.
fn blocks_part(blocks: &Blocks) -> Vec<u8> {
    let inner = boundary(&blocks.link, "inner");
    let text = format!("{}\n\n{}\n", blocks.top_text.trim_end(), blocks.bottom_text.trim_end());
    let html = format!(
        "<!DOCTYPE html>\n<html><body>\n{}\n{}\n</body></html>\n",
        blocks.top_html.trim_end(),
        blocks.bottom_html.trim_end()
    );
    let part = |media: &str, body: &str| {
        let body = quoted_printable(with_breaks(&html_lines(body)).as_bytes());
        let header = format!(
            "--{inner}\r\nContent-Type: {media}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        );
        [header.as_bytes(), &body, b"\r\n"].concat()
    };
    let header = format!("Content-Type: multipart/alternative;\r\n boundary=\"{inner}\"\r\n\r\n");
    let end = format!("--{inner}--\r\n");
    [header.as_bytes(), &part("text/plain", &text), &part("text/html", &html), end.as_bytes()].concat()
}

/// A boundary that no sender can foresee, as the link is random, and that is the same whenever the same copy is made.
/// `=_` stands in no quoted-printable or base64 text (RFC 2045 §6.7).
fn boundary(link: &str, which: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("boundary {which} {link}").as_bytes());
    let octets = hash.as_ref().first_chunk::<16>().copied().unwrap_or_default();
    format!("=_{:032x}", u128::from_be_bytes(octets))
}
