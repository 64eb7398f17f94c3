//! What a server says to a password, and why.
//!
//! Whoever is refused hears one sentence. The reason goes into the journal, for the administrator who is asked.

use ldap3::LdapResult;
use ldap3::asn1::parse_tag;
use ldap3::controls::{Control, RawControl};

/// Asks for the reason, where a server knows this control (draft-behera-ldap-password-policy §6).
pub(super) const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// What became of a sign-in at the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The password is right, and the person may come in.
    Proven,
    /// Not with this password, or not at all; why, as far as the server says.
    Refused(&'static str),
    /// No answer to the question: the server is not what it should be.
    NoAnswer,
}

/// The request for the reason.
pub(super) fn password_policy() -> RawControl {
    RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None }
}

/// Reads the answer to a bind (RFC 4511 §4.2.2, codes: Appendix A).
pub(super) fn outcome(result: &LdapResult) -> Outcome {
    match result.rc {
        0 => policy_error(&result.ctrls).map_or(Outcome::Proven, Outcome::Refused),
        // invalidCredentials: wrong or unknown, and whatever else a server does not want to tell a stranger.
        49 => Outcome::Refused(
            policy_error(&result.ctrls)
                .or_else(|| active_directory(&result.text))
                .unwrap_or("wrong password"),
        ),
        19 => Outcome::Refused("not now: a rule of the directory"),
        32 | 34 => Outcome::Refused("no such entry"),
        48 | 50 => Outcome::Refused("may not sign in"),
        53 => Outcome::Refused("inactive"),
        _ => Outcome::NoAnswer,
    }
}

/// The error in the response control, whatever the password was: `SEQUENCE { warning [0], error [1] }`.
fn policy_error(controls: &[Control]) -> Option<&'static str> {
    let Control(_, control) = controls.iter().find(|Control(_, raw)| raw.ctype == PASSWORD_POLICY)?;
    let (_, tag) = parse_tag(control.val.as_deref()?).ok()?;
    let error = tag.expect_constructed()?.into_iter().find(|tag| tag.id == 1)?.expect_primitive()?;
    match error.as_slice() {
        [0] => Some("password expired"),
        [1] => Some("locked"),
        [2] => Some("must change the password first"),
        _ => None,
    }
}

/// Active Directory hides the reason in the text: `80090308: LdapErr: …, comment: AcceptSecurityContext error,
/// data 533, v4563`. The figures are Windows's own error codes, in hexadecimal.
fn active_directory(text: &str) -> Option<&'static str> {
    let (_, behind) = text.split_once("data ")?;
    let code = behind.split(|c: char| !c.is_ascii_hexdigit()).next()?;
    Some(match code {
        "525" => "no such user",
        "530" => "not at this hour",
        "531" => "not from this machine",
        "532" => "password expired",
        "533" => "disabled",
        "568" => "in too many groups",
        "701" => "account expired",
        "773" => "must change the password first",
        "775" => "locked",
        _ => "wrong password",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str, control: Option<&[u8]>) -> LdapResult {
        let control = control.map(|value| {
            let value = Some(value.to_vec());
            Control(None, RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: value })
        });
        let (matched, refs) = (String::new(), Vec::new());
        LdapResult { rc, matched, text: text.to_owned(), refs, ctrls: control.into_iter().collect() }
    }

    #[test]
    fn active_directory_says_why_in_its_text() {
        let of = |data: &str| {
            let text = format!(
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563"
            );
            outcome(&result(49, &text, None))
        };
        for (data, reason) in [
            ("52e", "wrong password"),
            ("525", "no such user"),
            ("533", "disabled"),
            ("701", "account expired"),
            ("773", "must change the password first"),
            ("775", "locked"),
            ("532", "password expired"),
        ] {
            assert_eq!(of(data), Outcome::Refused(reason), "{data}");
        }
    }

    #[test]
    fn a_right_password_that_must_be_changed_first_lets_nobody_in() {
        assert_eq!(outcome(&result(0, "", None)), Outcome::Proven);
        assert_eq!(outcome(&result(0, "", Some(&[0x30, 0]))), Outcome::Proven);
        // A warning only: it expires in five seconds.
        assert_eq!(outcome(&result(0, "", Some(&[0x30, 5, 0xa0, 3, 0x80, 1, 5]))), Outcome::Proven);
        let must_change = Some(&[0x30, 3, 0x81, 1, 2][..]);
        assert_eq!(outcome(&result(0, "", must_change)), Outcome::Refused("must change the password first"));
        assert_eq!(outcome(&result(49, "", Some(&[0x30, 3, 0x81, 1, 1]))), Outcome::Refused("locked"));
        for broken in [&[][..], &[0x30], &[0x30, 9, 0x81], &[0x81, 1, 2], &[0x30, 2, 0xa1, 0]] {
            assert_eq!(outcome(&result(0, "", Some(broken))), Outcome::Proven, "{broken:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_never_a_wrong_password() {
        // operationsError, timeLimitExceeded, referral, confidentialityRequired, busy, unavailable, other.
        for code in [1, 3, 10, 13, 51, 52, 80] {
            assert_eq!(outcome(&result(code, "", None)), Outcome::NoAnswer, "{code}");
        }
        for code in [19, 32, 34, 48, 49, 50, 53] {
            assert!(matches!(outcome(&result(code, "", None)), Outcome::Refused(_)), "{code}");
        }
    }
}
