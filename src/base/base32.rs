//! Octets as text that survives being read aloud, typed, and put into lower or upper case: Crockford's base 32.

/// In lower case; no `i`, `l`, `o`, `u`, so nothing is mistaken when read aloud.
pub const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The octets as text, five bits a character; the last one is filled up with zeros.
#[must_use]
pub fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity((octets.len() * 8).div_ceil(5));
    let (mut bits, mut count) = (0_u32, 0);
    for octet in octets {
        bits = bits << 8 | u32::from(*octet);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(character(bits >> count));
        }
        bits &= 0xFF;
    }
    if count > 0 {
        text.push(character(bits << (5 - count)));
    }
    text
}

/// What `encode` wrote, in any case, with the look-alikes forgiven (`i` and `l` are 1, `o` is 0); `None` where it is not
/// that.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes() {
        bits = bits << 5 | value(character)?;
        count += 5;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
        bits &= 0xFF;
    }
    // Nothing but the filling may be left.
    let left = bits & ((1 << count) - 1);
    (count < 5 && left == 0).then_some(octets)
}

/// A character in its canonical form; `None` where it is none of ours.
#[must_use]
pub fn canonical(character: u8) -> Option<u8> {
    match character.to_ascii_lowercase() {
        b'i' | b'l' => Some(b'1'),
        b'o' => Some(b'0'),
        other => ALPHABET.contains(&other).then_some(other),
    }
}

fn character(bits: u32) -> char {
    usize::try_from(bits & 31).ok().and_then(|at| ALPHABET.get(at)).map_or('0', |&octet| char::from(octet))
}

fn value(character: u8) -> Option<u32> {
    let canonical = canonical(character)?;
    ALPHABET.iter().position(|&known| known == canonical).and_then(|at| u32::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_typed_with_look_alikes_is_read() {
        let text = encode(&[0x08, 0x41, 0x00]);
        assert_eq!(decode(&text.replace('1', "I").replace('0', "o")), Some(vec![0x08, 0x41, 0x00]));
        assert_eq!(decode("u0"), None);
        assert_eq!(decode("01"), None, "the filling is zeros");
        assert_eq!(decode("0"), None, "too short for an octet");
    }

    proptest! {
        #[test]
        fn reading_what_was_written_gives_the_same(octets: Vec<u8>) {
            let text = encode(&octets);
            prop_assert_eq!(decode(&text.to_ascii_uppercase()), Some(octets));
        }

        #[test]
        fn nothing_makes_it_panic(text: String) {
            let _ = decode(&text);
        }
    }
}
