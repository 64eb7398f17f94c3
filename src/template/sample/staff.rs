//! What the pages for staff are tried with.

use minijinja::context;
use minijinja::value::Value;

use crate::template::sample::{FORM, both, organisation, person};

/// The text that a new letter begins with.
pub(in crate::template) fn draft() -> [Value; 2] {
    both(
        |full| context!(organisation => organisation(), inviter => person(full, "Ana Berg", "ana@corp.example")),
    )
}

/// The form for an invitation: full of faults, and new.
pub(in crate::template) fn invite() -> [Value; 2] {
    both(|full| {
        let fault = |words: &'static str| full.then_some(words);
        context!(
            organisation => organisation(),
            from => person(full, "Ana Berg", "ana@corp.example"),
            typed => context!(
                to => if full { "kim@partner.example; lee@partner.example" } else { "" },
                cc => if full { "max@partner.example" } else { "" },
                bcc => "",
                subject => "Drawings for the bridge",
                message => "Hello Kim,\n\nplease send the drawings.",
                language => if full { "de" } else { "" },
                receipt => full,
                once => "0198f2c4aabbccddeeff001122334455",
            ),
            languages => ["de", "en", "fr"],
            faults => context!(
                to => fault("Addresses are separated by commas, not by semicolons."),
                cc => fault("max@partner.example cannot be reached."),
                bcc => fault("“Lee” is not a mail address."),
                subject => fault("The subject is empty."),
                message => fault("The message has no text."),
                files => fault("The files are too large."),
                top => fault("Invitations are switched off at the moment."),
            ),
            has_faults => full,
            had_files => full,
            subject_characters => 256,
            size => "50 MiB",
            form => FORM,
        )
    })
}

/// What a letter has become.
pub(in crate::template) fn invited() -> [Value; 2] {
    both(|full| {
        let invitee = |named: bool| {
            context!(
                name => named.then_some("Kim Roe"),
                address => "kim@partner.example",
                has_account => !named,
                invitation => "0198f2c4aabbccddeeff001122334455",
            )
        };
        let file = context!(name => "bridge.pdf", size => "1.2 MiB");
        context!(
            organisation => organisation(),
            id => "0198f2c4aabbccddeeff001122334455",
            subject => "Drawings for the bridge",
            invitees => if full { vec![invitee(true), invitee(false)] } else { vec![invitee(true)] },
            courtesy => if full { vec![person(false, "", "ben@corp.example")] } else { Vec::new() },
            files => if full { vec![file] } else { Vec::new() },
            until => "8 December 2026, 13:45 UTC",
            days => if full { 14 } else { 1 },
            mailed => full,
            form => FORM,
        )
    })
}

/// What a staff member has sent: some, and nothing yet.
pub(in crate::template) fn invitations() -> [Value; 2] {
    both(|full| {
        let line = |state: &str, named: bool| {
            context!(
                id => "0198f2c4aabbccddeeff001122334455",
                invitee => person(named, "Kim Roe", "kim@partner.example"),
                subject => "Drawings for the bridge",
                state,
                created => "24 November 2026, 13:45 UTC",
            )
        };
        let states = ["queued", "sent", "opened", "accepted", "bounced", "expired", "withdrawn"];
        context!(
            organisation => organisation(),
            invitations => if full { states.map(|state| line(state, state != "sent")).to_vec() } else { Vec::new() },
            states => states,
            state => if full { "sent" } else { "" },
            search => if full { "kim" } else { "" },
            search_encoded => if full { "kim" } else { "" },
            is_later => full,
            next => full.then_some("0198f2c4aabbccddeeff001122334455"),
        )
    })
}

/// One invitation: with everything, and one about which nothing is left to do.
pub(in crate::template) fn invitation() -> [Value; 2] {
    both(|full| {
        let maybe = |words: &'static str| full.then_some(words);
        context!(
            organisation => organisation(),
            id => "0198f2c4aabbccddeeff001122334455",
            invitee => person(full, "Kim Roe", "kim@partner.example"),
            subject => "Drawings for the bridge",
            state => if full { "opened" } else { "withdrawn" },
            created => "24 November 2026, 13:45 UTC",
            sent => maybe("24 November 2026, 13:45 UTC"),
            words => maybe("250 2.0.0 fine"),
            changed => maybe("24 November 2026, 13:45 UTC"),
            valid_until => maybe("8 December 2026, 13:45 UTC"),
            renewed => maybe("24 November 2026, 13:45 UTC"),
            is_open => full,
            done => if full { "resent" } else { "" },
            faults => context!(
                top => maybe("A fresh link was sent just now."),
                days => maybe("14 more days are too many."),
                address => maybe("kim@ is not a mail address."),
            ),
            typed => context!(days => "14", address => "kim@partner.example"),
            form => FORM,
        )
    })
}

/// Whom a staff member answers for: somebody, and nobody yet.
pub(in crate::template) fn guests() -> [Value; 2] {
    both(|full| {
        let guest = |named: bool| {
            context!(
                id => "0198f2c4aabbccddeeff001122334455",
                name => named.then_some("Kim Roe"),
                address => "kim@partner.example",
                since => "24 November 2026, 13:45 UTC",
                last_use => named.then_some("25 November 2026, 13:45 UTC"),
                others => i32::from(named),
            )
        };
        context!(
            organisation => organisation(),
            guests => if full { vec![guest(true), guest(false)] } else { Vec::new() },
            ended => full,
            form => FORM,
        )
    })
}

/// For who may not invite: because nobody may, and because this person may not.
pub(in crate::template) fn no_right() -> [Value; 2] {
    both(|full| context!(organisation => organisation(), is_off => full))
}

/// Everybody who has an account: all kinds, and nobody who fits.
pub(in crate::template) fn people() -> [Value; 2] {
    both(|full| {
        let person = |is_guest: bool, locked: bool, is_self: bool| {
            context!(
                id => "0198f2c4aabbccddeeff001122334455",
                name => is_self.then_some("Ana Berg"),
                address => if is_guest { "kim@partner.example" } else { "ana@corp.example" },
                is_guest,
                rights => context!(invite => is_self, invite_internal => is_self, admin => is_self),
                locked,
                since => "24 November 2026, 13:45 UTC",
                is_self,
            )
        };
        let all = vec![person(false, false, true), person(false, true, false), person(true, false, false)];
        context!(
            organisation => organisation(),
            people => if full { all } else { Vec::new() },
            search => if full { "kim" } else { "" },
            search_encoded => if full { "kim" } else { "" },
            is_later => full,
            next => full.then_some("0198f2c4aabbccddeeff001122334455"),
            done => full,
            form => FORM,
        )
    })
}
