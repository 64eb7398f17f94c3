//! What `page/dropoff.html` shows.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::accounts::Account;
use crate::base::address::Address;
use crate::base::id::PackageId;
use crate::base::phrase::phrase;
use crate::base::size::Size;
use crate::config::Recipients;
use crate::dropoff::{DepositFault, Dropoff};
use crate::httpd::page::Pages;
use crate::httpd::permit::{FormToken, Guest};
use crate::httpd::tus;
use crate::packages::{Package, Parcel};
use crate::store::StoreFault;

/// Drop-offs that were begun and not sent, as many as the page reminds of; looked for among so many of the newest.
const REMINDERS_MAX: usize = 5;
const NEWEST: usize = 50;

/// What a guest has typed, right or wrong.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    to: Vec<String>,
    others: String,
    /// The subject.
    pub subject: String,
    /// The message.
    pub message: String,
}

/// What is wrong, by field; in JSON for our script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    to: Option<String>,
    subject: Option<String>,
    message: Option<String>,
    files: Option<String>,
    /// The drop-off that holds what was taken before.
    #[serde(skip)]
    pub(super) package: Option<PackageId>,
}

#[derive(Serialize)]
struct DropOff<'a> {
    people: Vec<Choice<'a>>,
    /// Whether others of the organisation may be named too.
    may_name_others: bool,
    others: &'a str,
    subject: &'a str,
    message: &'a str,
    message_max: usize,
    faults: &'a Faults,
    /// Where what is on this page was kept already.
    begun: Option<Begun<'a>>,
    unsent: Vec<Unsent>,
    limits: Limits<'a>,
    form: &'a str,
}

/// Somebody to send to.
#[derive(Serialize)]
struct Choice<'a> {
    name: Option<&'a str>,
    address: String,
    is_chosen: bool,
}

#[derive(Serialize)]
struct Begun<'a> {
    id: PackageId,
    files: Vec<Arrived<'a>>,
}

/// A file that is here, or a part of it.
#[derive(Serialize)]
struct Arrived<'a> {
    number: u16,
    name: &'a str,
    size: String,
    is_whole: bool,
    here: String,
    upload: String,
}

/// A drop-off that was begun and not sent.
#[derive(Serialize)]
struct Unsent {
    id: PackageId,
    subject: String,
    at: String,
}

/// What is said before an upload, for people and for the script.
#[derive(Serialize)]
struct Limits<'a> {
    file: String,
    file_octets: u64,
    files: usize,
    left: String,
    left_octets: u64,
    blocked: &'a [String],
    days: u32,
}

impl Typed {
    /// An empty form, for who invited last.
    pub(super) fn fresh(guest: &Account) -> Self {
        let last = guest.inviters.last().map(|inviter| inviter.address.to_string());
        Self { to: last.into_iter().collect(), ..Self::default() }
    }

    /// What was kept of a drop-off.
    pub(super) fn kept(guest: &Account, package: &Package) -> Self {
        let addresses = package.recipients.iter().map(|recipient| &recipient.mailbox.address);
        let is_offered =
            |address: &&Address| guest.inviters.iter().any(|inviter| inviter.address.same_mailbox(address));
        let (offered, others): (Vec<_>, Vec<_>) = addresses.partition(is_offered);
        Self {
            to: offered.into_iter().map(Address::to_string).collect(),
            others: others.into_iter().map(Address::to_string).collect::<Vec<_>>().join(", "),
            subject: package.subject.clone(),
            message: package.message.clone(),
        }
    }

    /// Takes a field of the form. One that is none of ours is nothing to us.
    pub(super) fn set(&mut self, name: &str, text: String) {
        match name {
            "to" => self.to.push(text),
            "others" => self.others = text,
            "subject" => self.subject = text,
            "message" => self.message = text,
            _ => {}
        }
    }

    /// For whom it is, or what is wrong with that.
    pub(super) fn recipients(&self, pages: &Pages) -> Result<Vec<Address>, Faults> {
        if self.others.contains(';') {
            let mended = self.others.replace(';', ",");
            let fault =
                phrase!("Please separate addresses by commas, not by semicolons: {line}", line = mended);
            return Err(Faults::of_people(pages.say(&fault)));
        }
        let others = self.others.split(',').map(str::trim).filter(|text| !text.is_empty());
        self.to
            .iter()
            .map(String::as_str)
            .chain(others)
            .map(|text| Address::parse(text).map_err(|fault| Faults::of_people(pages.say(&fault.phrase()))))
            .collect()
    }
}

