//! The pages between guests and staff.

use minijinja::context;
use minijinja::value::Value;

use crate::template::sample::{FORM, both, person};

const AT: &str = "24 November 2026, 13:45 UTC";
const UNTIL: &str = "24 December 2026, 13:45 UTC";
const ID: &str = "0198c0ffee007000800000000000abcd";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// What a guest sends files with: begun with some of it wrong, and one to whom nobody is left.
pub(in crate::template) fn dropoff() -> [Value; 2] {
    both(|full| {
        let choice = |name: Option<&str>, address: &str| context!(name, address, is_chosen => name.is_some());
        let file = |name: &str, is_whole: bool| {
            context!(
                number => 3,
                name,
                size => "48.2 MiB",
                is_whole,
                here => "12.5 MiB",
                upload => format!("/files/{ID}-3"),
            )
        };
        let begun = context!(id => ID, files => vec![file("Ground plan, east wing.pdf", true), file("Roof.mov", false)]);
        context!(
            organisation => context!(name => "Corp & Sons"),
            people => if full {
                vec![choice(Some("Ana Berg"), "ana@corp.example"), choice(None, "ben@corp.example")]
            } else {
                Vec::new()
            },
            may_name_others => true,
            others => if full { "eve@corp.example" } else { "" },
            subject => if full { "Plans of the east wing" } else { "" },
            message => if full { "Here they are." } else { "" },
            message_max => 10_000,
            faults => context!(
                to => full.then_some("You cannot send to eve@corp.example. Please choose one of the people offered."),
                subject => full.then_some("Please use at most 256 characters for the subject."),
                message => full.then_some("Please use at most 10000 characters for the message."),
                files => full.then_some("setup.exe: Files whose names end in “.exe” are not accepted."),
            ),
            begun => full.then_some(begun),
            unsent => if full { vec![context!(id => ID, subject => "Photographs", at => AT)] } else { Vec::new() },
            limits => context!(
                file => "2 GiB",
                file_octets => 2_147_483_648_u64,
                files => 50,
                left => "9.3 GiB",
                left_octets => 9_985_798_963_u64,
                blocked => if full { vec!["exe", "bat"] } else { Vec::new() },
                days => 30,
            ),
            form => FORM,
        )
    })
}

/// What a guest has sent.
pub(in crate::template) fn sent() -> [Value; 2] {
    both(|full| {
        let ana = person(true, "Ana Berg", "ana@corp.example");
        let ben = person(false, "", "ben@corp.example");
        let picked_up = vec![
            context!(by => ana.clone(), at => Some(AT)),
            context!(by => ben.clone(), at => None::<&str>),
        ];
        let file = |name: &str, finding: Option<&str>| context!(name, size => "48.2 MiB", sha256 => Some(SHA256), finding, picked_up => picked_up.clone());
        let dropoff = |state: &str, files: Vec<Value>| {
            context!(
                id => ID,
                subject => "Plans of the east wing",
                message => "Here they are.",
                state,
                at => AT,
                until => (state == "delivered").then_some(UNTIL),
                recipients => vec![ana.clone(), ben.clone()],
                files,
                is_picked_up => false,
            )
        };
        let bad = Some("Eicar-Signature");
        let files = vec![file("Ground plan.pdf", None), file("tool.com", bad)];
        context!(
            organisation => context!(name => "Corp & Sons"),
            has_just => full,
            dropoffs => if full {
                vec![dropoff("checked", Vec::new()), dropoff("delivered", files), dropoff("open", Vec::new())]
            } else {
                Vec::new()
            },
            older => full.then_some(ID),
            is_first => !full,
        )
    })
}

/// What staff have received.
pub(in crate::template) fn received() -> [Value; 2] {
    both(|full| {
        let package = |subject: &str, is_new: bool| {
            context!(
                id => ID,
                subject,
                from => person(is_new, "Kim Roe", "kim@partner.example"),
                files => 3,
                size => "121 MiB",
                at => AT,
                until => UNTIL,
                is_new,
            )
        };
        context!(
            organisation => context!(name => "Corp & Sons"),
            packages => if full {
                vec![package("Plans of the east wing", true), package("Photographs", false)]
            } else {
                Vec::new()
            },
            older => full.then_some(ID),
            is_first => !full,
            has_deleted => full,
        )
    })
}

/// One package.
pub(in crate::template) fn package() -> [Value; 2] {
    both(|full| {
        let file = |number: u16, name: &str, finding: Option<&str>| {
            context!(
                number,
                name,
                size => "48.2 MiB",
                sha256 => Some(SHA256),
                is_whole => finding.is_none(),
                finding,
                picked_up => (number == 0).then_some(AT),
            )
        };
        let eicar = full.then_some("Eicar-Signature");
        context!(
            organisation => context!(name => "Corp & Sons"),
            id => ID,
            subject => "Plans of the east wing",
            message => if full { "Here they are.\nKind regards, Kim" } else { "" },
            from => person(full, "Kim Roe", "kim@partner.example"),
            forwarded_by => full.then(|| person(true, "Ana Berg", "ana@corp.example")),
            others => if full { vec![person(true, "Ana Berg", "ana@corp.example")] } else { Vec::new() },
            at => AT,
            until => UNTIL,
            files => vec![
                file(0, "Ground plan, east wing.pdf", None),
                file(1, "Estimate.xlsx", None),
                file(2, "tool.com", eicar),
            ],
            size => "96.4 MiB",
            whole => if full { 2 } else { 1 },
            forwarding => context!(
                to => if full { "eve@elsewhere.example" } else { "" },
                fault => full.then_some("eve@elsewhere.example is not an address of a colleague."),
                done => !full,
            ),
            form => FORM,
        )
    })
}
