//! The structure of a message: the same however it is cut, and every part stands where the outline says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern::mail::outline::{Bounds, Outline, Outliner};

/// Small, so that the fuzzer comes to them.
const BOUNDS: Bounds = Bounds { header_octets_max: 2048, parts_max: 12, depth_max: 5 };

fuzz_target!(|input: &[u8]| {
    let Some((&cut, message)) = input.split_first() else { return };
    let outline = outline([message]);
    assert_eq!(outline, self::outline(message.chunks(usize::from(cut) + 1)));
    if outline.fault.is_some() {
        return;
    }
    assert_eq!(outline.len(), message.len() as u64);
    assert!(outline.parts.len() <= BOUNDS.parts_max, "{outline:?}");
    let mut headers = 0;
    let mut begun = 0;
    for (index, part) in outline.parts.iter().enumerate() {
        let slice = |range: &std::ops::Range<u64>| &message[range.start as usize..range.end as usize];
        assert_eq!(slice(&part.header_range), &part.header[..], "{part:?}");
        assert!(part.header_range.end <= part.body.start && part.body.start <= part.body.end, "{part:?}");
        assert!(part.depth <= BOUNDS.depth_max, "{part:?}");
        assert!(part.header_range.start >= begun, "not in order: {part:?}");
        begun = part.header_range.start;
        headers += part.header.len();
        let Some(parent) = part.parent else {
            assert_eq!(index, 0);
            continue;
        };
        let around = &outline.parts[parent];
        assert!(parent < index && part.depth == around.depth + 1, "{part:?}");
        assert!(around.body.start <= part.header_range.start && part.body.end <= around.body.end, "{part:?}");
    }
    assert!(headers <= BOUNDS.header_octets_max, "{headers} octets of headers");
});

fn outline<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Outline {
    let mut outliner = Outliner::new(BOUNDS);
    chunks.into_iter().for_each(|chunk| outliner.feed(chunk));
    outliner.finish()
}
