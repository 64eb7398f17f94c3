//! Commands: one line each, read strictly (RFC 5321 §4.1).

use std::fmt;

use thiserror::Error;

use crate::base::address::{Address, AddressFault, Domain, ReversePath};
use crate::base::secret::Secret;
use crate::smtp::parameter::{MailParameters, ParameterFault, RcptParameters};
use crate::smtp::reply::{EnhancedCode, Reply};

/// Octets of the name in EHLO: a domain (RFC 5321 §4.5.3.1.2).
const NAME_OCTETS_MAX: usize = 255;
/// Octets of a mechanism's name (RFC 4422 §3.1).
const MECHANISM_OCTETS_MAX: usize = 20;

/// What a client asks for. `Display` writes the line as a client sends it, without its CRLF, secrets
/// included: it is for the wire, not for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `EHLO name`: extensions are wanted.
    Ehlo(String),
    /// `HELO name`: no extensions.
    Helo(String),
    /// `MAIL FROM:<path>`: a transaction begins.
    Mail(ReversePath, MailParameters),
    /// `RCPT TO:<path>`: one more recipient.
    Rcpt(Address, RcptParameters),
    /// `RCPT TO:<postmaster>`, the one recipient without a domain (RFC 5321 §4.1.1.3).
    RcptPostmaster(RcptParameters),
    /// `DATA`: the message follows, up to the dot.
    Data,
    /// `BDAT size [LAST]`: so many octets of the message follow (RFC 3030 §2).
    Bdat {
        /// Octets of the chunk.
        size: u64,
        /// Whether the message ends with it.
        last: bool,
    },
    /// `RSET`: the transaction is given up.
    Rset,
    /// `NOOP`: is anybody there?
    Noop,
    /// `QUIT`: good-bye.
    Quit,
    /// `HELP`.
    Help,
    /// `VRFY text`: does this mailbox exist?
    Vrfy(String),
    /// `EXPN text`: who is on this list?
    Expn(String),
    /// `STARTTLS`: the handshake follows (RFC 3207 §4).
    StartTls,
    /// `AUTH mechanism [initial-response]` (RFC 4954 §4).
    Auth {
        /// The mechanism's name, in upper case.
        mechanism: String,
        /// The response that needs no challenge, still in base64; empty where the client wrote `=`.
        initial: Option<Secret>,
    },
}

/// Why a line is not a command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandFault {
    /// Another verb than those we know.
    #[error("Command not recognised")]
    Unknown,
    /// A verb that the RFCs know and we do not serve.
    #[error("Command not implemented")]
    NotImplemented,
    /// A control character, or octets that are not UTF-8.
    #[error("The line holds characters that no command may hold")]
    Characters,
    /// The verb is right, what follows is not; how it is written.
    #[error("Syntax: {0}")]
    Syntax(&'static str),
    /// What stands between the brackets of `MAIL FROM`.
    #[error("{0}")]
    Sender(AddressFault),
    /// What stands between the brackets of `RCPT TO`.
    #[error("{0}")]
    Recipient(AddressFault),
    /// A parameter behind the path.
    #[error(transparent)]
    Parameter(#[from] ParameterFault),
}

impl Command {
    /// Reads a line without its CRLF. White space at its end is forgiven (RFC 5321 §4.1.1).
    ///
    /// # Errors
    /// [`CommandFault`], which knows the reply to give.
    pub fn parse(line: &[u8]) -> Result<Self, CommandFault> {
        let text = std::str::from_utf8(line).map_err(|_| CommandFault::Characters)?;
        let text = text.trim_end_matches([' ', '\t']);
        if text.contains(char::is_control) {
            return Err(CommandFault::Characters);
        }
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => name(rest).map(Self::Ehlo).ok_or(CommandFault::Syntax("EHLO host.name")),
            "HELO" => name(rest).map(Self::Helo).ok_or(CommandFault::Syntax("HELO host.name")),
            "MAIL" => mail(rest),
            "RCPT" => rcpt(rest),
            "BDAT" => bdat(rest).ok_or(CommandFault::Syntax("BDAT size [LAST]")),
            "AUTH" => auth(rest).ok_or(CommandFault::Syntax("AUTH mechanism [initial-response]")),
            "DATA" => alone(rest, Self::Data, "DATA"),
            "RSET" => alone(rest, Self::Rset, "RSET"),
            "QUIT" => alone(rest, Self::Quit, "QUIT"),
            "STARTTLS" => alone(rest, Self::StartTls, "STARTTLS"),
            // Their argument means nothing, or little (RFC 5321 §4.1.1.8, §4.1.1.9).
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help),
            "VRFY" if !rest.is_empty() => Ok(Self::Vrfy(rest.to_owned())),
            "VRFY" => Err(CommandFault::Syntax("VRFY address")),
            "EXPN" if !rest.is_empty() => Ok(Self::Expn(rest.to_owned())),
            "EXPN" => Err(CommandFault::Syntax("EXPN list")),
            // RFC 1985 and what RFC 5321 appendix F buried.
            "ETRN" | "TURN" | "SEND" | "SOML" | "SAML" => Err(CommandFault::NotImplemented),
            _ => Err(CommandFault::Unknown),
        }
    }
}

