//! The admin's blocks as lines that fit the part they go into.

use std::fmt::Write as _;

use crate::mail::content::Content;

/// Longest line of a mail, without CRLF (RFC 5322 §2.1.1), less what encoding a character may add.
const LINE_OCTETS_MAX: usize = 900;

/// The lines of a plain text block, ready for a part with this content: long lines folded, `format=flowed` minded.
#[must_use]
pub fn plain_lines(block: &str, content: &Content) -> Vec<String> {
    lines(block)
        .map(|line| {
            // Without white space at its end no line flows (RFC 3676 §4.1); the link stays alone on its line.
            let line = line.trim_end();
            let is_stuffed =
                content.flowed && [" ", ">", "From "].iter().any(|start| line.starts_with(start));
            // RFC 3676 §4.4.
            if is_stuffed { format!(" {line}") } else { line.to_owned() }
        })
        .collect()
}

/// The lines of an HTML block in ASCII: other characters as references, which every charset can carry.
#[must_use]
pub fn html_lines_in_ascii(block: &str) -> Vec<String> {
    let mut ascii = String::with_capacity(block.len());
    for c in block.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(ascii, "&#{};", u32::from(c));
        }
    }
    lines(&ascii).map(ToOwned::to_owned).collect()
}

/// The lines of an HTML block.
#[must_use]
pub fn html_lines(block: &str) -> Vec<String> {
    lines(block).map(ToOwned::to_owned).collect()
}

/// Every line with its CRLF.
#[must_use]
pub fn with_breaks(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()
}

/// The lines of a block without empty ones around it, none longer than a mail allows where white space permits.
fn lines(block: &str) -> impl Iterator<Item = &str> {
    block.trim_matches(['\r', '\n']).split('\n').flat_map(|line| folded(line.trim_end_matches('\r')))
}

/// Breaks a line at white space.
fn folded(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        if line.len() <= LINE_OCTETS_MAX {
            return Some(line);
        }
        let fits = (0..=LINE_OCTETS_MAX).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
        let space = line.get(..fits).and_then(|start| start.rfind([' ', '\t'])).filter(|&at| at > 0);
        let Some((first, behind)) = space.and_then(|at| line.split_at_checked(at)) else {
            return Some(line);
        };
        rest = Some(behind.trim_start());
        Some(first)
    })
}
