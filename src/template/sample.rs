//! Example values: what the gate renders a template with, and thereby the list of names a template may use.
//!
//! Each function gives two: one with everything, one in which all that may be missing is missing.

pub(super) mod admin;
pub(super) mod people;
mod portal;
pub(super) mod staff;

use minijinja::context;
use minijinja::value::Value;

pub(super) use self::portal::{dropoff, package, received, sent};

/// What every page has.
pub(super) fn page() -> [Value; 2] {
    both(|_| context!(organisation => organisation()))
}

/// What stands around every page: for somebody who may everything, and for nobody in particular.
pub(super) fn frames() -> [Value; 2] {
    both(|full| {
        let person = context!(
            name => "Kim Roe",
            address => "kim@partner.example",
            is_guest => false,
            may_invite => true,
            may_administer => true,
            form => "0123456789abcdefghjkmnpqrs",
        );
        context!(person => full.then_some(person), here => if full { "/received" } else { "" })
    })
}

/// A page's own names, and those of its frame.
pub(super) fn framed((own, frame): (Value, Value)) -> Value {
    context!(..own, ..frame)
}

/// What leads somewhere: what stands on the button, and where it leads.
pub(super) fn button() -> [Value; 2] {
    both(|_| {
        context!(
            to => "https://postern.corp.example/i/0123456789abcdefghjkmnpqrs",
            words => "Open your account",
        )
    })
}

/// The blocks that are put into an invitation.
pub(super) fn invitation() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            link => "https://postern.corp.example/i/0123456789abcdefghjkmnpqrs",
            days => if full { 14 } else { 1 },
            subject => "Drawings for the bridge",
            has_account => !full,
        )
    })
}

/// The mails that carry a link of an invitation later on.
pub(super) fn link() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            link => "https://postern.corp.example/i/0123456789abcdefghjkmnpqrs",
            days => if full { 14 } else { 1 },
            subject => "Drawings for the bridge",
        )
    })
}

/// The mails that tell of an account that was opened.
pub(super) fn notice() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            guest => person(full, "Kim Roe", "kim@partner.example"),
            portal => "https://postern.corp.example",
            subject => "Drawings for the bridge",
        )
    })
}

/// What a mail has invited, for its inviter.
pub(super) fn receipt() -> [Value; 2] {
    both(|full| {
        let kim = context!(
            name => full.then_some("Kim Roe"),
            address => "kim@partner.example",
            has_account => !full,
        );
        let lee = context!(name => full.then_some("Lee Poe"), address => "lee@partner.example", has_account => full);
        let attachment = context!(name => "bridge.pdf", size => "1.2 MiB");
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            subject => "Drawings for the bridge",
            invitees => if full { vec![kim, lee] } else { vec![kim] },
            attachments => if full { vec![attachment] } else { Vec::new() },
            until => "8 December 2026, 13:45 UTC",
            days => if full { 14 } else { 1 },
        )
    })
}

/// The mails that tell of files. In the bare one the scanner has held the only file back.
pub(super) fn files() -> [Value; 2] {
    both(|full| {
        let file = |name: &str, size: &str, finding: Option<&str>| {
            let sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
            context!(name, size, sha256, finding)
        };
        let found = file("invoice.pdf", "84 KiB", Some("Win.Test.EICAR_HDB-1"));
        let files = vec![file("bridge.pdf", "1.2 MiB", None), file("bridge (2).pdf", "640 octets", None)];
        let recipients =
            vec![person(full, "Ana Berg", "ana@corp.example"), person(false, "", "ben@corp.example")];
        context!(
            organisation => organisation(),
            guest => person(full, "Kim Roe", "kim@partner.example"),
            recipients,
            forwarded_by => full.then(|| person(true, "Ben Ode", "ben@corp.example")),
            subject => "Drawings for the bridge",
            message => if full { "Here they are.\nThe second one is a draft." } else { "" },
            files => if full { files } else { Vec::new() },
            withheld => vec![found],
            attached => full,
            link => "https://postern.corp.example/received/0190b0c0d0e07f00a000000000000000",
            days => if full { 30 } else { 1 },
        )
    })
}

/// An invitation that did not arrive.
pub(super) fn bounced() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            subject => "Drawings for the bridge",
            cause => if full { "address" } else { "other" },
            reason => "550 5.1.1 no such user here",
            can_change => full,
        )
    })
}

/// An invitation that nobody has used.
pub(super) fn unused() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            subject => "Drawings for the bridge",
            was_opened => full,
        )
    })
}

/// What became of a command that an inviter has sent by mail. Without outcomes it was not understood.
pub(super) fn answer() -> [Value; 2] {
    both(|full| {
        let outcome = |did: &str| {
            context!(
                address => "kim@partner.example",
                did => did,
                until => (did == "extended").then_some("8 December 2026, 13:45 UTC"),
                reason => (did == "refused").then_some("The invitation has been used."),
            )
        };
        let all = ["resent", "withdrawn", "extended", "readdressed", "refused"];
        context!(
            organisation => organisation(),
            subject => "Drawings for the bridge",
            line => if full { "resend" } else { "" },
            outcomes => if full { all.map(outcome).to_vec() } else { Vec::new() },
        )
    })
}

