//! Messages to try: the corpus, mutilated; and shapes that only malice builds, in any size.

use std::fs;
use std::path::Path;

use bytes::Bytes;

/// Longest line that a client can send (RFC 5321 §4.5.3.1.6), without CRLF.
const LINE_OCTETS_MAX: usize = 998;

/// Repeatable chance: xorshift (Marsaglia 2003).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: usize) -> Self {
        let mut dice = Self((seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        // The first throws of neighbouring seeds are alike.
        for _ in 0..4 {
            let _ = dice.below(2);
        }
        dice
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % (bound.max(1) as u64)).unwrap()
    }
}

pub fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A message of the corpus with a few wounds, as a client could still send it: line ends are mended, lines broken.
pub fn mutilated(corpus: &[Vec<u8>], dice: &mut Dice) -> Bytes {
    let mut message = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(message.len());
        match dice.below(8) {
            0 => {
                if let Some(octet) = message.get_mut(at) {
                    *octet ^= 1 << dice.below(8);
                }
            }
            1 => message.truncate(at),
            2 => drop(message.drain(at..(at + dice.below(200)).min(message.len()))),
            // The rest of another message.
            3 => {
                let other = &corpus[dice.below(corpus.len())];
                message.truncate(at);
                message.extend_from_slice(&other[dice.below(other.len())..]);
            }
            // A line that is there once more: boundaries, fields, empty lines.
            4 | 5 => {
                let lines: Vec<&[u8]> = message.split_inclusive(|&b| b == b'\n').collect();
                let dashed: Vec<&[u8]> =
                    lines.iter().copied().filter(|line| line.starts_with(b"--")).collect();
                let from = if dice.below(2) == 0 && !dashed.is_empty() { &dashed } else { &lines };
                let line = from.get(dice.below(from.len())).map(|line| line.to_vec()).unwrap_or_default();
                let place: usize =
                    lines.iter().take(dice.below(lines.len() + 1)).map(|line| line.len()).sum();
                drop(message.splice(place..place, line));
            }
            // A line that is gone.
            6 => {
                let lines: Vec<&[u8]> = message.split_inclusive(|&b| b == b'\n').collect();
                let gone = dice.below(lines.len());
                message = lines
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != gone)
                    .flat_map(|(_, line)| *line)
                    .copied()
                    .collect();
            }
            _ => {
                let junk = [
                    &b"\r\n"[..],
                    b"\0",
                    b"=",
                    b"\"",
                    b"(",
                    b"<body>",
                    b"-->",
                    b"\x1b$B",
                    b"\xff\xfe",
                    b"--",
                    b";",
                ];
                let junk = junk[dice.below(junk.len())];
                drop(message.splice(at..at, junk.iter().copied()));
            }
        }
    }
    Bytes::from(sendable(&message))
}