impl CommandFault {
    /// What the client hears (RFC 5321 §4.2.4, §4.3.2; RFC 3463 §3).
    #[must_use]
    pub fn reply(&self) -> Reply {
        let (code, enhanced) = match self {
            Self::Unknown | Self::Characters => (500, EnhancedCode(5, 5, 2)),
            Self::NotImplemented => (502, EnhancedCode(5, 5, 1)),
            Self::Sender(_) => (553, EnhancedCode(5, 1, 7)),
            Self::Recipient(_) => (550, EnhancedCode(5, 1, 3)),
            // "555 MAIL FROM/RCPT TO parameters not recognized or not implemented".
            Self::Parameter(ParameterFault::Unknown(_)) => (555, EnhancedCode(5, 5, 4)),
            Self::Syntax(_) | Self::Parameter(_) => (501, EnhancedCode(5, 5, 4)),
        };
        Reply::new(code, enhanced, self.to_string())
    }
}

fn alone(rest: &str, command: Command, syntax: &'static str) -> Result<Command, CommandFault> {
    rest.is_empty().then_some(command).ok_or(CommandFault::Syntax(syntax))
}

/// A host name or an address literal: nothing that could break out of the Received field it will stand in.
fn name(text: &str) -> Option<String> {
    let literal = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b) || (literal.is_some() && b == b':');
    let inner = literal.unwrap_or(text);
    (!inner.is_empty() && text.len() <= NAME_OCTETS_MAX && inner.bytes().all(allowed))
        .then(|| text.to_owned())
}

fn mail(rest: &str) -> Result<Command, CommandFault> {
    let syntax = || CommandFault::Syntax("MAIL FROM:<address> [parameters]");
    let (path, parameters) = path_behind("FROM:", rest).ok_or_else(syntax)?;
    let sender = if path.is_empty() {
        ReversePath::Null
    } else {
        ReversePath::Address(mailbox(path).map_err(CommandFault::Sender)?)
    };
    Ok(Command::Mail(sender, MailParameters::parse(parameters)?))
}

fn rcpt(rest: &str) -> Result<Command, CommandFault> {
    let syntax = || CommandFault::Syntax("RCPT TO:<address> [parameters]");
    let (path, parameters) = path_behind("TO:", rest).ok_or_else(syntax)?;
    if path.eq_ignore_ascii_case("postmaster") {
        return Ok(Command::RcptPostmaster(RcptParameters::parse(parameters)?));
    }
    let recipient = mailbox(path).map_err(CommandFault::Recipient)?;
    Ok(Command::Rcpt(recipient, RcptParameters::parse(parameters)?))
}

