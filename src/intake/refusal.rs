//! Why a message was not taken, in the words its sender reads in the client's error.

use thiserror::Error;

use crate::base::address::{Address, Domain};
use crate::base::clock::Lifespan;
use crate::invites::tally::{Reached, Scope};
use crate::mail::outline::OutlineFault;

/// Why not, in the sender's words (`Display`): what is wrong, and what to do. A face adds its protocol's code.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The envelope or the From field names somebody else.
    #[error("you are signed in as {who}; {claimed} is not one of your addresses. Please send as {who}")]
    NotYourAddress {
        /// Who is signed in.
        who: Address,
        /// Whom the message claims to be from.
        claimed: Address,
    },
    /// A trusted server handed in mail of a stranger.
    #[error("{0} is not an address of this organisation, so this gateway does not send mail for it")]
    ForeignFrom(Address),
    /// There is no From field, it names nobody, or it holds something beside addresses.
    #[error(
        "the From field is missing, or holds something that is not an address. Please set your own address alone as \
         the sender"
    )]
    NoFrom,
    /// Nobody may invite now.
    #[error("invitations are switched off at the moment. Your administrator can switch them on")]
    InvitationsOff,
    /// This person may not invite.
    #[error("{0} may not send invitations; please ask your administrator")]
    MayNotInvite(Address),
    /// All other recipients are colleagues, or there are none.
    #[error(
        "nobody outside the organisation is among the recipients. Please write the address of the person to \
         invite into To, Cc or Bcc, beside the invite address"
    )]
    NobodyOutside,
    /// The client went on although a recipient was refused: then nobody is invited.
    #[error(
        "an address among the recipients was refused, so nobody was invited. Please correct it and send again"
    )]
    RecipientRefused,
    /// To or Cc, which name the invitees of this message, hold more than addresses.
    #[error(
        "To or Cc holds something that is not a mail address, so nobody was invited. Please correct it and send \
         again"
    )]
    UnreadRecipients,
    /// No subject.
    #[error("the subject is empty. Please write one: the person you invite sees it first")]
    BlankSubject,
    /// The subject is over `limits.subject_characters`.
    #[error("the subject has {characters} characters; at most {limit} are allowed. Please shorten it")]
    SubjectTooLong {
        /// Characters it has, decoded.
        characters: usize,
        /// Characters it may have.
        limit: usize,
    },
    /// The message says nothing.
    #[error("the message has no text. Please write a few words to the person you invite")]
    NoText,
    /// Too many at once.
    #[error("you invite {count} people at once; at most {limit} are allowed. Please send several messages")]
    TooManyInvitees {
        /// Invitees it has.
        count: usize,
        /// Invitees it may have.
        limit: usize,
    },
    /// Too many at once in one domain: more than a day's, so waiting would not help.
    #[error(
        "you invite {count} people at {domain} at once; at most {limit} a day are allowed. Please send several messages, on \
         different days"
    )]
    TooManyInDomain {
        /// Invitees it has there.
        count: usize,
        /// Where.
        domain: Domain,
        /// Invitees it may have there.
        limit: u32,
    },
    /// The word behind the `+` of an invite address is not known.
    #[error(
        "“+{tag}” in {address} is not known. Please write the invite address without it, or {example} to invite \
         one person"
    )]
    BadTag {
        /// The unknown word.
        tag: String,
        /// The address as it was written.
        address: Address,
        /// What a tag may look like.
        example: String,
    },
    /// An address at `invite.domain` itself, or below it with nothing that could be a domain before it.
    #[error("{address} does not say whom to invite. Please write for example {example}")]
    BadSuffix {
        /// The address as it was written.
        address: Address,
        /// What it may look like.
        example: String,
    },
    /// An invite address with an invite address in it.
    #[error("{0} is an invite address itself. Please write the address of the person to invite in its place")]
    InviteAddress(Address),
    /// A colleague was invited by name, with an address that invites people outside.
    #[error(
        "{0} is an address of your own organisation, and this invites people outside only. Please write to {0} \
         directly, or use the invite address for colleagues if there is one"
    )]
    Colleague(Address),
    /// Colleagues are to be invited, and nothing says who they are.
    #[error(
        "colleagues cannot be invited: this gateway is connected to no directory or identity provider that knows them. \
         Please ask your administrator"
    )]
    InternalOff,
    /// This person may not invite colleagues.
    #[error("{0} may not invite colleagues; please ask your administrator")]
    MayNotInviteColleagues(Address),
    /// One message with invite addresses for both sides.
    #[error(
        "one message cannot invite people outside and colleagues at once. Please send two messages, one to each invite \
         address"
    )]
    BothSides,
    /// Somebody outside, where colleagues are invited.
    #[error(
        "{0} is not an address of your organisation, and this message invites colleagues. Please leave {0} out, or use \
         the invite address for people outside"
    )]
    Outsider(Address),
    /// Nobody but the inviter is among the recipients.
    #[error(
        "no colleague is among the recipients. Please write the address of the colleague to invite into To, Cc or Bcc, \
         beside the invite address"
    )]
    NobodyInside,
    /// The directory knows no such person, or keeps the person out.
    #[error(
        "{0} cannot be invited: the organisation does not know this address, or lets nobody sign in with it. Please check \
         how the address is spelt"
    )]
    NotInDirectory(Address),
    /// There is an account, and it is locked.
    #[error("{0} cannot be invited: the account of this address is locked. Please ask your administrator")]
    LockedOut(Address),
    /// NXDOMAIN.
    #[error("{0} cannot be reached: the domain {d} does not exist. Please check how the address is spelt", d = .0.domain())]
    NoSuchDomain(Address),
    /// A null MX (RFC 7505).
    #[error("{0} cannot be reached: {d} takes no mail at all. Please ask for another address", d = .0.domain())]
    TakesNoMail(Address),
    /// A large provider's domain, but for one letter.
    #[error("{written} looks like a typing error: did you mean {meant}? Please correct the address")]
    Misspelt {
        /// The address as it was written.
        written: Address,
        /// The same at the provider that is probably meant.
        meant: Address,
    },
    /// On `invite.blocked_domains`.
    #[error("nobody at {d} may be invited, so {0} cannot be. Your administrator has blocked it", d = .0.domain())]
    BlockedDomain(Address),
    /// Not on `invite.allowed_domains`.
    #[error(
        "{0} cannot be invited: {d} is not among the domains that your administrator has allowed",
        d = .0.domain()
    )]
    NotAllowedDomain(Address),
    /// Too many invitations in an hour or a day. It passes.
    #[error("{}", too_many(.0))]
    TooMany(Reached),
    /// A lifetime outside `invite.lifespan_min` and `invite.lifespan_max`.
    #[error(
        "links cannot be valid for {} days; please ask for a time between {} and {} days",
        days.in_days(), shortest.in_days(), longest.in_days()
    )]
    Lifespan {
        /// What was asked for.
        days: Lifespan,
        /// `invite.lifespan_min`.
        shortest: Lifespan,
        /// `invite.lifespan_max`.
        longest: Lifespan,
    },
    /// The structure of the message.
    #[error("{0}")]
    Structure(OutlineFault),
    /// No form of an invitee's copy holds what it must.
    #[error(
        "the message is written in a way that mail programs read differently, so no link can be added to it \
         safely. Please write it anew, and attach what it holds as files"
    )]
    Unclear,
    /// Written by a machine: such mail never invites.
    #[error("an automatic message ({0}) cannot invite anybody. Please write the invitation yourself")]
    Automatic(String),
    /// One of our own invitations: an address it went to leads back here.
    #[error("this mail is an invitation already, and came back to the gateway. Please write a new one")]
    CameBack,
    /// It has gone in circles.
    #[error("the message has passed {hops} servers, which looks like a loop; at most {limit} are allowed")]
    Loop {
        /// Received fields it has.
        hops: usize,
        /// Received fields it may have.
        limit: usize,
        /// Whether it would be an invitation.
        invites: bool,
    },
    /// It looks like an address of ours that we gave to somebody, and is none.
    #[error(
        "{0} is not an address that this gateway has given out. Please answer the mail that you have got from it"
    )]
    UnknownAddress(Address),
    /// It is for mail that mail systems return.
    #[error(
        "{0} takes nothing but reports of mail that could not be delivered. Please write to the sender's own address"
    )]
    NotReturned(Address),
    /// Somebody else's receipt was answered.
    #[error(
        "the invitations that this answer is about were not sent by {0}. Please send as the person who invited"
    )]
    NotYourInvitation(Address),
    /// Written by a machine: such mail is no command.
    #[error("an automatic answer ({0}) changes nothing. Please write the answer yourself")]
    AutomaticAnswer(String),
    /// The right address is that of somebody who needs no link.
    #[error(
        "{0} has an account already. Please write to this person: to a colleague directly, to a guest with the invite \
         address, which sends a way to sign in"
    )]
    HasAccount(Address),
    /// An invitation cannot be changed so; the sentence says why.
    #[error("{0}")]
    NotChanged(String),
    /// More waits in the queue than `limits.queued_messages`.
    #[error("the gateway has too much mail waiting. Your message was not taken; please try again later")]
    QueueFull,
    /// Less space is free than `storage.reserve`.
    #[error("the gateway's disk is nearly full. Your message was not taken; please try again later")]
    DiskFull,
    /// Whether the author may invite is in the directory, and that gives no answer.
    #[error(
        "the organisation's directory cannot be asked at the moment whether you may invite. Your message was not taken; \
         please try again later"
    )]
    DirectorySilent,
    /// Whether there are such colleagues is in the directory, and that gives no answer.
    #[error(
        "the organisation's directory cannot be asked at the moment about the colleagues whom you invite. Nobody was invited; \
         please try again later"
    )]
    ColleaguesUnknown,
    /// The cause is in the journal, not in the answer.
    #[error("the gateway has a problem of its own. Your message was not taken; please try again later")]
    Internal,
}

/// The limit, and when it ends.
fn too_many(Reached { scope, limit, until }: &Reached) -> String {
    let until = until.to_jiff().strftime("%-d %B %Y, %H:%M UTC");
    let what = match scope {
        Scope::Hour => format!("you may invite {limit} people an hour"),
        Scope::Day => format!("you may invite {limit} people a day"),
        Scope::Invitee(invitee) => format!("you may invite {invitee} {limit} times a day"),
        Scope::Domain(domain) => format!("you may invite {limit} people at {domain} a day"),
    };
    format!("{what}, and this message would go beyond. Please send it again after {until}")
}
