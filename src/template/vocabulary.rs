//! Every template there is: its built-in text, the names it may use (shown by its samples), and what it must keep.

use minijinja::Value;

use crate::template::sample;
use crate::template::sample::people;

/// A file of the `templates` folder, compiled in.
macro_rules! built_in {
    ($name:literal) => {
        include_str!(concat!("../../templates/", $name))
    };
}

/// A template, in whatever language.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its path below the templates folder.
    pub name: &'static str,
    /// The English text that comes with the program.
    pub built_in: &'static str,
    pub kind: Kind,
}

/// A full sample and a bare one, in which everything optional is missing. Together they are the vocabulary.
pub(super) type Samples = fn() -> [Value; 2];

/// What is done with a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It goes out as it is.
    Static,
    /// The sentences of the code.
    Words,
    /// Other texts stand in it or take it in.
    Shared { samples: Samples },
    /// It is filled in.
    Rendered { samples: Samples, keeps: &'static [Keep] },
}

/// What the result must not lose, whatever the administrator writes around it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep {
    /// The value of this name is somewhere in the result.
    Shown(&'static str),
    /// The value of this name is all that stands on its line.
    OwnLine(&'static str),
    /// The value of this name is where a link leads.
    Linked(&'static str),
    /// The result is one line with words in it: it becomes a header.
    SingleLine,
}

/// All templates, mails first.
pub(super) const SLOTS: &[Slot] = &[
    Slot { name: WORDS, built_in: built_in!("words.txt"), kind: Kind::Words },
    shared("mail/layout.html", built_in!("mail/layout.html"), sample::page),
    shared("mail/button.html", built_in!("mail/button.html"), sample::button),
    rendered("mail/invitation/top.txt", built_in!("mail/invitation/top.txt"), sample::invitation, &[]),
    rendered("mail/invitation/top.html", built_in!("mail/invitation/top.html"), sample::invitation, &[]),
    rendered(
        "mail/invitation/bottom.txt",
        built_in!("mail/invitation/bottom.txt"),
        sample::invitation,
        OWN_LINE,
    ),
    rendered(
        "mail/invitation/bottom.html",
        built_in!("mail/invitation/bottom.html"),
        sample::invitation,
        LINKED,
    ),
    rendered(
        "mail/invitation-internal/top.txt",
        built_in!("mail/invitation-internal/top.txt"),
        sample::invitation,
        &[],
    ),
    rendered(
        "mail/invitation-internal/top.html",
        built_in!("mail/invitation-internal/top.html"),
        sample::invitation,
        &[],
    ),
    rendered(
        "mail/invitation-internal/bottom.txt",
        built_in!("mail/invitation-internal/bottom.txt"),
        sample::invitation,
        OWN_LINE,
    ),
    rendered(
        "mail/invitation-internal/bottom.html",
        built_in!("mail/invitation-internal/bottom.html"),
        sample::invitation,
        LINKED,
    ),
    rendered("mail/accepted/subject.txt", built_in!("mail/accepted/subject.txt"), sample::notice, HEADER),
    rendered("mail/accepted/body.txt", built_in!("mail/accepted/body.txt"), sample::notice, &[]),
    rendered("mail/accepted/body.html", built_in!("mail/accepted/body.html"), sample::notice, &[]),
    rendered("mail/welcome/subject.txt", built_in!("mail/welcome/subject.txt"), sample::notice, HEADER),
    rendered("mail/welcome/body.txt", built_in!("mail/welcome/body.txt"), sample::notice, &[]),
    rendered("mail/welcome/body.html", built_in!("mail/welcome/body.html"), sample::notice, &[]),
    rendered("mail/renewal/subject.txt", built_in!("mail/renewal/subject.txt"), sample::link, HEADER),
    rendered("mail/renewal/body.txt", built_in!("mail/renewal/body.txt"), sample::link, OWN_LINE),
    rendered("mail/renewal/body.html", built_in!("mail/renewal/body.html"), sample::link, LINKED),
    rendered("mail/approval/subject.txt", built_in!("mail/approval/subject.txt"), sample::link, HEADER),
    rendered("mail/approval/body.txt", built_in!("mail/approval/body.txt"), sample::link, OWN_LINE),
    rendered("mail/approval/body.html", built_in!("mail/approval/body.html"), sample::link, LINKED),
    rendered("mail/verify/subject.txt", built_in!("mail/verify/subject.txt"), people::verify, HEADER),
    rendered("mail/verify/body.txt", built_in!("mail/verify/body.txt"), people::verify, OWN_LINE),
    rendered("mail/verify/body.html", built_in!("mail/verify/body.html"), people::verify, LINKED),
    rendered("mail/reset/subject.txt", built_in!("mail/reset/subject.txt"), people::about_account, HEADER),
    rendered("mail/reset/body.txt", built_in!("mail/reset/body.txt"), people::about_account, OWN_LINE),
    rendered("mail/reset/body.html", built_in!("mail/reset/body.html"), people::about_account, LINKED),
    rendered(
        "mail/no-reset/subject.txt",
        built_in!("mail/no-reset/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered("mail/no-reset/body.txt", built_in!("mail/no-reset/body.txt"), people::about_account, &[]),
    rendered("mail/no-reset/body.html", built_in!("mail/no-reset/body.html"), people::about_account, &[]),
    rendered(
        "mail/password-changed/subject.txt",
        built_in!("mail/password-changed/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered(
        "mail/password-changed/body.txt",
        built_in!("mail/password-changed/body.txt"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/password-changed/body.html",
        built_in!("mail/password-changed/body.html"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/account-ending/subject.txt",
        built_in!("mail/account-ending/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered(
        "mail/account-ending/body.txt",
        built_in!("mail/account-ending/body.txt"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/account-ending/body.html",
        built_in!("mail/account-ending/body.html"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/farewell/subject.txt",
        built_in!("mail/farewell/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered("mail/farewell/body.txt", built_in!("mail/farewell/body.txt"), people::about_account, &[]),
    rendered("mail/farewell/body.html", built_in!("mail/farewell/body.html"), people::about_account, &[]),
    rendered("mail/takeover/subject.txt", built_in!("mail/takeover/subject.txt"), people::takeover, HEADER),
    rendered("mail/takeover/body.txt", built_in!("mail/takeover/body.txt"), people::takeover, OWN_LINE),
    rendered("mail/takeover/body.html", built_in!("mail/takeover/body.html"), people::takeover, LINKED),
    rendered(
        "mail/sponsor-left/subject.txt",
        built_in!("mail/sponsor-left/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered(
        "mail/sponsor-left/body.txt",
        built_in!("mail/sponsor-left/body.txt"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/sponsor-left/body.html",
        built_in!("mail/sponsor-left/body.html"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/sponsor-gone/subject.txt",
        built_in!("mail/sponsor-gone/subject.txt"),
        people::about_account,
        HEADER,
    ),
    rendered(
        "mail/sponsor-gone/body.txt",
        built_in!("mail/sponsor-gone/body.txt"),
        people::about_account,
        &[],
    ),
    rendered(
        "mail/sponsor-gone/body.html",
        built_in!("mail/sponsor-gone/body.html"),
        people::about_account,
        &[],
    ),
    rendered("mail/receipt/subject.txt", built_in!("mail/receipt/subject.txt"), sample::receipt, HEADER),
    rendered("mail/receipt/body.txt", built_in!("mail/receipt/body.txt"), sample::receipt, &[]),
    rendered("mail/receipt/body.html", built_in!("mail/receipt/body.html"), sample::receipt, &[]),
    rendered("mail/arrived/subject.txt", built_in!("mail/arrived/subject.txt"), sample::files, HEADER),
    rendered("mail/arrived/body.txt", built_in!("mail/arrived/body.txt"), sample::files, &[]),
    rendered("mail/arrived/body.html", built_in!("mail/arrived/body.html"), sample::files, &[]),
    rendered(
        "mail/handed-over/subject.txt",
        built_in!("mail/handed-over/subject.txt"),
        sample::files,
        HEADER,
    ),
    rendered("mail/handed-over/body.txt", built_in!("mail/handed-over/body.txt"), sample::files, &[]),
    rendered("mail/handed-over/body.html", built_in!("mail/handed-over/body.html"), sample::files, &[]),
    rendered("mail/ending/subject.txt", built_in!("mail/ending/subject.txt"), sample::files, HEADER),
    rendered("mail/ending/body.txt", built_in!("mail/ending/body.txt"), sample::files, OWN_LINE),
    rendered("mail/ending/body.html", built_in!("mail/ending/body.html"), sample::files, LINKED),
    rendered("mail/bounced/subject.txt", built_in!("mail/bounced/subject.txt"), sample::bounced, HEADER),
    rendered("mail/bounced/body.txt", built_in!("mail/bounced/body.txt"), sample::bounced, &[]),
    rendered("mail/bounced/body.html", built_in!("mail/bounced/body.html"), sample::bounced, &[]),
    rendered("mail/expired/subject.txt", built_in!("mail/expired/subject.txt"), sample::unused, HEADER),
    rendered("mail/expired/body.txt", built_in!("mail/expired/body.txt"), sample::unused, &[]),
    rendered("mail/expired/body.html", built_in!("mail/expired/body.html"), sample::unused, &[]),
    rendered("mail/answer/subject.txt", built_in!("mail/answer/subject.txt"), sample::answer, HEADER),
    rendered("mail/answer/body.txt", built_in!("mail/answer/body.txt"), sample::answer, &[]),
    rendered("mail/answer/body.html", built_in!("mail/answer/body.html"), sample::answer, &[]),
    rendered("mail/preview/subject.txt", built_in!("mail/preview/subject.txt"), sample::preview, HEADER),
    rendered("mail/preview/body.txt", built_in!("mail/preview/body.txt"), sample::preview, &[]),
    rendered("mail/preview/body.html", built_in!("mail/preview/body.html"), sample::preview, &[]),
    rendered("mail/corrected/subject.txt", built_in!("mail/corrected/subject.txt"), sample::link, HEADER),
    rendered("mail/corrected/body.txt", built_in!("mail/corrected/body.txt"), sample::link, OWN_LINE),
    rendered("mail/corrected/body.html", built_in!("mail/corrected/body.html"), sample::link, LINKED),
    rendered("mail/draft/body.txt", built_in!("mail/draft/body.txt"), sample::staff::draft, &[]),
    shared("page/layout.html", built_in!("page/layout.html"), sample::page),
    rendered("page/activate.html", built_in!("page/activate.html"), sample::activate, FORM),
    rendered("page/join.html", built_in!("page/join.html"), people::join, FORM),
    rendered("page/expired.html", built_in!("page/expired.html"), sample::expired, FORM),
    rendered("page/renewal.html", built_in!("page/renewal.html"), sample::renewal, &[]),
    rendered("page/approval.html", built_in!("page/approval.html"), sample::approval, FORM),
    rendered("page/takeover.html", built_in!("page/takeover.html"), people::taking_over, FORM),
    rendered("page/withdrawn.html", built_in!("page/withdrawn.html"), sample::closed, &[]),
    rendered("page/used.html", built_in!("page/used.html"), sample::used, FORM),
    rendered("page/unknown.html", built_in!("page/unknown.html"), sample::page, &[]),
    rendered("page/sign-in.html", built_in!("page/sign-in.html"), sample::sign_in, WAY_IN),
    rendered("page/saml-leave.html", built_in!("page/saml-leave.html"), sample::saml_leave, LEAVES),
    rendered("page/saml-failed.html", built_in!("page/saml-failed.html"), sample::saml_failed, &[]),
    rendered(
        "page/saml-signed-out.html",
        built_in!("page/saml-signed-out.html"),
        sample::saml_signed_out,
        &[],
    ),
    rendered("page/dropoff.html", built_in!("page/dropoff.html"), sample::dropoff, FORM),
    rendered("page/sent.html", built_in!("page/sent.html"), sample::sent, &[]),
    rendered("page/received.html", built_in!("page/received.html"), sample::received, &[]),
    rendered("page/package.html", built_in!("page/package.html"), sample::package, FORM),
    rendered("page/invite.html", built_in!("page/invite.html"), sample::staff::invite, FORM),
    rendered("page/invited.html", built_in!("page/invited.html"), sample::staff::invited, FORM),
    rendered("page/invitations.html", built_in!("page/invitations.html"), sample::staff::invitations, &[]),
    rendered("page/invitation.html", built_in!("page/invitation.html"), sample::staff::invitation, &[]),
    rendered("page/guests.html", built_in!("page/guests.html"), sample::staff::guests, &[]),
    rendered("page/people.html", built_in!("page/people.html"), sample::staff::people, &[]),
    rendered("page/status.html", built_in!("page/status.html"), sample::admin::status, &[]),
    rendered("page/queue.html", built_in!("page/queue.html"), sample::admin::queue, &[]),
    rendered("page/queued.html", built_in!("page/queued.html"), sample::admin::queued, FORM),
    rendered("page/dropoffs.html", built_in!("page/dropoffs.html"), sample::admin::dropoffs, &[]),
    rendered("page/switches.html", built_in!("page/switches.html"), sample::admin::switches, FORM),
    rendered("page/no-right.html", built_in!("page/no-right.html"), sample::staff::no_right, &[]),
    rendered("page/no-entry.html", built_in!("page/no-entry.html"), sample::page, &[]),
    rendered("page/waiting.html", built_in!("page/waiting.html"), people::waiting, FORM),
    rendered("page/verify.html", built_in!("page/verify.html"), people::verifying, FORM),
    rendered("page/forgotten.html", built_in!("page/forgotten.html"), people::forgotten, FORM),
    rendered("page/reset.html", built_in!("page/reset.html"), people::reset, FORM),
    rendered("page/account.html", built_in!("page/account.html"), people::account, FORM),
    rendered("page/farewell.html", built_in!("page/farewell.html"), people::farewell, &[]),
    rendered("page/error.html", built_in!("page/error.html"), sample::error, &[]),
    rendered("page/mailbox.html", built_in!("page/mailbox.html"), sample::mailbox, &[]),
    rendered("page/letter.html", built_in!("page/letter.html"), sample::letter, &[]),
    Slot { name: "page/style.css", built_in: built_in!("page/style.css"), kind: Kind::Static },
    Slot { name: "page/postern.js", built_in: built_in!("page/postern.js"), kind: Kind::Static },
    Slot { name: "page/logo.svg", built_in: built_in!("page/logo.svg"), kind: Kind::Static },
];

/// Where the sentences of the code are listed.
const WORDS: &str = "words.txt";

/// The link stands where no mail program can miss it.
const OWN_LINE: &[Keep] = &[Keep::OwnLine("link")];
const LINKED: &[Keep] = &[Keep::Linked("link")];
/// Who does not go by itself must be able to go.
const LEAVES: &[Keep] = &[Keep::Linked("address")];
const HEADER: &[Keep] = &[Keep::SingleLine];
/// Without its hidden field a form is refused when it comes back.
const FORM: &[Keep] = &[Keep::Shown("form")];
/// And without the other, who wanted a page is not led back to it.
const WAY_IN: &[Keep] = &[Keep::Shown("form"), Keep::Shown("next")];

impl Slot {
    /// What it is tried with: its own names, and for a page those of the frame around it. A static text has none.
    pub(super) fn samples(&self) -> Vec<Value> {
        match self.kind {
            Kind::Static | Kind::Words => Vec::new(),
            Kind::Shared { samples } | Kind::Rendered { samples, .. } if self.name.starts_with("page/") => {
                samples().into_iter().zip(sample::frames()).map(sample::framed).collect()
            }
            Kind::Shared { samples } | Kind::Rendered { samples, .. } => samples().into(),
        }
    }
}

/// Whether the code has this sentence.
pub(super) fn has_sentence(sentence: &str) -> bool {
    slot(WORDS).is_some_and(|words| words.built_in.lines().any(|line| line == sentence))
}

/// The slot of this name.
pub(super) fn slot(name: &str) -> Option<&'static Slot> {
    SLOTS.iter().find(|slot| slot.name == name)
}

const fn shared(name: &'static str, built_in: &'static str, samples: Samples) -> Slot {
    Slot { name, built_in, kind: Kind::Shared { samples } }
}

const fn rendered(
    name: &'static str,
    built_in: &'static str,
    samples: Samples,
    keeps: &'static [Keep],
) -> Slot {
    Slot { name, built_in, kind: Kind::Rendered { samples, keeps } }
}

#[cfg(test)]
mod tests;
