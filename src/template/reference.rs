//! What there is to write: every template, what it is for, and the names that it may use. The page
//! `docs/templates.md` is this, printed.

use std::fmt::Write;

use minijinja::Value;
use minijinja::value::ValueKind;

use crate::template::vocabulary::{Kind, SLOTS, Slot};

/// What each template is for; of a mail, all of its parts together.
const MEANINGS: &[(&str, &str)] = &[
    ("words.txt", "what Postern says in sentences that stand in no template of their own"),
    ("mail/layout.html", "around every notice"),
    ("mail/button.html", "a link as a button, with its address below; for the other mails to include"),
    ("mail/invitation", "above and below the inviter's own text, in the plain text and in the HTML"),
    ("mail/invitation-internal", "the same in an invitation of a colleague"),
    ("mail/accepted", "to the inviter: the invitation has been accepted"),
    ("mail/welcome", "to the guest: the account is open"),
    ("mail/renewal", "to the invitee: a fresh link"),
    ("mail/approval", "to the inviter: the invitee asks for a fresh link"),
    ("mail/takeover", "to the manager of somebody who has left: the guests for whom nobody answers"),
    ("mail/sponsor-left", "to the guest: nobody answers for the account any more, and it will end"),
    ("mail/sponsor-gone", "to the guest: the account is gone, because nobody answered for it"),
    ("mail/receipt", "to the inviter: what was sent to whom, until when, with what"),
    ("mail/arrived", "to staff: a guest has left files, or a colleague has forwarded them"),
    ("mail/handed-over", "to the guest: the files have been delivered"),
    ("mail/ending", "to staff: files that were not picked up will be deleted"),
    ("mail/bounced", "to the inviter: the invitation has not reached the invitee, why, and what to do"),
    ("mail/expired", "to the inviter: nobody has used the invitation in time"),
    ("mail/answer", "to the inviter: what a command by mail has done"),
    ("mail/preview", "to the inviter: what each invitee would get (invite+preview@)"),
    ("mail/corrected", "to the invitee whose address the inviter has corrected: the link"),
    ("mail/verify", "to the invitee: the link that confirms the address"),
    ("mail/reset", "to who has forgotten the password: the link to a new one"),
    ("mail/no-reset", "to who has forgotten the password: why none can be chosen here"),
    ("mail/password-changed", "to the account's holder: there is a new password"),
    ("mail/account-ending", "to the guest: the account has not been used for long, and will end"),
    ("mail/farewell", "to the guest: the account is gone"),
    ("page/layout.html", "around every page"),
    ("page/activate.html", "behind a link: the form that opens an account"),
    (
        "page/join.html",
        "behind a colleague's link: the organisation's own password, or the way to its provider",
    ),
    ("page/expired.html", "behind a link that has expired: the form that asks for another"),
    ("page/renewal.html", "the answer to who has asked for another link"),
    ("page/approval.html", "to the inviter: the button that sends another link"),
    ("page/takeover.html", "to the same manager: the button that takes the guests over"),
    ("page/withdrawn.html", "behind a link that was taken back"),
    ("page/used.html", "behind a link that was used: the way in"),
    ("page/unknown.html", "behind a link that is none"),
    ("page/sign-in.html", "the way in"),
    ("page/saml-leave.html", "on the way to an identity provider"),
    ("page/saml-failed.html", "back from it, and not let in"),
    ("page/saml-signed-out.html", "signed out, here or there or both"),
    ("page/waiting.html", "the form is filled in, and the address has to be confirmed"),
    ("page/verify.html", "behind the link that confirms the address: the button"),
    ("page/forgotten.html", "for who has forgotten the password"),
    ("page/reset.html", "behind the link to a new password: the form"),
    ("page/account.html", "name, password, sessions, deletion"),
    ("page/farewell.html", "the account is deleted"),
    ("mail/draft/body.txt", "what the form for invitations proposes as the message"),
    ("page/dropoff.html", "where a guest leaves files"),
    ("page/sent.html", "what a guest has sent, and who has picked it up"),
    ("page/received.html", "what guests have left for a member of the staff"),
    ("page/package.html", "one of these, with its files"),
    ("page/invite.html", "the form for an invitation"),
    ("page/invited.html", "the receipt of an invitation"),
    ("page/invitations.html", "a member of the staff's invitations; everybody's, for administrators"),
    ("page/invitation.html", "one of these, with what can be done"),
    ("page/guests.html", "a member of the staff's guests"),
    ("page/people.html", "all accounts, for administrators"),
    ("page/status.html", "how the gateway stands, for administrators"),
    ("page/queue.html", "what waits to be delivered, for administrators"),
    ("page/queued.html", "one message of it, with what can be done"),
    ("page/dropoffs.html", "what guests have left, for administrators"),
    ("page/switches.html", "settings that administrators change while the service runs"),
    ("page/no-right.html", "to staff who may not invite, or nobody may at the moment"),
    ("page/no-entry.html", "to who is signed in on a page that is for others"),
    ("page/error.html", "what went wrong, by its number in HTTP"),
    ("page/mailbox.html", "the demo's mail"),
    ("page/letter.html", "one mail of the demo"),
    ("page/style.css", "colours, fonts and measures of the pages"),
    ("page/postern.js", "what makes the pages more comfortable"),
    ("page/logo.svg", "the organisation's mark"),
];

