//! Distinguished names (RFC 4514), compared.
//!
//! Two servers, or a person and a server, write the same name differently: in case, in spaces, in which characters they
//! escape. Names of groups are compared as the directory's own rule for them does (caseIgnoreMatch, RFC 4517 §4.2.11).

/// One spelling for one name: for comparing only.
pub(super) fn key(name: &str) -> String {
    let mut parts = Vec::new();
    let mut part = Part::default();
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => part.escaped(&mut characters),
            // `+` stands between two values of one step (RFC 4514 §2.2); their order means nothing.
            ',' | ';' | '+' => parts.push((std::mem::take(&mut part).folded(), c)),
            c => part.plain(c),
        }
    }
    parts.push((part.folded(), ','));
    let mut steps: Vec<Vec<String>> = vec![Vec::new()];
    for (part, behind) in parts {
        if let Some(step) = steps.last_mut() {
            step.push(part);
            step.sort_unstable();
        }
        if behind != '+' {
            steps.push(Vec::new());
        }
    }
    steps.iter().map(|step| step.join("+")).collect::<Vec<_>>().join("\0")
}

/// `type=value`, octet by octet: escapes may stand for parts of a character.
#[derive(Default)]
struct Part {
    octets: Vec<u8>,
    /// How much of it must stay, for it was escaped: spaces behind it are spelling.
    kept: usize,
}

impl Part {
    fn plain(&mut self, c: char) {
        // White space before a type, and around the first `=`, is spelling.
        let is_before_a_word = self.octets.is_empty()
            || self.octets.iter().position(|&b| b == b'=').is_some_and(|at| at + 1 == self.octets.len());
        if c == ' ' && is_before_a_word {
            return;
        }
        if c == '=' && !self.octets.contains(&b'=') {
            while self.octets.last() == Some(&b' ') {
                self.octets.pop();
            }
        }
        self.octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `\,` or `\2C` (RFC 4514 §2.4).
    fn escaped(&mut self, rest: &mut std::str::Chars<'_>) {
        let hex: String = rest.as_str().chars().take(2).collect();
        match u8::from_str_radix(&hex, 16) {
            Ok(octet) if hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                rest.by_ref().take(2).for_each(drop);
                self.octets.push(octet);
            }
            _ => {
                if let Some(c) = rest.next() {
                    self.octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        self.kept = self.octets.len();
    }

    fn folded(mut self) -> String {
        while self.octets.len() > self.kept && self.octets.last() == Some(&b' ') {
            self.octets.pop();
        }
        String::from_utf8_lossy(&self.octets).to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_several_spellings_is_one_name() {
        for (one, other) in [
            ("cn=Inviters,ou=Groups,dc=corp,dc=example", "CN=inviters, OU=groups , DC=Corp,dc = example"),
            ("cn=O'Neil\\, Dave (IT)*,dc=x", "CN=O'Neil\\2c Dave (IT)*,DC=x"),
            ("cn=M\\C3\\BCller,dc=x", "CN=Müller,dc=x"),
            ("cn=a+uid=b,dc=x", "UID=b + CN=a,dc=x"),
            ("cn=a\\ ,dc=x", "cn=a\\20,dc=x"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in [
            ("cn=a,ou=b,dc=x", "cn=a,dc=x"),
            ("cn=a\\,ou=b,dc=x", "cn=a,ou=b,dc=x"),
            ("cn=a+ou=b,dc=x", "cn=a,ou=b,dc=x"),
            ("cn=a\\ ,dc=x", "cn=a,dc=x"),
            ("cn=a,dc=x", "uid=a,dc=x"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }
}
