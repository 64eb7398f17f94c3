//! Who somebody is: by a password that is kept here, or by the organisation's directory.
//!
//! One promise above all: whether an account exists, is locked, stands on the other side of the gate, or the password
//! was wrong, is not to be told from outside, neither by the answer nor by the time it takes.
//!
//! Accounts with a password of their own are asked first; every other staff member is asked for in the [`directory`],
//! over LDAP ([`ldap`]), and gets or keeps an account by [`enrolment`]. A directory that is silent is never a "no".

pub mod admission;
mod argon2id;
pub mod directory;
pub mod enrolment;
pub mod ldap;
pub mod password;
#[cfg(feature = "saml")]
pub mod saml;

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::error;

use crate::accounts::{Account, Accounts, Credential, Kind, Rights};
use crate::audit::{self, Event};
use crate::auth::enrolment::{Enrolment, LookupFault};
use crate::auth::ldap::filter::without_domain;
use crate::auth::password::{HashFault, Passwords};
use crate::base::address::Address;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::phrase::{Phrase, phrase};
use crate::base::secret::Secret;
use crate::net::throttle::{Failures, one_site};
use crate::store::StoreFault;

/// Characters of a name that are remembered when a sign-in fails: the longest address (RFC 5321 §4.5.3.1.3).
const NAME_MAX: usize = 256;
/// Where a directory is asked, no refusal comes sooner: a hash, a search and a bind differ in the time they take, and
/// so would unknown, wrong and locked.
const REFUSED_AFTER: Duration = Duration::from_millis(400);

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// Staff or guest.
    pub kind: Kind,
    /// The display name and the primary address.
    pub mailbox: Mailbox,
    /// Further addresses of the same person.
    pub aliases: Vec<Address>,
    /// What this person may do.
    pub rights: Rights,
    /// What it was proved with: a session begins only while the account still has it.
    pub credential: Credential,
}

/// The answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this person.
    Known(Identity),
    /// Unknown, wrong or locked: alike, and as slow.
    Refused,
    /// Too many failures: wait so long.
    Throttled(Duration),
    /// Ask again later; never to be told as "wrong password".
    Unavailable,
}

/// How an address inside the organisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colleague {
    /// There is an account, or can be one.
    Free,
    /// There is an account, and it is locked.
    Locked,
    /// The directory knows nobody by it, or keeps the person out.
    Unknown,
}

/// Checks names and passwords. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    accounts: Accounts,
    passwords: Passwords,
    failures_of_names: Failures,
    failures_of_peers: Failures,
    enrolment: Option<Enrolment>,
}

impl Identity {
    /// Whether the address is this person's, primary or alias.
    #[must_use]
    pub fn owns(&self, address: &Address) -> bool {
        self.mailbox.address.same_mailbox(address)
            || self.aliases.iter().any(|alias| alias.same_mailbox(address))
    }
}

impl Authenticator {
    /// An authenticator over the book of accounts, with a throttle for each name and one for each peer.
    #[must_use]
    pub const fn new(
        accounts: Accounts,
        passwords: Passwords,
        failures_of_names: Failures,
        failures_of_peers: Failures,
    ) -> Self {
        Self { accounts, passwords, failures_of_names, failures_of_peers, enrolment: None }
    }

    /// The same, which asks the organisation's directory about staff that have no password here.
    #[must_use]
    pub fn with_directory(self, enrolment: Enrolment) -> Self {
        Self { enrolment: Some(enrolment), ..self }
    }

    /// Whether a directory says who is staff.
    #[must_use]
    pub const fn has_directory(&self) -> bool {
        self.enrolment.is_some()
    }

