//! What a directory of people can be asked, whichever product it is.
//!
//! Two answers are kept apart with care: "no" is for the person who typed a password, "not now" never is.

use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::accounts::Rights;
use crate::base::address::Address;
use crate::base::secret::Secret;

/// The organisation's directory.
pub trait Directory: Send + Sync {
    /// The person behind a name or an address. `None` too where several people answer to it, or the person has no
    /// address: then nobody is known by it.
    fn find<'a>(&'a self, whom: Whom<'a>) -> BoxFuture<'a, Result<Option<Person>, DirectoryFault>>;

    /// Whether the password is this person's and the directory lets the person in with it. Nobody (`None`) takes the
    /// same way, and is refused.
    fn proves<'a>(
        &'a self,
        person: Option<&'a Person>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>>;

    /// What the person's groups allow, groups within groups included.
    fn rights<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Rights, DirectoryFault>>;

    /// Whether the person may write in the name of whoever has this address: a superior, a shared mailbox.
    fn delegates<'a>(
        &'a self,
        person: &'a Person,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>>;
}

/// Whom to find.
#[derive(Clone, Copy, Debug)]
pub enum Whom<'a> {
    /// Who signs in by this: a user name, `DOMAIN\name`, `name@domain`, a mail address.
    Name(&'a str),
    /// Whose mail address this is, primary or not.
    Address(&'a Address),
    /// Whose entry stands here ([`Person::entry`]).
    Entry(&'a str),
}

/// Somebody the directory knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Where the entry stands (RFC 4514). Changes when it is moved.
    pub entry: String,
    /// What stays the same for good, if the directory has such a thing.
    pub id: Option<String>,
    /// The display name; may be empty.
    pub name: String,
    /// The primary mail address.
    pub address: Address,
    /// The others.
    pub aliases: Vec<Address>,
    /// Where the entry of the person's manager stands, if that is told.
    pub manager: Option<String>,
    /// Whether the directory itself keeps the person out: disabled, locked for good, or past the last day.
    pub is_barred: bool,
    /// Whether others may write in this one's name. A shared mailbox is such an entry, and is often kept out: nobody
    /// signs in as it.
    pub has_delegates: bool,
}

/// The directory gave no answer: never to be told as "wrong password".
#[derive(Debug, Error)]
pub enum DirectoryFault {
    /// No server could be reached, or none answered in time; what the last one did.
    #[error("no directory server answers: {0}")]
    Down(String),
    /// All connections are in use, and none became free in time.
    #[error("all connections to the directory are busy")]
    Busy,
    /// A server answered, but not the question (RFC 4511 §4.1.9).
    #[error("the directory cannot answer: {0}")]
    Answer(String),
}
