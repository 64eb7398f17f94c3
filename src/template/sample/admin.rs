//! Example values of the pages for administrators.

use minijinja::context;
use minijinja::value::Value;

use crate::template::sample::{FORM, both, organisation};

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