/// Parts what stands between the angle brackets behind `keyword` from the parameters behind them.
fn path_behind<'a>(keyword: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let (head, rest) = text.split_at_checked(keyword.len())?;
    let inner = rest.trim_start_matches(' ').strip_prefix('<')?;
    let end = closing_bracket(inner).filter(|_| head.eq_ignore_ascii_case(keyword))?;
    let (path, rest) = inner.split_at(end);
    let parameters = rest.strip_prefix('>')?;
    (parameters.is_empty() || parameters.starts_with(' ')).then_some((path, parameters))
}

/// Where the first `>` stands that is not inside quotes (RFC 5321 §4.1.2: `Quoted-string`).
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

/// The mailbox of a path; a source route before it, `@one,@two:`, is dropped (RFC 5321 §4.1.1.3, appendix C).
fn mailbox(path: &str) -> Result<Address, AddressFault> {
    let is_route = |route: &str| {
        route.split(',').all(|hop| hop.strip_prefix('@').is_some_and(|host| Domain::parse(host).is_some()))
    };
    match path.split_once(':') {
        Some((route, mailbox)) if is_route(route) => Address::parse(mailbox),
        _ => Address::parse(path),
    }
}

fn bdat(rest: &str) -> Option<Command> {
    let (size, last) = rest.split_once(' ').map_or((rest, None), |(size, last)| (size, Some(last)));
    let is_number = !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit());
    let last = match last {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
    };
    // A size that does not fit cannot be skipped either: it must not be taken for a smaller one.
    size.parse().ok().filter(|_| is_number).map(|size| Command::Bdat { size, last })
}

fn auth(rest: &str) -> Option<Command> {
    let (mechanism, initial) =
        rest.split_once(' ').map_or((rest, None), |(mechanism, initial)| (mechanism, Some(initial)));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_name = (1..=MECHANISM_OCTETS_MAX).contains(&mechanism.len()) && mechanism.bytes().all(allowed);
    let initial = match initial {
        // "A zero-length initial response is a single equals sign" (RFC 4954 §4).
        Some("=") => Some(Secret::new("")),
        Some(response) if response.is_empty() || response.contains(' ') => return None,
        Some(response) => Some(Secret::new(response)),
        None => None,
    };
    is_name.then(|| Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial })
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ehlo(name) => write!(f, "EHLO {name}"),
            Self::Helo(name) => write!(f, "HELO {name}"),
            Self::Mail(sender, parameters) => write!(f, "MAIL FROM:<{sender}>{parameters}"),
            Self::Rcpt(recipient, parameters) => write!(f, "RCPT TO:<{recipient}>{parameters}"),
            Self::RcptPostmaster(parameters) => write!(f, "RCPT TO:<postmaster>{parameters}"),
            Self::Data => f.write_str("DATA"),
            Self::Bdat { size, last: false } => write!(f, "BDAT {size}"),
            Self::Bdat { size, last: true } => write!(f, "BDAT {size} LAST"),
            Self::Rset => f.write_str("RSET"),
            Self::Noop => f.write_str("NOOP"),
            Self::Quit => f.write_str("QUIT"),
            Self::Help => f.write_str("HELP"),
            Self::Vrfy(text) => write!(f, "VRFY {text}"),
            Self::Expn(text) => write!(f, "EXPN {text}"),
            Self::StartTls => f.write_str("STARTTLS"),
            Self::Auth { mechanism, initial: None } => write!(f, "AUTH {mechanism}"),
            Self::Auth { mechanism, initial: Some(response) } if response.reveal().is_empty() => {
                write!(f, "AUTH {mechanism} =")
            }
            Self::Auth { mechanism, initial: Some(response) } => {
                write!(f, "AUTH {mechanism} {}", response.reveal())
            }
        }
    }
}

#[cfg(test)]
mod tests;
