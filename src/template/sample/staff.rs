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
                receipt => full,
                once => "0198f2c4aabbccddeeff001122334455",
            ),
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
