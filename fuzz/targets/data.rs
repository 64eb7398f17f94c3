//! The octets of a message, by DATA and by BDAT: the same however they are cut, and what we write is read as it was.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postern::smtp::data::{DataEnd, DataReader, DataWriter, LineCheck};
use postern::smtp::line::{LineFault, LineReader};

/// Octets of a line of the dialogue, in this house.
const LINE_OCTETS_MAX: usize = 40;

fuzz_target!(|input: &[u8]| {
    let Some((&cut, octets)) = input.split_first() else { return };
    let cut = usize::from(cut % 32) + 1;
    assert_eq!(data(octets.chunks(cut)), data([octets]));
    let fault = check(octets.chunks(cut));
    assert_eq!(fault, check([octets]));
    assert_eq!(lines(octets.chunks(cut)), lines([octets]));

    let mut wire = BytesMut::new();
    let mut writer = DataWriter::new();
    octets.chunks(cut).for_each(|chunk| writer.write(chunk, &mut wire));
    writer.finish(&mut wire);
    let (message, fault_of_data, end) = data([&wire[..]]);
    if fault.is_none() {
        // The last line is given the CRLF that it lacks.
        let is_whole = octets.is_empty() || octets.ends_with(b"\r\n");
        let expected = [octets, if is_whole { b"" } else { b"\r\n" }].concat();
        assert_eq!((&message[..], fault_of_data), (&expected[..], None));
        assert_eq!(end, Some(wire.len()));
    }
    // Nothing that a message may hold ends it before its end, also where it would be refused.
    if let Some(end) = end {
        assert_eq!(end, wire.len());
    }
});

type Data = (BytesMut, Option<postern::smtp::data::DataFault>, Option<usize>);

fn data<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Data {
    let (mut reader, mut out, mut before) = (DataReader::default(), BytesMut::new(), 0);
    for chunk in chunks {
        match reader.read(chunk, &mut out) {
            DataEnd::Pending => before += chunk.len(),
            DataEnd::Complete { used } => return (out, reader.fault(), Some(before + used)),
        }
    }
    (out, reader.fault(), None)
}

fn check<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Option<postern::smtp::data::DataFault> {
    let mut check = LineCheck::default();
    chunks.into_iter().for_each(|chunk| check.read(chunk));
    check.finish()
}

/// The lines of a dialogue, up to the first that was ended wrongly: behind it nothing is heard.
fn lines<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<BytesMut, LineFault>> {
    let (mut reader, mut buffer, mut lines) = (LineReader::default(), BytesMut::new(), Vec::new());
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match reader.take(&mut buffer, LINE_OCTETS_MAX) {
                Ok(Some(line)) => lines.push(Ok(line)),
                Ok(None) => break,
                Err(fault) => {
                    lines.push(Err(fault));
                    if fault == LineFault::BareLf {
                        return lines;
                    }
                }
            }
        }
    }
    lines
}
