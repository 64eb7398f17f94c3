//! The relaxed forms of header fields and bodies (RFC 6376 §3.4.2, §3.4.4): what may change on the way without breaking
//! a signature.

use aws_lc_rs::digest::{Context, Digest, SHA256};

/// Octets that are gathered before they are hashed; an update for each word of a body would cost more than the hash.
const GATHERED_MAX: usize = 8 * 1024;

/// Appends a field in its relaxed form, without a line break behind it (RFC 6376 §3.4.2).
pub fn field(name: &[u8], value: &[u8], form: &mut Vec<u8>) {
    form.extend(name.iter().map(u8::to_ascii_lowercase));
    form.push(b':');
    let begin = form.len();
    let mut space = false;
    for &octet in value {
        match octet {
            // Unfolding: the white space behind a break stays, the break goes.
            b'\r' | b'\n' => {}
            b' ' | b'\t' => space = true,
            _ => {
                if space && form.len() > begin {
                    form.push(b' ');
                }
                space = false;
                form.push(octet);
            }
        }
    }
}

/// The hash of a body in its relaxed form (RFC 6376 §3.4.4), fed in chunks of any size.
///
/// White space and line breaks are held back until something follows them: at the end of a line, or of the body, they
/// do not count.
pub struct BodyHash {
    digest: Context,
    gathered: Vec<u8>,
    /// Line breaks that were held back.
    breaks: u64,
    /// Whether white space of the current line was held back.
    space: bool,
    /// Whether the last octet was a CR, of which nobody knows yet what it is.
    cr: bool,
    /// Whether anything has been let through.
    begun: bool,
}

impl BodyHash {
    /// Of a body of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            digest: Context::new(&SHA256),
            gathered: Vec::with_capacity(GATHERED_MAX),
            breaks: 0,
            space: false,
            cr: false,
            begun: false,
        }
    }

    /// Takes the next octets.
    pub fn feed(&mut self, mut octets: &[u8]) {
        while let Some((&first, rest)) = octets.split_first() {
            match first {
                b'\n' if std::mem::take(&mut self.cr) => {
                    // White space at the end of a line is ignored.
                    self.space = false;
                    self.breaks += 1;
                    octets = rest;
                }
                b'\r' => {
                    self.stray_cr();
                    self.cr = true;
                    octets = rest;
                }
                b' ' | b'\t' => {
                    self.stray_cr();
                    self.space = true;
                    octets = rest;
                }
                _ => {
                    self.stray_cr();
                    let is_plain = |octet: &u8| !matches!(octet, b' ' | b'\t' | b'\r');
                    // A bare LF ends nothing here, and is an octet like any other.
                    let end = octets.iter().position(|octet| !is_plain(octet)).unwrap_or(octets.len());
                    let (run, behind) = octets.split_at(end);
                    self.put(run);
                    octets = behind;
                }
            }
        }
    }

    /// The hash, when all octets have been fed.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        self.stray_cr();
        // Empty lines at the end are ignored, and so is white space without a line; what is not empty ends in CRLF.
        if self.begun {
            self.gathered.extend_from_slice(b"\r\n");
        }
        self.digest.update(&self.gathered);
        self.digest.finish()
    }

    /// A CR that no LF followed is an octet like any other.
    fn stray_cr(&mut self) {
        if std::mem::take(&mut self.cr) {
            self.put(b"\r");
        }
    }

    /// Lets octets through, and before them what was held back.
    fn put(&mut self, run: &[u8]) {
        for _ in 0..std::mem::take(&mut self.breaks) {
            self.gather(b"\r\n");
        }
        if std::mem::take(&mut self.space) {
            self.gather(b" ");
        }
        self.gather(run);
        self.begun = true;
    }

    fn gather(&mut self, octets: &[u8]) {
        self.gathered.extend_from_slice(octets);
        if self.gathered.len() >= GATHERED_MAX {
            self.digest.update(&self.gathered);
            self.gathered.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;
    use proptest::prelude::*;

    use super::*;

    fn relaxed(name: &str, value: &str) -> String {
        let mut form = Vec::new();
        field(name.as_bytes(), value.as_bytes(), &mut form);
        String::from_utf8(form).unwrap()
    }

    fn hash(chunks: &[&[u8]]) -> Vec<u8> {
        let mut hash = BodyHash::new();
        for chunk in chunks {
            hash.feed(chunk);
        }
        hash.finish().as_ref().to_vec()
    }

    fn sha256(octets: &[u8]) -> Vec<u8> {
        digest(&SHA256, octets).as_ref().to_vec()
    }

    /// RFC 6376 §3.4.4 said once more, on the whole body, as plainly as it can be.
    fn by_the_letter(body: &str) -> String {
        let lines = body.split("\r\n").map(|line| {
            let mut out = String::new();
            for c in line.chars() {
                let c = if c == '\t' { ' ' } else { c };
                if c != ' ' || !out.ends_with(' ') {
                    out.push(c);
                }
            }
            out.trim_end_matches(' ').to_owned()
        });
        let mut lines: Vec<_> = lines.collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.iter().fold(String::new(), |body, line| body + line + "\r\n")
    }

    #[test]
    fn the_example_of_the_standard_comes_out_as_printed() {
        // RFC 6376 §3.4.5, example 1.
        assert_eq!(relaxed("A", " X"), "a:X");
        assert_eq!(relaxed("B", " Y\t\r\n\tZ  "), "b:Y Z");
        assert_eq!(hash(&[b" C \r\nD \t E\r\n\r\n\r\n"]), sha256(b" C\r\nD E\r\n"));
    }

    #[test]
    fn a_body_without_words_is_empty() {
        for body in ["", "\r\n", "\r\n\r\n\r\n", "  \t", " \r\n\t\r\n"] {
            assert_eq!(hash(&[body.as_bytes()]), sha256(b""), "{body:?}");
        }
        assert_eq!(hash(&[b"no line break"]), sha256(b"no line break\r\n"));
        assert_eq!(hash(&[b"a\rb\nc\r"]), sha256(b"a\rb\nc\r\r\n"));
    }

    proptest! {
        #[test]
        fn the_letter_of_the_standard_holds_under_any_chunking(
            pieces in proptest::collection::vec("(\r\n|\r\n\r\n|[ \t]{1,3}|\r|[a-z.]{1,9}){0,6}", 0..12),
        ) {
            let whole = pieces.concat();
            let expected = sha256(by_the_letter(&whole).as_bytes());
            let chunks: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
            prop_assert_eq!(&hash(&chunks), &expected, "{:?}", whole);
            let octets: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
            prop_assert_eq!(&hash(&octets), &expected, "{:?}", whole);
        }

        #[test]
        fn a_long_body_is_hashed_whole(words in proptest::collection::vec("[a-z]{1,900}", 10..40)) {
            let body = words.join(" \t ") + "\r\n";
            prop_assert_eq!(hash(&[body.as_bytes()]), sha256(by_the_letter(&body).as_bytes()));
        }

        #[test]
        fn white_space_in_a_field_does_not_count(words in proptest::collection::vec("[!-~]{1,12}", 1..8)) {
            let folded = format!("\t{} \r\n", words.join(" \r\n \t"));
            prop_assert_eq!(relaxed("Subject", &folded), format!("subject:{}", words.join(" ")));
        }
    }
}
