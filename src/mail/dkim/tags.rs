//! Tag lists, `name=value; name=value` (RFC 6376 §3.2), as signatures and key records are written in.

/// The tags of a list, in order, names and values without the white space around them. What is no tag is passed over.
pub fn tags(list: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    list.split(|&octet| octet == b';').filter_map(|tag| {
        let at = memchr::memchr(b'=', tag)?;
        let (name, value) = tag.split_at(at);
        Some((name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii()))
    })
}

/// The value of a tag, without any white space, folds included: of a base64 text or a domain none of it counts.
/// A tag must not stand twice (RFC 6376 §3.2); of one that does, the first counts.
#[must_use]
pub fn value(list: &[u8], name: &str) -> Option<String> {
    let (_, value) = tags(list).find(|(tag, _)| *tag == name.as_bytes())?;
    let dense = value.iter().filter(|octet| !octet.is_ascii_whitespace()).copied().collect();
    String::from_utf8(dense).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_found_and_lose_their_folds() {
        let list = b"v=1; d = corp.example;\r\n\ts=a; b=AbC\r\n\t dEf==; x=1=2;";
        assert_eq!(value(list, "d").as_deref(), Some("corp.example"));
        assert_eq!(value(list, "b").as_deref(), Some("AbCdEf=="));
        assert_eq!(value(list, "x").as_deref(), Some("1=2"));
        assert_eq!(value(list, "D"), None);
        assert_eq!(value(b"p=", "p").as_deref(), Some(""));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(list: Vec<u8>) {
            let _ = value(&list, "b");
        }
    }
}
