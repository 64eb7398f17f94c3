//! What a copy costs for one invitee: edits and streaming, as the gateway does it; the message taken apart and put
//! together again, as others do it; and the same octets merely copied, which nobody can beat.
//!
//! cargo bench --bench rewrite
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "criterion's macros document nothing, and a benchmark fails by panicking"
)]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mail_builder::MessageBuilder;
use mail_parser::{MessageParser, MimeHeaders};
use postern::mail::edit::{Piece, Source};
use postern::mail::outline::{Bounds, Outline, Outliner};
use postern::mail::rewrite::{self, Blocks, Readdress};

const LINK: &str = "https://postern.corp.example/i/0123456789abcdefghjkmnpqrs";
/// Octets that are read and written at once, as in delivery.
const CHUNK: u64 = 64 * 1024;

fn rewriting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rewrite");
    for (name, octets) in [("4 KiB", 4 << 10), ("100 KiB", 100 << 10), ("10 MiB", 10 << 20)] {
        let message = message(octets);
        let outline = outline(&message);
        let blocks = blocks();
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.sample_size(if octets > 1 << 20 { 20 } else { 100 });
        group.bench_function(BenchmarkId::new("scan", name), |bencher| {
            bencher.iter(|| black_box(self::outline(&message)));
        });
        group.bench_function(BenchmarkId::new("edits, checked", name), |bencher| {
            bencher.iter(|| rewrite::invite(&message, &outline, &blocks, &Readdress::default()).unwrap());
        });
        group.bench_function(BenchmarkId::new("edits, checked, streamed", name), |bencher| {
            let mut copy = Vec::with_capacity(message.len() * 2);
            bencher.iter(|| {
                let made = rewrite::invite(&message, &outline, &blocks, &Readdress::default()).unwrap();
                stream(&message, made.edits.pieces(message.len() as u64), &mut copy);
                black_box(copy.len())
            });
        });
        group.bench_function(BenchmarkId::new("mail-parser and mail-builder", name), |bencher| {
            bencher.iter(|| black_box(reassembled(&message, &blocks)));
        });
        group.bench_function(BenchmarkId::new("copy", name), |bencher| {
            let mut copy = Vec::with_capacity(message.len() * 2);
            let whole = Piece::Original(0..message.len() as u64);
            bencher.iter(|| {
                stream(&message, std::iter::once(whole.clone()), &mut copy);
                black_box(copy.len())
            });
        });
    }
    group.finish();
}

fn stream<'a>(message: &Bytes, pieces: impl Iterator<Item = Piece<'a>>, copy: &mut Vec<u8>) {
    copy.clear();
    for piece in pieces {
        match piece {
            Piece::Replacement(octets) => copy.extend_from_slice(octets),
            Piece::Original(range) => {
                let mut at = range.start;
                while at < range.end {
                    let end = (at + CHUNK).min(range.end);
                    copy.extend_from_slice(&message.read(at..end).unwrap());
                    at = end;
                }
            }
        }
    }
}

/// The usual way: everything decoded, and written anew.
fn reassembled(message: &[u8], blocks: &Blocks) -> Vec<u8> {
    let parsed = MessageParser::default().parse(message).unwrap();
    let text = parsed.body_text(0).unwrap();
    let html = parsed.body_html(0).unwrap();
    let mut builder = MessageBuilder::new()
        .from("ana@corp.example")
        .to("kim@partner.example")
        .subject(parsed.subject().unwrap())
        .text_body([&blocks.top_text, text.as_ref(), &blocks.bottom_text].concat())
        .html_body([&blocks.top_html, html.as_ref(), &blocks.bottom_html].concat());
    for attachment in parsed.attachments() {
        builder = builder.attachment(
            "application/octet-stream",
            attachment.attachment_name().unwrap_or("file").to_owned(),
            attachment.contents().to_vec(),
        );
    }
    builder.write_to_vec().unwrap()
}

/// Text, HTML and an attachment that makes up the size.
fn message(octets: usize) -> Bytes {
    let line = "The drawings of the east wing, the list of rooms, and what else we need.\r\n";
    let text = line.repeat(8);
    let html = format!("<html><body><p>{}</p></body></html>", line.repeat(8));
    let head = "From: Ana Lima <ana@corp.example>\r\nTo: kim@partner.example\r\nSubject: The drawings\r\n\
        Message-ID: <1@corp.example>\r\nDate: Tue, 24 Nov 2026 13:37:00 +0100\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"=_o\"\r\n\r\n--=_o\r\n";
    let alternative = format!(
        "Content-Type: multipart/alternative; boundary=\"=_i\"\r\n\r\n--=_i\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         {text}\r\n--=_i\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         {html}\r\n--=_i--\r\n--=_o\r\n"
    );
    let attachment = "Content-Type: application/octet-stream; name=plan.bin\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename=plan.bin\r\n\r\n";
    let mut message = [head, &alternative, attachment].concat().into_bytes();
    let mut state = 1_u32;
    while message.len() < octets {
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(57)
        .collect();
        message.extend_from_slice(STANDARD.encode(noise).as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"--=_o--\r\n");
    message.into()
}

fn outline(message: &Bytes) -> Outline {
    let mut outliner = Outliner::new(Bounds { header_octets_max: 256 * 1024, parts_max: 100, depth_max: 20 });
    message.chunks(64 * 1024).for_each(|chunk| outliner.feed(chunk));
    outliner.finish()
}

fn blocks() -> Blocks {
    Blocks {
        top_text: "Ana Lima has invited you.\n".to_owned(),
        top_html: "<div>Ana Lima has invited you.</div>\n".to_owned(),
        bottom_text: format!("Please follow this link:\n\n{LINK}\n"),
        bottom_html: format!("<div><a href=\"{LINK}\">Send files</a>\n{LINK}\n</div>\n"),
        link: LINK.to_owned(),
    }
}

criterion_group!(benches, rewriting);
criterion_main!(benches);
