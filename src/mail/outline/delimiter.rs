//! Lines that end bodies (RFC 2046 §5.1.1).

/// A line that looks like the end of a body.
pub struct Delimiter {
    /// The level of the multipart it belongs to.
    pub level: usize,
    /// What it does.
    pub kind: Kind,
    /// RFC 2046 §5.1.1 tells readers to look at the beginning of the line only; many want the whole line. They
    /// disagree where the line is longer, and about whose it is where it ends parts of several.
    pub doubtful: bool,
}

/// What a delimiter line does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ends a part, and begins the next.
    Next,
    /// Ends the last part.
    Close,
    /// It begins like a delimiter and goes on otherwise.
    Begins,
}

impl Delimiter {
    /// Reads a line, without its line break. The boundaries come with their levels, innermost first; a line that is
    /// a boundary is of the innermost that it is, else of the innermost with which it begins.
    pub fn find<'a>(line: &[u8], boundaries: impl Iterator<Item = (usize, &'a [u8])>) -> Option<Self> {
        let candidate = line.strip_prefix(b"--")?;
        let mut best: Option<Self> = None;
        for (level, boundary) in boundaries {
            let Some(behind) = candidate.strip_prefix(boundary) else { continue };
            // Transport padding (RFC 2046 §5.1.1).
            let kind = match behind.trim_ascii_end() {
                b"" => Kind::Next,
                b"--" => Kind::Close,
                _ => Kind::Begins,
            };
            match &mut best {
                None => best = Some(Self { level, kind, doubtful: kind == Kind::Begins }),
                // An outer boundary with which an inner one begins is common, and nobody is mistaken.
                Some(_) if kind == Kind::Begins => {}
                Some(found) if found.kind == Kind::Begins => (found.level, found.kind) = (level, kind),
                Some(found) => found.doubtful = true,
            }
        }
        best
    }
}
