//! The mails that tell of files: to staff that some have come or will end, to the guest that they were handed over.

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::size::Size;
use crate::invites::Invitation;
use crate::mail::compose::Attachment;
use crate::notices::{Letter, NoticeFault, Notices, Organisation, Person};
use crate::packages::{Content, File, Package, Recipient};
use crate::queue::Admission;
use crate::store::Batch;
use crate::store::blobs::Digest;

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    guest: Person<'a>,
    /// Those whom the guest chose.
    recipients: Vec<Person<'a>>,
    /// The colleague who passed it on.
    forwarded_by: Option<Person<'a>>,
    subject: &'a str,
    message: &'a str,
    files: Vec<Item<'a>>,
    /// What a virus was found in.
    withheld: Vec<Item<'a>>,
    /// Whether the files travel with the mail.
    attached: bool,
    /// Where they are picked up, or the guest sees what became of them.
    link: String,
    /// Until the end, as whole days.
    days: u64,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    size: String,
    sha256: String,
    finding: Option<&'a str>,
}

impl Notices {
    /// "… has left files for you", to a recipient, in the thread of the invitation, with the files if any are handed in.
    /// It is in `batch`; hand the admission to [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn arrived(
        &self,
        batch: &mut Batch,
        package: &Package,
        files: &[File],
        recipient: &Recipient,
        thread: Option<&Invitation>,
        attachments: Vec<Attachment>,
    ) -> Result<Admission, NoticeFault> {
        let context = Context {
            forwarded_by: recipient.forwarded_by.as_ref().map(Person::from),
            attached: !attachments.is_empty(),
            ..self.of_files(package, files, self.pick_up_page(package))
        };
        self.write_with(batch, "arrived", letter(recipient, thread), &context, attachments).await
    }

    /// "Your files were handed over", to the guest. It is in `batch`; hand the admission to
    /// [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn handed_over(
        &self,
        batch: &mut Batch,
        package: &Package,
        files: &[File],
    ) -> Result<Admission, NoticeFault> {
        let page = format!("{}/dropoff/sent", self.writer.portal);
        let context = self.of_files(package, files, page);
        self.write(batch, "handed-over", Letter::to(&package.sender), &context).await
    }

    /// "… will be deleted", to a recipient who has not picked these `files` up. It is in `batch`; hand the admission to
    /// [`Queue::admit`](crate::queue::Queue::admit) after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn ending(
        &self,
        batch: &mut Batch,
        package: &Package,
        files: &[File],
        recipient: &Recipient,
        thread: Option<&Invitation>,
    ) -> Result<Admission, NoticeFault> {
        let context = self.of_files(package, files, self.pick_up_page(package));
        self.write(batch, "ending", letter(recipient, thread), &context).await
    }

    fn pick_up_page(&self, package: &Package) -> String {
        format!("{}/received/{}", self.writer.portal, package.id)
    }

    fn of_files<'a>(&'a self, package: &'a Package, files: &'a [File], link: String) -> Context<'a> {
        let chosen = package.recipients.iter().filter(|recipient| recipient.forwarded_by.is_none());
        let now = self.clock.now();
        Context {
            organisation: Organisation { name: &self.writer.organisation },
            guest: Person::from(&package.sender),
            recipients: chosen.map(|recipient| Person::from(&recipient.mailbox)).collect(),
            forwarded_by: None,
            subject: &package.subject,
            message: &package.message,
            files: files.iter().filter(|file| file.content.is_whole()).map(item).collect(),
            withheld: files.iter().filter(|file| finding(file).is_some()).map(item).collect(),
            attached: false,
            link,
            days: package.until().map_or(0, |until| days_to(until, now)),
        }
    }
}

fn letter<'a>(recipient: &'a Recipient, thread: Option<&'a Invitation>) -> Letter<'a> {
    let letter = Letter::to(&recipient.mailbox);
    match thread {
        Some(invitation) => letter.in_thread_of(invitation),
        None => letter,
    }
}

fn item(file: &File) -> Item<'_> {
    Item {
        name: file.name.as_str(),
        size: Size(file.length.unwrap_or(0)).to_string(),
        sha256: file.content.digest().map(Digest::hex).unwrap_or_default(),
        finding: finding(file),
    }
}

fn finding(file: &File) -> Option<&str> {
    match &file.content {
        Content::Withheld { finding, .. } => Some(finding),
        _ => None,
    }
}

/// Whole days, rounded to the nearest: a mail is read hours after it was written.
fn days_to(until: Timestamp, now: Timestamp) -> u64 {
    (until.since(now).as_secs() + 12 * 60 * 60) / (24 * 60 * 60)
}
