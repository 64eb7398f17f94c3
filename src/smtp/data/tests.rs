use proptest::prelude::*;

use super::*;

/// Reads the wire in chunks of so many octets: the message, the end, the fault.
fn read(wire: &[u8], chunk: usize) -> (Vec<u8>, Option<usize>, Option<DataFault>) {
    let mut reader = DataReader::default();
    let mut out = BytesMut::new();
    let mut before = 0;
    for piece in wire.chunks(chunk) {
        if let DataEnd::Complete { used } = reader.read(piece, &mut out) {
            return (out.to_vec(), Some(before + used), reader.fault());
        }
        before += piece.len();
    }
    (out.to_vec(), None, reader.fault())
}

fn message(wire: &str) -> String {
    let (octets, end, fault) = read(wire.as_bytes(), wire.len());
    assert_eq!((end, fault), (Some(wire.len()), None), "{wire:?}");
    String::from_utf8(octets).unwrap()
}

#[test]
fn dots_are_undoubled_and_the_end_is_found() {
    assert_eq!(message("a\r\n..b\r\n...\r\n.\r\n"), "a\r\n.b\r\n..\r\n");
    assert_eq!(message("..\r\n.\r\n"), ".\r\n");
    assert_eq!(message(".a\r\n.\r\n"), "a\r\n");
}

#[test]
fn a_dot_as_the_first_line_is_an_empty_message() {
    assert_eq!(message(".\r\n"), "");
}

#[test]
fn what_stands_behind_the_end_is_not_read() {
    assert_eq!(read(b"a\r\n.\r\nQUIT\r\n", 99), (b"a\r\n".to_vec(), Some(6), None));
}

#[test]
fn only_crlf_dot_crlf_ends_and_all_else_is_a_fault() {
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r\r\n.\r\n",
        "\r\n.\r\r\n",
        "\r.\r",
        "\r\n.\r",
        "\r.\r\n",
        "\r\n.\r\r\r\n",
    ] {
        let wire = format!("a{end}x\r\nMAIL FROM:<>\r\n.\r\n");
        for chunk in 1..=wire.len() {
            let (_, end, fault) = read(wire.as_bytes(), chunk);
            assert_eq!((end, fault), (Some(wire.len()), Some(DataFault::BareCrOrLf)), "{wire:?}");
        }
    }
}

#[test]
fn a_nul_hides_no_dot() {
    for end in ["\r\n\0.\r\n", "\r\n\0\0.\r\n", "\r\n.\0.\r\n", "\r\n.\0\r\n"] {
        let wire = format!("a{end}MAIL FROM:<>\r\n.\r\n");
        for chunk in 1..=wire.len() {
            let (_, end, fault) = read(wire.as_bytes(), chunk);
            assert_eq!((end, fault), (Some(wire.len()), Some(DataFault::NulBeginsLine)), "{wire:?}");
        }
    }
    assert_eq!(read(b"a\0.\r\n.\r\n", 99).2, None);

    for chunk in 1..6 {
        let mut check = LineCheck::default();
        b"a\r\n\0.\r\n".chunks(chunk).for_each(|octets| check.read(octets));
        assert_eq!(check.finish(), Some(DataFault::NulBeginsLine));
    }
}

#[test]
fn a_line_of_998_octets_is_taken_and_none_longer() {
    let line = "x".repeat(LINE_OCTETS_MAX);
    assert_eq!(read(format!("{line}\r\n.\r\n").as_bytes(), 100).2, None);
    assert_eq!(read(format!(".{line}\r\n.\r\n").as_bytes(), 100).2, None);
    assert_eq!(read(format!("x{line}\r\n.\r\n").as_bytes(), 100).2, Some(DataFault::LineTooLong));
}

#[test]
fn a_missing_last_line_end_is_added() {
    let mut out = BytesMut::new();
    let mut writer = DataWriter::new();
    writer.write(b"a", &mut out);
    writer.finish(&mut out);
    assert_eq!(out, "a\r\n.\r\n");
}

proptest! {
    #[test]
    fn chunks_do_not_matter_to_the_reader(wire in "[\\.\\r\\na]{0,24}", chunk in 1_usize..6) {
        let wire = format!("{wire}\r\n.\r\n");
        prop_assert_eq!(read(wire.as_bytes(), chunk), read(wire.as_bytes(), wire.len()));
    }

    #[test]
    fn chunks_do_not_matter_to_the_writer(message in "[\\.\\r\\na]{0,24}", chunk in 1_usize..6) {
        let written = |size: usize| {
            let mut out = BytesMut::new();
            let mut writer = DataWriter::new();
            message.as_bytes().chunks(size).for_each(|piece| writer.write(piece, &mut out));
            writer.finish(&mut out);
            out
        };
        prop_assert_eq!(written(chunk), written(99));
    }

    #[test]
    fn bdat_has_the_rules_of_data(message in "[\\.\\r\\na]{0,24}", chunk in 1_usize..6) {
        let mut check = LineCheck::default();
        message.as_bytes().chunks(chunk).for_each(|piece| check.read(piece));
        let mut out = BytesMut::new();
        let mut writer = DataWriter::new();
        writer.write(message.as_bytes(), &mut out);
        writer.finish(&mut out);
        // The writer completes a last line that only has its CR; BDAT takes the octets as they are.
        prop_assume!(!message.ends_with('\r'));
        prop_assert_eq!(check.finish(), read(&out, chunk).2);
    }

    #[test]
    fn what_is_written_is_read_again(lines in proptest::collection::vec("[\\.a]{0,5}\r\n", 0..8), chunk in 1_usize..6) {
        let message = lines.concat();
        let mut out = BytesMut::new();
        let mut writer = DataWriter::new();
        message.as_bytes().chunks(chunk).for_each(|piece| writer.write(piece, &mut out));
        writer.finish(&mut out);
        prop_assert_eq!(read(&out, chunk), (message.into_bytes(), Some(out.len()), None));
    }

    #[test]
    fn the_neighbours_reader_finds_the_same_end(lines in proptest::collection::vec("[\\.a]{1,5}\r\n", 1..8)) {
        let message = lines.concat();
        // Theirs does not look for a dot in the very first line.
        prop_assume!(!message.starts_with('.'));
        let mut out = BytesMut::new();
        let mut writer = DataWriter::new();
        writer.write(message.as_bytes(), &mut out);
        writer.finish(&mut out);
        let mut theirs = smtp_proto::request::receiver::DataReceiver::new();
        let mut octets = Vec::new();
        prop_assert!(theirs.ingest(&mut out.iter(), &mut octets));
        prop_assert_eq!(octets, message.into_bytes());
    }
}
