//! The mail that asks somebody to answer for the guests of a person who is gone.

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Token;
use crate::notices::{Letter, NoticeFault, Notices, Organisation, Person};
use crate::queue::Admission;
use crate::store::Batch;

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who is gone.
    pub sponsor: &'a Mailbox,
    /// Who is asked.
    pub successor: &'a Mailbox,
    /// The guests; perhaps not all of them.
    pub guests: &'a [Mailbox],
    /// How many more there are.
    pub more: usize,
    /// When guests end for whom nobody answers; `None` is never.
    pub until: Option<Timestamp>,
    /// What the link is made with.
    pub word: &'a Token,
}

/// What the templates may name.
#[derive(Serialize)]
struct Context<'a> {
    organisation: Organisation<'a>,
    sponsor: Person<'a>,
    guests: Vec<Person<'a>>,
    more: usize,
    until: Option<String>,
    link: String,
}

impl Notices {
    /// "… has left guests behind". It is in `batch`; hand the admission to [`Queue::admit`](crate::queue::Queue::admit)
    /// after the commit.
    ///
    /// # Errors
    /// Where it could not be written; then nothing of it is left.
    pub async fn takeover(
        &self,
        batch: &mut Batch,
        question: &Question<'_>,
    ) -> Result<Admission, NoticeFault> {
        let context = Context {
            organisation: Organisation { name: &self.writer.organisation },
            sponsor: Person::from(question.sponsor),
            guests: question.guests.iter().map(Person::from).collect(),
            more: question.more,
            until: question.until.map(|until| self.moment(None, until)),
            link: self.address("t", question.word),
        };
        self.write(batch, "takeover", Letter::to(question.successor), &context).await
    }
}