/// What stands above the list.
const HEAD: &str = "\
# Templates and their names

Printed by `postern template reference`; a test holds it to the code. How to change a text: `postern template eject NAME` writes
the built-in one into the templates folder, where it is live as soon as it is saved. `postern template preview NAME` shows what becomes
of it, `postern template check` what is wrong with it.

The same file in a folder of a language (`de/mail/welcome/body.txt`) is the text in that language; what a language lacks is there in
English. A name marked “or nothing” may be missing: ask for it with `{% if name %}` before you write it. `language` is there everywhere:
what the text is in, as `en`.
";

/// What a template is for, in a few words.
#[must_use]
pub fn meaning(name: &str) -> &'static str {
    let is_of = |of: &str| name.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    MEANINGS.iter().find(|(of, _)| is_of(of)).map_or("", |(_, meaning)| meaning)
}

/// The whole page, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut slots = SLOTS.iter().peekable();
    while let Some(first) = slots.next() {
        let mut names = vec![format!("`{}`", first.name)];
        while let Some(next) = slots.next_if(|next| group(next) == group(first)) {
            names.push(format!("`{}`", next.name));
        }
        // Writing to a string never fails.
        let _ = write!(page, "\n## {}\n{}.\n", names.join(", "), sentence(meaning(first.name)));
        page.push_str(&table(first));
    }
    page
}

/// The parts of a mail belong together.
fn group(slot: &Slot) -> &str {
    match slot.name.rsplit_once('/') {
        Some((folder, _)) if folder.starts_with("mail/") => folder,
        _ => slot.name,
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn table(slot: &Slot) -> String {
    let (Kind::Shared { samples } | Kind::Rendered { samples, .. }) = slot.kind else {
        return String::new();
    };
    let [full, bare] = samples();
    let mut names = Vec::new();
    collect(&full, Some(&bare), "", &mut names);
    names.retain(|(name, ..)| name != "language");
    let mut table = "\n| name | what it is | for example |\n|---|---|---|\n".to_owned();
    for (name, kind, example) in names {
        let _ = writeln!(table, "| `{name}` | {kind} | {example} |");
    }
    table
}

/// Every name that a sample has, with what it is and an example.
fn collect(full: &Value, bare: Option<&Value>, prefix: &str, names: &mut Vec<(String, String, String)>) {
    let keys = full.try_iter().into_iter().flatten().filter_map(|key| key.as_str().map(str::to_owned));
    for key in keys {
        let Ok(value) = full.get_attr(&key) else { continue };
        let other = bare.and_then(|bare| bare.get_attr(&key).ok());
        let name = format!("{prefix}{key}");
        if value.kind() == ValueKind::Map {
            collect(&value, other.as_ref(), &format!("{name}."), names);
            continue;
        }
        // Which of the two has it differs.
        let missing = |value: &Value| value.is_none() || value.is_undefined();
        let shown = if missing(&value) { other.clone().unwrap_or_default() } else { value.clone() };
        let optional = missing(&value) || other.as_ref().is_some_and(missing);
        let kind = format!("{}{}", kind_of(&shown), if optional { ", or nothing" } else { "" });
        let items = (shown.kind() == ValueKind::Seq).then(|| shown.get_item_by_index(0).ok()).flatten();
        names.push((name.clone(), kind, example(&shown)));
        if let Some(item) = items.filter(|item| item.kind() == ValueKind::Map) {
            collect(&item, None, &format!("{name}[]."), names);
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Bool => "yes or no",
        ValueKind::Number => "number",
        ValueKind::Seq | ValueKind::Iterable => "list",
        _ => "text",
    }
}

fn example(value: &Value) -> String {
    match value.kind() {
        ValueKind::Bool | ValueKind::Seq | ValueKind::Iterable => String::new(),
        ValueKind::Number => value.to_string(),
        _ if value.to_string().is_empty() => String::new(),
        _ => format!("`{}`", value.to_string().replace('|', "\\|")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_says_what_it_is_for() {
        for slot in SLOTS {
            assert!(!meaning(slot.name).is_empty(), "{}: write what it is for into MEANINGS", slot.name);
        }
        let names: Vec<_> = SLOTS.iter().map(|slot| slot.name).collect();
        for (of, _) in MEANINGS {
            assert!(names.iter().any(|name| name.starts_with(of)), "{of} is no template any more");
        }
    }

    #[test]
    fn the_printed_page_is_this_one() {
        let printed = include_str!("../../docs/templates.md");
        assert!(reference() == printed, "print it anew: postern template reference >docs/templates.md");
    }
}
