//! Example values of the mails and pages about people's own accounts.

use minijinja::context;
use minijinja::value::Value;

use crate::template::sample::{FORM, both, organisation, person};

/// The mail that asks an applicant to confirm the address.
pub(in crate::template) fn verify() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            person => person(full, "Kim Roe", "kim@partner.example"),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            link => "https://postern.corp.example/verify/0123456789abcdefghjkmnpqrs",
            days => 2,
        )
    })
}

/// The mails to a person about the person's own account.
pub(in crate::template) fn about_account() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            person => person(full, "Kim Roe", "kim@partner.example"),
            link => "https://postern.corp.example/reset/0123456789abcdefghjkmnpqrs",
            portal => "https://postern.corp.example",
            at => "8 December 2026",
            locked => full,
            contact => full.then_some("ana@corp.example"),
            unused => full,
        )
    })
}

/// The page behind a colleague's link: for who has to sign in, and for who has.
pub(in crate::template) fn join() -> [Value; 2] {
    both(|full| {
        let provider = context!(name => "entra", label => "Sign in with your organisation");
        context!(
            organisation => organisation(),
            outcome => if full { "prove" } else { "confirm" },
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Ben Ode", "ben@corp.example"),
            valid_until => full.then_some("8 December 2026, 13:45 UTC"),
            days => 14,
            has_password => full,
            providers => if full { vec![provider] } else { Vec::new() },
            signed_in => full.then_some("dora@corp.example"),
            fault => full.then_some("That address and password do not belong together."),
            action => "/i/0123456789abcdefghjkmnpqrs/join",
            next => "/join/0198f2c4aabbccddeeff001122334455",
            form => FORM,
        )
    })
}

/// The mail that asks somebody to answer for the guests of a person who is gone.
pub(in crate::template) fn takeover() -> [Value; 2] {
    both(|full| {
        let kim = person(full, "Kim Roe", "kim@partner.example");
        let lee = person(false, "", "lee@partner.example");
        context!(
            organisation => organisation(),
            sponsor => person(full, "Ana Berg", "ana@corp.example"),
            guests => if full { vec![kim, lee] } else { vec![kim] },
            more => if full { 12 } else { 0 },
            until => full.then_some("8 December 2026, 13:45 UTC"),
            link => "https://postern.corp.example/t/0123456789abcdefghjkmnpqrs",
        )
    })
}

/// The page behind its link. Without the form where nothing is left to do.
pub(in crate::template) fn taking_over() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            outcome => if full { "open" } else { "done" },
            sponsor => person(full, "Ana Berg", "ana@corp.example"),
            successor => person(full, "Ben Ode", "ben@corp.example"),
            signed_in => "ben@corp.example",
            form => if full { FORM } else { "" },
        )
    })
}

/// The page between the form and the second mail.
pub(in crate::template) fn waiting() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            inviter => person(full, "Ana Berg", "ana@corp.example"),
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            outcome => if full { "soon" } else { "first" },
            again => "/i/0123456789abcdefghjkmnpqrs/again",
            until => "26 November 2026, 13:45 UTC",
            form => FORM,
        )
    })
}

/// The page behind the link of the second mail. Without the form where nothing is left to do.
pub(in crate::template) fn verifying() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            applicant => person(full, "Kim Roe", "kim@partner.example"),
            outcome => if full { "open" } else { "old" },
            form => if full { FORM } else { "" },
        )
    })
}

/// The page for a forgotten password, before and after.
pub(in crate::template) fn forgotten() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            address => "kim@partner.example",
            sent => !full,
            fault => full.then_some("Please enter your address."),
            form => if full { FORM } else { "" },
        )
    })
}

/// The page where a new password is chosen. Without the form where the link opens nothing.
pub(in crate::template) fn reset() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            address => full.then_some("kim@partner.example"),
            outcome => if full { "open" } else { "old" },
            fault => full.then_some("Please choose a longer password."),
            form => if full { FORM } else { "" },
        )
    })
}

/// What a person can change about the own account.
pub(in crate::template) fn account() -> [Value; 2] {
    both(|full| {
        let session = |is_this| context!(is_this, started => "24 November 2026, 13:45 UTC");
        let fault = full.then_some("Please correct this.");
        context!(
            organisation => organisation(),
            address => "kim@partner.example",
            name => if full { "Kim Roe" } else { "" },
            has_password => full,
            may_leave => full,
            language_chosen => if full { "de" } else { "" },
            languages => ["de", "en", "fr"],
            sessions => if full { vec![session(true), session(false)] } else { vec![session(true)] },
            done => full.then_some("password"),
            faults => context!(name => fault, password => fault, new => fault, farewell => fault),
            form => FORM,
        )
    })
}

/// The page after the account is gone.
pub(in crate::template) fn farewell() -> [Value; 2] {
    both(|_| context!(organisation => organisation(), address => "kim@partner.example"))
}