    /// Signs somebody in by one of the account's addresses, or by whatever the directory knows a person by, and notes it
    /// in the audit log. `kinds` says who is awaited: a submission port takes staff only, the web both. `face` is where,
    /// for the log: `smtp`, `web`.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &Secret,
        peer: IpAddr,
        kinds: &[Kind],
        face: &str,
    ) -> Verdict {
        let begun = Instant::now();
        let verdict = self.judge(name, password, peer, kinds).await;
        if verdict == Verdict::Refused && self.enrolment_of(kinds).is_some() {
            sleep_until(begun + REFUSED_AFTER).await;
        }
        match &verdict {
            Verdict::Known(identity) => {
                audit::record(&Event::SignedIn { address: &identity.mailbox.address, peer, face });
            }
            Verdict::Refused | Verdict::Throttled(_) => {
                audit::record(&Event::SignInFailed { name, peer, face });
            }
            Verdict::Unavailable => {}
        }
        verdict
    }

    /// How long an answer "wrong" to this peer is to be kept back: longer with each of its failures, a few seconds at
    /// most.
    #[must_use]
    pub fn hesitation(&self, peer: IpAddr) -> Duration {
        self.failures_of_peers.hesitation(&one_site(peer).to_string())
    }

    async fn judge(&self, name: &str, password: &Secret, peer: IpAddr, kinds: &[Kind]) -> Verdict {
        let (name, site) = (throttled_name(name), one_site(peer).to_string());
        if let Some(wait) = self.wait(&name, &site) {
            return Verdict::Throttled(wait);
        }
        let account = match self.account(&name) {
            Ok(account) => account,
            Err(fault) => {
                error!(%fault, "reading an account failed");
                return Verdict::Unavailable;
            }
        };
        let has_password_here = account.as_ref().is_some_and(|one| one.credential.password().is_some());
        if let Some(enrolment) = self.enrolment_of(kinds).filter(|_| !has_password_here) {
            return self.judge_by_directory(enrolment, &name, password, &site).await;
        }
        let account = account.filter(|account| kinds.contains(&account.kind) && !account.locked);
        let phc = account.as_ref().and_then(|account| account.credential.password());
        let is_right = match self.passwords.verify(password, phc).await {
            Ok(is_right) => is_right,
            Err(HashFault::Busy) => return Verdict::Unavailable,
            Err(HashFault::Failed(fault)) => {
                error!(fault, "checking a password failed");
                return Verdict::Unavailable;
            }
        };
        // Of guesses made side by side, only those count that come before the throttle closes.
        if let Some(wait) = self.wait(&name, &site) {
            return Verdict::Throttled(wait);
        }
        let Some(account) = account.filter(|_| is_right) else {
            self.failed([&name], &site);
            return Verdict::Refused;
        };
        self.failures_of_names.succeeded(&name);
        // Staff vouch for the network they sign in from. Guests do not: whoever was invited once could guess at others
        // and sign in between, to be forgiven.
        if account.kind == Kind::Staff {
            self.failures_of_peers.succeeded(&site);
        }
        Verdict::Known(Identity::from(account))
    }

    /// Somebody who is not known here by a password. All spellings of a name (`DOMAIN\\name`, an alias) count as one
    /// person once the directory has told who it is; a guess at somebody whose throttle is closed is refused without a
    /// try, for to say "wait" to a new spelling would say that there is such a person.
    async fn judge_by_directory(
        &self,
        enrolment: &Enrolment,
        name: &str,
        password: &Secret,
        site: &str,
    ) -> Verdict {
        let judged = async {
            let person = enrolment.find(name).await?;
            let key = person.as_ref().map_or_else(|| name.to_owned(), |person| person.address.key());
            let is_open = self.wait(&key, site).is_none();
            let account = enrolment.proven(person.as_ref().filter(|_| is_open), password).await?;
            Ok::<_, LookupFault>((key, account.filter(|account| !account.locked)))
        };
        let (key, account) = match judged.await {
            Ok(judged) => judged,
            Err(fault) => {
                error!(%fault, "a sign-in could not be checked");
                return Verdict::Unavailable;
            }
        };
        if let Some(wait) = self.wait(name, site) {
            return Verdict::Throttled(wait);
        }
        let Some(account) = account else {
            self.failed([name, &key], site);
            return Verdict::Refused;
        };
        self.failures_of_names.succeeded(name);
        self.failures_of_names.succeeded(&key);
        self.failures_of_peers.succeeded(site);
        Verdict::Known(Identity::from(account))
    }

    /// The staff member who owns this address, without a password: for listeners whose peer has authenticated its
    /// users. `None` for guests, and for accounts that are locked or barred.
    ///
    /// # Errors
    /// Where store or directory failed: a temporary failure, never "unknown".
    pub async fn lookup(&self, address: &Address) -> Result<Option<Identity>, LookupFault> {
        let account = self.accounts.by_address(address)?.map(|account| account.value);
        let account = match (account, &self.enrolment) {
            (Some(account), Some(enrolment)) if account.credential == Credential::Organisation => {
                enrolment.looked_up(account).await?
            }
            (None, Some(enrolment)) => enrolment.owner(address).await?,
            (account, _) => account,
        };
        Ok(account.filter(|account| account.kind == Kind::Staff && !account.locked).map(Identity::from))
    }

    /// Whether somebody may write from this address: it is one of the person's own, or the directory says that the
    /// person writes for whoever has it. It is asked each time, and only about addresses that are not the person's.
    ///
    /// # Errors
    /// Where store or directory failed.
    pub async fn may_write_as(&self, identity: &Identity, address: &Address) -> Result<bool, LookupFault> {
        if identity.owns(address) {
            return Ok(true);
        }
        let Some(enrolment) = &self.enrolment else { return Ok(false) };
        match self.accounts.by_id(identity.account)?.map(|account| account.value) {
            Some(account) if account.credential == Credential::Organisation => {
                enrolment.writes_for(&account, address).await
            }
            _ => Ok(false),
        }
    }

    /// Whether an address outside the organisation's domains is a colleague's all the same: accounts that are made here
    /// may have such ones, people in the directory do not.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn is_staff(&self, address: &Address) -> Result<bool, StoreFault> {
        let account = self.accounts.by_address(address)?;
        Ok(account.is_some_and(|account| account.value.kind == Kind::Staff && !account.value.locked))
    }

    /// How an address inside the organisation stands; no account is made. Where no directory can be asked, everybody may
    /// have one.
    ///
    /// # Errors
    /// Where store or directory failed.
    pub async fn colleague(&self, address: &Address) -> Result<Colleague, LookupFault> {
        let account = self.accounts.by_address(address)?.map(|account| account.value);
        if account.as_ref().is_some_and(|account| account.locked) {
            return Ok(Colleague::Locked);
        }
        let has_password_here = account.is_some_and(|account| account.credential.password().is_some());
        match self.enrolment.as_ref().filter(|_| !has_password_here) {
            Some(enrolment) if !enrolment.knows(address).await? => Ok(Colleague::Unknown),
            _ => Ok(Colleague::Free),
        }
    }

    /// Somebody who is signed in already, as the account is now; `None` once it is locked, barred or gone.
    ///
    /// # Errors
    /// Where store or directory failed.
    pub async fn again(&self, identity: &Identity) -> Result<Option<Identity>, LookupFault> {
        let account = self.accounts.by_id(identity.account)?.map(|account| account.value);
        let Some(account) = account.filter(|account| !account.locked) else { return Ok(None) };
        Ok(self.still(account).await?.map(Identity::from))
    }

    /// The account of somebody who is signed in already, as the directory has it now. It is asked at most once in
    /// `directory.recheck`; accounts that are made here stay as they are.
    ///
    /// # Errors
    /// Where store or directory failed.
    pub async fn still(&self, account: Account) -> Result<Option<Account>, LookupFault> {
        match &self.enrolment {
            Some(enrolment) if account.credential == Credential::Organisation => {
                enrolment.still(account).await
            }
            _ => Ok(Some(account)),
        }
    }

    /// The directory, where it is asked: about staff.
    fn enrolment_of(&self, kinds: &[Kind]) -> Option<&Enrolment> {
        self.enrolment.as_ref().filter(|_| kinds.contains(&Kind::Staff))
    }

    /// Counts a failure once for each name.
    fn failed<const N: usize>(&self, mut names: [&str; N], site: &str) {
        names.sort_unstable();
        let mut last = None;
        for name in names.into_iter().filter(|name| last.replace(*name) != Some(*name)) {
            self.failures_of_names.failed(name);
        }
        self.failures_of_peers.failed(site);
    }

    fn account(&self, name: &str) -> Result<Option<Account>, StoreFault> {
        let Ok(address) = Address::parse(name) else {
            return Ok(None);
        };
        Ok(self.accounts.by_address(&address)?.map(|account| account.value))
    }

    /// How long this name at this site must wait.
    fn wait(&self, name: &str, site: &str) -> Option<Duration> {
        self.failures_of_names.wait(name).max(self.failures_of_peers.wait(site))
    }
}