/// What a mail would do.
pub(super) fn preview() -> [Value; 2] {
    both(|full| {
        let invitee = context!(
            address => "kim@partner.example",
            has_account => false,
            is_pending => full,
            is_named => full,
            is_wrapped => full,
            file => full.then_some("kim@partner.example.eml"),
        );
        context!(
            organisation => organisation(),
            subject => "Drawings for the bridge",
            days => 14,
            invitees => vec![invitee],
            colleagues => if full { vec!["ben@corp.example"] } else { Vec::new() },
        )
    })
}

/// The form that opens an account. `valid_until` is missing while the mail is still on its way.
pub(super) fn activate() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            valid_until => full.then_some("8 December 2026, 13:45 UTC"),
            days => 14,
            form => FORM,
            name => if full { "Kim Roe" } else { "" },
            faults => context!(
                name => full.then_some("Please enter your name."),
                password => full.then_some("Please choose a longer password."),
            ),
        )
    })
}

/// A link that came too late, with the form that asks for another.
pub(super) fn expired() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            renewal => "/i/0123456789abcdefghjkmnpqrs/renewal",
            newer => full.then_some("24 November 2026, 13:45 UTC"),
            needs_approval => full,
            form => FORM,
        )
    })
}

/// The answer to who asked for another link: it comes, or has come already.
pub(super) fn renewal() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            outcome => if full { "link" } else { "wait" },
            needs_approval => !full,
            next => full.then_some("8 December 2026, 13:45 UTC"),
        )
    })
}

/// What an inviter is asked whose invitee wants another link. Without the form where nothing is left to answer.
pub(super) fn approval() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            outcome => if full { "open" } else { "done" },
            subject => "Drawings for the bridge",
            days => 14,
            form => if full { FORM } else { "" },
        )
    })
}

/// A link that was taken back.
pub(super) fn closed() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
        )
    })
}

/// A link that has done its work: the account is there. `invited` is missing where the account was there before.
pub(super) fn used() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            address => "kim@partner.example",
            invited => full,
            form => FORM,
        )
    })
}

/// The way in.
pub(super) fn sign_in() -> [Value; 2] {
    both(|full| {
        let provider = context!(name => "entra", label => "Sign in with your organisation");
        context!(
            organisation => organisation(),
            address => if full { "kim@partner.example" } else { "" },
            fault => full.then_some("That address and password do not belong together."),
            signed_out => full,
            next => if full { "/received/0198f2c4aabbccddeeff001122334455" } else { "" },
            providers => if full { vec![provider] } else { Vec::new() },
            form => FORM,
        )
    })
}

/// On the way to an identity provider.
pub(super) fn saml_leave() -> [Value; 2] {
    both(|_| {
        context!(
            organisation => organisation(),
            provider => "Sign in with your organisation",
            address => "https://idp.corp.example/sso?SAMLRequest=fZFNT8Mw",
        )
    })
}

/// Back from it, and not let in.
pub(super) fn saml_failed() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            how => if full { "no-access" } else { "unasked" },
            reference => "7k2m9qxa",
        )
    })
}

/// Signed out, here or there or both.
pub(super) fn saml_signed_out() -> [Value; 2] {
    both(|full| {
        let address = if full { "https://idp.corp.example/slo?SAMLRequest=fZFNT8Mw" } else { "" };
        let how = if full { "leaving" } else { "stays" };
        context!(organisation => organisation(), how => how, address => address)
    })
}

/// What went wrong, by its number in HTTP.
pub(super) fn error() -> [Value; 2] {
    both(|full| context!(organisation => organisation(), status => if full { 404 } else { 500 }))
}

/// The demo's mail, newest first.
pub(super) fn mailbox() -> [Value; 2] {
    both(|full| {
        let letter = context!(
            id => 7,
            from => "ana@corp.example",
            to => vec!["kim@partner.example"],
            subject => "Drawings for the bridge",
            at => "24 November 2026, 13:45 UTC",
        );
        context!(
            organisation => organisation(),
            mailbox => "/mailbox/0123456789abcdefghjkmnpqrs",
            letters => if full { vec![letter] } else { Vec::new() },
        )
    })
}

/// One mail of the demo.
pub(super) fn letter() -> [Value; 2] {
    both(|full| {
        let attachment = context!(name => "bridge.pdf", kind => "application/pdf", size => "1.2 MiB");
        context!(
            organisation => organisation(),
            mailbox => "/mailbox/0123456789abcdefghjkmnpqrs",
            id => 7,
            view => if full { "html" } else { "source" },
            has_html => full,
            from => "Ana Berg <ana@corp.example>",
            to => "Kim Roe <kim@partner.example>",
            cc => full.then_some("Lee Poe <lee@partner.example>"),
            envelope => vec!["kim@partner.example"],
            subject => "Drawings for the bridge",
            at => "24 November 2026, 13:45 UTC",
            text => "Dear Kim,",
            attachments => if full { vec![attachment] } else { Vec::new() },
        )
    })
}

/// What a form's hidden field holds.
const FORM: &str = "zyxwvtsrqpnmkjhgfedcba9876";

fn both(sample: impl Fn(bool) -> Value) -> [Value; 2] {
    // The language is added by whoever renders.
    [true, false].map(|full| context!(language => "en", ..sample(full)))
}

fn organisation() -> Value {
    context!(name => "Corp & Sons")
}

fn person(named: bool, name: &str, address: &str) -> Value {
    context!(name => named.then_some(name), address => address)
}