impl Faults {
    /// What a guest can mend, beside its field; `None` for what only we can.
    pub(super) fn of(pages: &Pages, fault: &DepositFault) -> Option<Self> {
        let mut faults = Self::default();
        let field = match fault {
            DepositFault::NoRecipient
            | DepositFault::TooManyRecipients(_)
            | DepositFault::NotARecipient(_) => &mut faults.to,
            DepositFault::NoSubject | DepositFault::SubjectTooLong(_) => &mut faults.subject,
            DepositFault::MessageTooLong(_) => &mut faults.message,
            DepositFault::NotThere | DepositFault::Store(_) | DepositFault::Keep(_) => return None,
            _ => &mut faults.files,
        };
        *field = Some(pages.say(&fault.phrase()));
        Some(faults)
    }

    fn of_people(words: String) -> Self {
        Self { to: Some(words), ..Self::default() }
    }

    /// The same, said of a file of this drop-off, which keeps the ones before it.
    pub(super) fn about(self, package: PackageId, name: &str) -> Self {
        let files =
            self.files.map(|words| if words.contains(name) { words } else { format!("{name}: {words}") });
        Self { files, package: Some(package), ..self }
    }

    /// Whether there are none.
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The page.
pub(super) fn page(
    pages: &Pages,
    flow: &Dropoff,
    guest: &Guest,
    status: StatusCode,
    begun: Option<&Parcel>,
    typed: &Typed,
    faults: &Faults,
) -> Result<Response, StoreFault> {
    let limits = flow.limits();
    let left_octets = flow.left_for(&guest.account)?;
    let names = DropOff {
        people: flow.offered(&guest.account).iter().rev().map(|person| choice(person, typed)).collect(),
        may_name_others: limits.recipients == Recipients::Organisation,
        others: &typed.others,
        subject: &typed.subject,
        message: &typed.message,
        message_max: limits.message_characters,
        faults,
        begun: begun.map(Begun::of),
        unsent: unsent(pages, flow, guest, begun)?,
        limits: Limits {
            file: Size(limits.file_octets).to_string(),
            file_octets: limits.file_octets,
            files: limits.files,
            left: Size(left_octets).to_string(),
            left_octets,
            blocked: &limits.blocked_extensions,
            days: limits.keep.in_days(),
        },
        form: guest.form_token(),
    };
    Ok(pages.page(status, "dropoff", names))
}

fn choice<'a>(person: &'a crate::base::mailbox::Mailbox, typed: &Typed) -> Choice<'a> {
    let address = person.address.to_string();
    let is_chosen = typed.to.iter().any(|chosen| chosen.eq_ignore_ascii_case(&address));
    Choice { name: person.name.as_deref(), address, is_chosen }
}

/// Others that were begun and not sent.
fn unsent(
    pages: &Pages,
    flow: &Dropoff,
    guest: &Guest,
    begun: Option<&Parcel>,
) -> Result<Vec<Unsent>, StoreFault> {
    let here = begun.map(|parcel| parcel.package.value.id);
    let newest = flow.sent(&guest.account, None, NEWEST)?;
    let open = newest.into_iter().map(|parcel| parcel.package.value);
    let open = open.filter(|package| package.is_open() && Some(package.id) != here);
    let told = |package: Package| Unsent {
        id: package.id,
        subject: package.subject,
        at: pages.moment(package.created),
    };
    Ok(open.take(REMINDERS_MAX).map(told).collect())
}

impl<'a> Begun<'a> {
    fn of(parcel: &'a Parcel) -> Self {
        let arrived = |file: &'a crate::store::Stored<crate::packages::File>| {
            let file = &file.value;
            Arrived {
                number: file.id.number,
                name: file.name.as_str(),
                size: Size(file.length.unwrap_or_else(|| file.arrived())).to_string(),
                is_whole: file.content.is_whole(),
                here: Size(file.arrived()).to_string(),
                upload: tus::path_of(file.id),
            }
        };
        Self { id: parcel.package.value.id, files: parcel.files.iter().map(arrived).collect() }
    }
}