impl From<Account> for Identity {
    fn from(account: Account) -> Self {
        Self {
            account: account.id,
            kind: account.kind,
            mailbox: account.mailbox,
            aliases: account.aliases,
            rights: account.rights,
            credential: account.credential,
        }
    }
}

/// How long somebody must wait who has tried too often, in words.
#[must_use]
pub fn too_often(wait: Duration) -> Phrase {
    let (seconds, minutes) = (wait.as_secs(), wait.as_secs().div_ceil(60));
    match seconds {
        0 | 1 => phrase!("There were too many attempts. Please wait a second before you try again."),
        2..60 => phrase!(
            "There were too many attempts. Please wait {seconds} seconds before you try again.",
            seconds = seconds
        ),
        _ if minutes == 1 => {
            phrase!("There were too many attempts. Please wait a minute before you try again.")
        }
        _ => phrase!(
            "There were too many attempts. Please wait {minutes} minutes before you try again.",
            minutes = minutes
        ),
    }
}

/// One spelling for one name, whether or not there is such an account: an address can be written with quotes, with
/// escapes in them, and with its domain in several scripts.
fn throttled_name(name: &str) -> String {
    let name: String = without_domain(name).chars().take(NAME_MAX).collect();
    Address::parse(&name).map_or_else(|_| name.to_lowercase(), |address| address.key())
}

#[cfg(test)]
mod tests;
