//! What the dialogue says when it says no: every limit names itself, every refusal says what to do.

use std::net::IpAddr;
use std::time::Duration;

use crate::base::address::Address;
use crate::config::{Role, TlsMode};
use crate::net::throttle::Full;
use crate::smtp::line::LineFault;
use crate::smtp::reply::{EnhancedCode, Reply};
use crate::smtpd::terms::Terms;

pub(super) fn line_too_long(fault: LineFault) -> Reply {
    Reply::new(500, EnhancedCode(5, 5, 2), format!("Not heard: {fault}"))
}

/// 521 as servers in use answer line ends of that kind: this host takes no mail from you (RFC 7504 §3).
pub(super) fn bare_lf() -> Reply {
    Reply::new(
        521,
        EnhancedCode(5, 5, 2),
        "Lines must end with CRLF; this one ended with a bare LF. Good-bye",
    )
}

pub(super) fn sequence(text: &str) -> Reply {
    Reply::new(503, EnhancedCode(5, 5, 1), text)
}

pub(super) fn not_offered(verb: &str) -> Reply {
    Reply::new(502, EnhancedCode(5, 5, 1), format!("{verb} is not offered here"))
}

pub(super) fn help() -> Reply {
    let text = "EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; see RFC 5321";
    Reply::new(214, EnhancedCode(2, 0, 0), text)
}

pub(super) fn not_verified() -> Reply {
    Reply::new(252, EnhancedCode(2, 0, 0), "Not verified; send the message and see")
}

pub(super) fn too_many_errors(limit: usize) -> Reply {
    Reply::new(421, EnhancedCode(4, 7, 0), format!("More than {limit} errors. Good-bye"))
}

pub(super) fn too_many_sign_ins(limit: usize) -> Reply {
    Reply::new(421, EnhancedCode(4, 7, 0), format!("Signing in failed {limit} times. Good-bye"))
}

pub(super) fn wrong_password() -> Reply {
    Reply::new(535, EnhancedCode(5, 7, 8), "Name or password is wrong, or the account may not sign in")
}

/// RFC 4954 §6: "Authentication required".
pub(super) fn signed_out() -> Reply {
    Reply::new(530, EnhancedCode(5, 7, 0), "The account may no longer sign in; please ask your administrator")
}

pub(super) fn throttled(wait: Duration) -> Reply {
    let text = format!("Too many sign-ins have failed; please wait {}", in_words(wait));
    Reply::new(454, EnhancedCode(4, 7, 0), text)
}

pub(super) fn sign_in_unavailable() -> Reply {
    Reply::new(454, EnhancedCode(4, 7, 0), "Signing in is not possible at the moment; please try again later")
}

pub(super) fn auth_needs_tls() -> Reply {
    Reply::new(538, EnhancedCode(5, 7, 11), "A password needs an encrypted connection: STARTTLS first")
}

pub(super) fn unknown_mechanism() -> Reply {
    Reply::new(504, EnhancedCode(5, 5, 4), "Unknown mechanism; PLAIN and LOGIN are offered")
}

/// To a client that has not proved who it is: never an open relay.
pub(super) fn who_are_you(terms: &Terms, is_secured: bool, peer: IpAddr) -> Reply {
    match (&terms.role, terms.tls) {
        (Role::Relay { .. }, _) => {
            let text = format!("{peer} is not among the servers that may send mail through this one");
            Reply::new(550, EnhancedCode(5, 7, 1), text)
        }
        (Role::Submission, TlsMode::StartTls) if !is_secured => {
            Reply::new(530, EnhancedCode(5, 7, 0), "Please say STARTTLS first, then sign in with AUTH")
        }
        (Role::Submission, _) => Reply::new(530, EnhancedCode(5, 7, 0), "Please sign in with AUTH first"),
    }
}

/// An address that looks like one of ours, and is none: a guess.
pub(super) fn no_such_address(address: &Address) -> Reply {
    let text = format!("{address} is not an address that this gateway has given out");
    Reply::new(550, EnhancedCode(5, 1, 1), text)
}

pub(super) fn message_too_large(limit: u64) -> Reply {
    Reply::new(552, EnhancedCode(5, 3, 4), format!("The message is too large: at most {limit} octets"))
}

pub(super) fn utf8_unannounced() -> Reply {
    let text = "An address with other letters than ASCII needs the parameter SMTPUTF8 at MAIL";
    Reply::new(553, EnhancedCode(5, 6, 7), text)
}

pub(super) fn too_many_recipients(limit: usize) -> Reply {
    Reply::new(452, EnhancedCode(4, 5, 3), format!("Too many recipients: at most {limit} for one message"))
}

pub(super) fn no_recipients() -> Reply {
    Reply::new(554, EnhancedCode(5, 5, 1), "No recipient was accepted")
}

pub(super) fn idle(limit: Duration) -> Reply {
    Reply::new(421, EnhancedCode(4, 4, 2), format!("Nothing heard for {}. Good-bye", in_words(limit)))
}

pub(super) fn message_took_too_long(limit: Duration) -> Reply {
    let text = format!("The message took longer than {}. Good-bye", in_words(limit));
    Reply::new(421, EnhancedCode(4, 4, 2), text)
}

pub(super) fn stopping() -> Reply {
    Reply::new(421, EnhancedCode(4, 3, 2), "The gateway is being stopped; please come back in a moment")
}

pub(super) fn full(full: Full) -> Reply {
    match full {
        Full::Total(limit) => {
            let text =
                format!("The gateway has {limit} connections, as many as it takes; please try again later");
            Reply::new(421, EnhancedCode(4, 3, 2), text)
        }
        Full::PerAddress(limit) => {
            let text = format!("Your address has {limit} connections, as many as it may have");
            Reply::new(421, EnhancedCode(4, 7, 0), text)
        }
    }
}

/// A time as people say it: whole minutes from two on, else seconds.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        1 => "1 second".to_owned(),
        0..120 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