fn sendable(message: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(message.len() + 2);
    for line in message.split(|&b| b == b'\n') {
        let line: Vec<u8> = line.iter().copied().filter(|b| *b != b'\r').collect();
        for piece in line.chunks(LINE_OCTETS_MAX) {
            lines.extend_from_slice(piece);
            lines.extend_from_slice(b"\r\n");
        }
        if line.is_empty() {
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}

type Make = fn(usize) -> Vec<u8>;

/// Shapes that have slowed others down, by name; each grows with its number.
pub fn strange() -> Vec<(&'static str, Make)> {
    const HEAD: &str = "From: a@corp.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n";
    let shapes: Vec<(&'static str, Make)> = vec![
        ("addresses", |n| {
            [HEAD, "To: ", &"a@x.example,\r\n ".repeat(4_000 * n), "b@x.example\r\n\r\nHello\r\n"]
                .concat()
                .into()
        }),
        ("groups and brackets", |n| {
            [HEAD, "To: ", &"<:a::,".repeat(9_000 * n), "\r\n\r\nHello\r\n"].concat().into()
        }),
        ("colons in brackets", |n| {
            [HEAD, "To: <", &":".repeat(50_000 * n), "\r\n\r\nHello\r\n"].concat().into()
        }),
        ("half encoded words", |n| {
            [HEAD, "To: ", &"=?,".repeat(18_000 * n), "\r\n\r\nHello\r\n"].concat().into()
        }),
        ("open comments", |n| [HEAD, "To: ", &"(".repeat(55_000 * n), "\r\n\r\nHello\r\n"].concat().into()),
        ("open quotes", |n| {
            [HEAD, "To: ", &"\"a\\\" ".repeat(10_000 * n), "\r\n\r\nHello\r\n"].concat().into()
        }),
        ("fields", |n| [HEAD, &"X: y\r\n".repeat(9_000 * n), "\r\nHello\r\n"].concat().into()),
        ("folds", |n| {
            [HEAD, "Subject: a", &"\r\n b".repeat(10_000 * n), "\r\n\r\nHello\r\n"].concat().into()
        }),
        ("encoded words", |n| {
            [HEAD, "Cc: ", &"=?utf-8?q?=C3=BC?= ".repeat(2_500 * n), "<a@x.example>\r\n\r\nHello\r\n"]
                .concat()
                .into()
        }),
        ("charsets", |n| {
            [HEAD, "Content-Type: text/plain", &"; charset=x".repeat(4_000 * n), "\r\n\r\nHello\r\n"]
                .concat()
                .into()
        }),
        ("charsets in a comment", |n| {
            [HEAD, "Content-Type: text/plain (", &"charset=x ".repeat(5_000 * n), ")\r\n\r\nHello\r\n"]
                .concat()
                .into()
        }),
        ("sections", |n| {
            let sections: Vec<String> = (0..4_000 * n).map(|at| format!("; name*{at}=x")).collect();
            [HEAD, "Content-Type: text/plain", &sections.concat(), "\r\n\r\nHello\r\n"].concat().into()
        }),
        ("almost delimiters", |n| [HEAD, DEEP, &"--q\r\n".repeat(100_000 * n), "\r\n"].concat().into()),
        ("hyphens", |n| [HEAD, DEEP, &"--\r\n".repeat(100_000 * n), "\r\n"].concat().into()),
        ("empty lines", |n| [HEAD, DEEP, &"\r\n".repeat(200_000 * n), "\r\n"].concat().into()),
        ("tags", |n| [HEAD, HTML, &"<b>x\r\n".repeat(30_000 * n)].concat().into()),
        ("closed tags", |n| [HEAD, HTML, &"<b>x</b>\r\n".repeat(20_000 * n)].concat().into()),
        ("wrong ends", |n| [HEAD, HTML, &"<p><b>x</i>\r\n".repeat(15_000 * n)].concat().into()),
        ("bodies", |n| [HEAD, HTML, &"<body>x</body>\r\n".repeat(10_000 * n)].concat().into()),
        ("attributes", |n| [HEAD, HTML, "<p ", &"a=b\r\n".repeat(40_000 * n), ">x"].concat().into()),
        ("open comments in HTML", |n| [HEAD, HTML, "x", &"<!--\r\n".repeat(40_000 * n)].concat().into()),
        ("angle brackets", |n| [HEAD, HTML, "x", &"<\r\n".repeat(60_000 * n)].concat().into()),
        ("references", |n| [HEAD, HTML, &"&amp;&\r\n".repeat(30_000 * n)].concat().into()),
        ("soft breaks", |n| [HEAD, QP, &"=\r\n".repeat(80_000 * n), "x\r\n"].concat().into()),
        ("equals signs", |n| [HEAD, QP, &"=====\r\n".repeat(40_000 * n), "x\r\n"].concat().into()),
        ("trailing space", |n| {
            [HEAD, QP, &" \t ".repeat(300), "\r\n", &" \t \r\n".repeat(50_000 * n), "x\r\n"].concat().into()
        }),
        ("base64 in small lines", |n| {
            [
                HEAD,
                "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                &"eHh4\r\n".repeat(50_000 * n),
            ]
            .concat()
            .into()
        }),
    ];
    shapes
}

/// Many boundaries open at once.
const DEEP: &str = "Content-Type: multipart/mixed; boundary=\"q1\"\r\n\r\n--q1\r\n\
    Content-Type: multipart/mixed; boundary=\"q2\"\r\n\r\n--q2\r\n\
    Content-Type: multipart/mixed; boundary=\"q3\"\r\n\r\n--q3\r\n\
    Content-Type: multipart/mixed; boundary=\"q4\"\r\n\r\n--q4\r\n\r\nHello\r\n";
const HTML: &str = "Content-Type: text/html; charset=us-ascii\r\n\r\n";
const QP: &str =
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
