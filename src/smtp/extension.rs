//! What a server says it can do: the keywords in its answer to EHLO (RFC 5321 §4.1.1.1).

use crate::smtp::reply::Reply;

/// The extensions that Postern knows. A server announces them, a client reads them.
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword that a server announces or does not")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// RFC 3207: STARTTLS may follow.
    pub starttls: bool,
    /// RFC 2920: commands may be sent without waiting for each reply.
    pub pipelining: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3030: BDAT instead of DATA.
    pub chunking: bool,
    /// RFC 2034.
    pub enhanced_status_codes: bool,
    /// RFC 1870: the most octets a message may have; 0 where the server names no limit.
    pub size: Option<u64>,
    /// RFC 4954 with RFC 4616.
    pub auth_plain: bool,
    /// RFC 4954 with LOGIN.
    pub auth_login: bool,
}

impl Extensions {
    /// Reads the answer to EHLO. Its first line is a greeting; keywords that we do not know are passed over.
    #[must_use]
    pub fn of(ehlo: &Reply) -> Self {
        let mut extensions = Self::default();
        for line in ehlo.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("STARTTLS") => extensions.starttls = true,
                Some("PIPELINING") => extensions.pipelining = true,
                Some("8BITMIME") => extensions.eight_bit_mime = true,
                Some("SMTPUTF8") => extensions.smtputf8 = true,
                Some("DSN") => extensions.dsn = true,
                Some("CHUNKING") => extensions.chunking = true,
                Some("ENHANCEDSTATUSCODES") => extensions.enhanced_status_codes = true,
                Some("SIZE") => {
                    extensions.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0));
                }
                Some("AUTH") => {
                    for mechanism in words {
                        extensions.auth_plain |= mechanism == "PLAIN";
                        extensions.auth_login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        extensions
    }

    /// The lines with which a server announces them, without the greeting.
    #[must_use]
    pub fn keywords(&self) -> Vec<String> {
        let size = self.size.map(|octets| format!("SIZE {octets}"));
        let auth = match (self.auth_plain, self.auth_login) {
            (true, true) => Some("AUTH PLAIN LOGIN"),
            (true, false) => Some("AUTH PLAIN"),
            (false, true) => Some("AUTH LOGIN"),
            (false, false) => None,
        };
        let flags = [
            (self.pipelining, "PIPELINING"),
            (self.eight_bit_mime, "8BITMIME"),
            (self.smtputf8, "SMTPUTF8"),
            (self.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
            (self.dsn, "DSN"),
            (self.chunking, "CHUNKING"),
            (self.starttls, "STARTTLS"),
        ];
        let announced = flags.iter().filter(|(on, _)| *on).map(|(_, keyword)| *keyword).chain(auth);
        size.into_iter().chain(announced.map(ToOwned::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(lines: &[&str]) -> Extensions {
        Extensions::of(&Reply::bare(250, lines.iter().map(|&line| line.to_owned()).collect()))
    }

    #[test]
    fn a_server_in_use_is_understood() {
        let extensions = of(&[
            "mail.partner.example at your service",
            "PIPELINING",
            "size 52428800",
            "VRFY",
            "AUTH GSSAPI LOGIN plain",
            "8BITMIME",
        ]);
        assert!(extensions.pipelining && extensions.eight_bit_mime);
        assert!(extensions.auth_plain && extensions.auth_login);
        assert!(!extensions.starttls && !extensions.dsn);
        assert_eq!(extensions.size, Some(52_428_800));
    }

    #[test]
    fn the_first_line_is_a_greeting_even_if_it_looks_like_a_keyword() {
        assert_eq!(of(&["STARTTLS"]), Extensions::default());
    }

    proptest! {
        #[test]
        fn what_is_announced_is_read(flags in any::<[bool; 9]>(), size in any::<Option<u64>>()) {
            let [starttls, pipelining, eight_bit_mime, smtputf8, dsn, chunking, enhanced_status_codes, auth_plain, auth_login] = flags;
            let written = Extensions {
                starttls, pipelining, eight_bit_mime, smtputf8, dsn, chunking, enhanced_status_codes, size, auth_plain, auth_login,
            };
            let mut lines = vec!["corp.example".to_owned()];
            lines.extend(written.keywords());
            prop_assert_eq!(Extensions::of(&Reply::bare(250, lines)), written);
        }
    }
}
