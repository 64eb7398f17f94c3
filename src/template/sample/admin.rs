//! Example values of the pages for administrators.

use minijinja::context;
use minijinja::value::Value;

use crate::template::sample::{FORM, both, organisation, person};

/// The switches: each set to something else than the file says, and all as it says.
pub(in crate::template) fn switches() -> [Value; 2] {
    both(|full| {
        let at = "24 November 2026, 13:45 UTC";
        let one = |key: &str, value: &str, file: &str, by: Option<&str>| {
            let set = context!(by, at);
            context!(key, value => if full { value } else { file }, file, set => full.then_some(set))
        };
        context!(
            organisation => organisation(),
            switches => [
                one("invite.enabled", "false", "true", Some("ana@corp.example")),
                one("invite.lifespan", "30", "14", None),
                one("invite.receipt", "always", "asked", Some("ana@corp.example")),
                one("registration.verify_email", "true", "false", None),
            ],
            shortest => 1,
            longest => 90,
            typed => full.then_some("soon"),
            done => full,
            form => FORM,
        )
    })
}

/// How the gateway stands: with everything to say, and with all well.
pub(in crate::template) fn status() -> [Value; 2] {
    both(|full| {
        let at = "24 November 2026, 13:45 UTC";
        let count = |state: &str| context!(state, count => if full { 3 } else { 0 });
        let trouble = context!(
            domain => "partner.example",
            recipients => 2,
            attempts => 4,
            answer => "450 4.2.1 the mailbox is being moved",
        );
        let text =
            context!(file => "page/used.html", line => 2, reason => "there is no “nmae” in this template");
        let switch = context!(key => "invite.enabled", value => "false", file => "true");
        let listener = |address: &str, role: &str| context!(address, role);
        context!(
            organisation => organisation(),
            version => "1.0.0",
            started => at,
            days => if full { 3 } else { 0 },
            hours => 5,
            minutes => 7,
            listeners => [
                listener("[::]:587", "submission"),
                listener("127.0.0.1:10025", "relay"),
                listener("[::]:443", "web"),
            ],
            queue => context!(
                messages => if full { 12 } else { 0 },
                in_part => full,
                due => 1,
                waiting => 2,
                held => 3,
                oldest => full.then_some(at),
            ),
            troubles => if full { vec![trouble] } else { Vec::new() },
            invitations => [count("queued"), count("accepted")],
            invitations_in_part => full,
            dropoffs => context!(
                packages => 7,
                size => "1.2 GiB",
                in_part => full,
                free => full.then_some("48 GiB"),
            ),
            certificate => context!(ends => full.then_some(at), is_soon => full, is_over => false),
            texts => if full { vec![text] } else { Vec::new() },
            texts_more => if full { 5 } else { 0 },
            switches => if full { vec![switch] } else { Vec::new() },
        )
    })
}

fn message(full: bool) -> Value {
    context!(
        id => "0198f2c4aabbccddeeff001122334455",
        kind => if full { "invitation" } else { "own" },
        sender => full.then_some("ana@corp.example"),
        received => "24 November 2026, 13:45 UTC",
        recipient => "kim@partner.example",
        recipients => if full { 2 } else { 1 },
        is_held => full,
        is_waiting => true,
        words => full.then_some("450 4.2.1 the mailbox is being moved"),
    )
}

/// What waits: some, and nothing.
pub(in crate::template) fn queue() -> [Value; 2] {
    both(|full| {
        context!(
            organisation => organisation(),
            messages => if full { vec![message(true), message(false)] } else { Vec::new() },
            count => if full { 2 } else { 0 },
            is_later => full,
            next => full.then_some("0198f2c4aabbccddeeff001122334455"),
            done => if full { "drop" } else { "" },
        )
    })
}

/// One message of it.
pub(in crate::template) fn queued() -> [Value; 2] {
    both(|full| {
        let entry = context!(
            address => "kim@partner.example",
            attempts => i32::from(full),
            next => full.then_some("24 November 2026, 13:45 UTC"),
            words => full.then_some("450 4.2.1 the mailbox is being moved"),
        );
        context!(
            organisation => organisation(),
            size => "1.2 MiB",
            entries => [entry],
            more => i32::from(full),
            done => if full { "hold" } else { "" },
            fault => full.then_some("nothing of the message is held"),
            form => FORM,
            ..message(full)
        )
    })
}

/// What guests have left: in every state, and nothing.
pub(in crate::template) fn dropoffs() -> [Value; 2] {
    both(|full| {
        let one = |state: &str, is_delivered: bool| {
            context!(
                id => "0198f2c4aabbccddeeff001122334455",
                from => person(is_delivered, "Kim Roe", "kim@partner.example"),
                to => [person(true, "Ana Berg", "ana@corp.example")],
                more => i32::from(is_delivered),
                files => 2,
                size => "1.2 MiB",
                created => "24 November 2026, 13:45 UTC",
                until => is_delivered.then_some("24 December 2026, 13:45 UTC"),
                state,
            )
        };
        let all =
            [("open", false), ("checked", false), ("withheld", true), ("kept", true), ("picked up", true)];
        context!(
            organisation => organisation(),
            packages => if full { all.map(|(state, is)| one(state, is)).to_vec() } else { Vec::new() },
            is_later => full,
            next => full.then_some("0198f2c4aabbccddeeff001122334455"),
            done => full,
            form => FORM,
        )
    })
}
