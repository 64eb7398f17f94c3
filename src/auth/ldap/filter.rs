//! Filters (RFC 4515) and the names that people type.

use std::fmt::Write;

/// A filter of the settings with what is searched in its place, escaped: whatever is typed stays a value.
pub(super) fn filled(filter: &str, place: &str, value: &str) -> String {
    filter.replace(place, &escaped(value))
}

/// The value as it may stand in a filter (RFC 4515 §3). Every octet that means something there, or nothing readable,
/// is escaped.
pub(super) fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '*' | '(' | ')' | '\\' | '\0'..='\x1f' | '\x7f' => {
                // Writing to a string never fails.
                let _ = write!(escaped, "\\{:02x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The part of a typed name that a directory knows: of `DOMAIN\name` the name. An address keeps its backslashes.
pub(in crate::auth) fn without_domain(name: &str) -> &str {
    let name = name.trim();
    if name.contains('@') {
        return name;
    }
    name.rsplit_once('\\').map_or(name, |(_, name)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_typed_stays_a_value() {
        for (typed, escaped_form) in [
            ("ann", "ann"),
            ("*", "\\2a"),
            ("ann)(uid=*", "ann\\29\\28uid=\\2a"),
            ("O'Neil, Dave (IT)*", "O'Neil, Dave \\28IT\\29\\2a"),
            ("a\\b\0c", "a\\5cb\\00c"),
            ("Zoë", "Zoë"),
        ] {
            assert_eq!(escaped(typed), escaped_form);
            let filter = filled("(&(objectClass=person)(|(uid={name})(mail={name})))", "{name}", typed);
            assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        }
        // A place in what is typed is not filled again.
        assert_eq!(filled("(uid={name})", "{name}", "{name}"), "(uid={name})");
    }

    #[test]
    fn a_domain_before_the_name_is_no_part_of_it() {
        for (typed, name) in [
            ("CORP\\ann", "ann"),
            (" ann ", "ann"),
            ("ann@corp.example", "ann@corp.example"),
            ("a\\b\\c", "c"),
            ("\"\\ann\"@x", "\"\\ann\"@x"),
        ] {
            assert_eq!(without_domain(typed), name);
        }
    }
}
