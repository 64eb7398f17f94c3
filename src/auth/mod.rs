//! Who somebody is.
//!
//! One promise above all: whether an account exists, is locked, stands on the other side of the gate, or the password
//! was wrong, is not to be told from outside, neither by the answer nor by the time it takes.

mod argon2id;
pub mod password;
#[cfg(feature = "saml")]
pub mod saml;

use std::net::IpAddr;
use std::time::Duration;

use tracing::error;

use crate::accounts::{Account, Accounts, Kind, Rights};
use crate::audit::{self, Event};
use crate::auth::password::{HashFault, Passwords};
use crate::base::address::Address;
use crate::base::id::AccountId;
use crate::base::mailbox::Mailbox;
use crate::base::secret::Secret;
use crate::net::throttle::{Failures, one_site};
use crate::store::StoreFault;

/// Characters of a name that are remembered when a sign-in fails: the longest address (RFC 5321 §4.5.3.1.3).
const NAME_MAX: usize = 256;

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

/// Checks names and passwords. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    accounts: Accounts,
    passwords: Passwords,
    failures_of_names: Failures,
    failures_of_peers: Failures,
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
        Self { accounts, passwords, failures_of_names, failures_of_peers }
    }

    /// Signs somebody in by one of the account's addresses, and notes it in the audit log. `kinds` says who is awaited: a
    /// submission port takes staff only, the web both. `face` is where, for the log: `smtp`, `web`.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &Secret,
        peer: IpAddr,
        kinds: &[Kind],
        face: &str,
    ) -> Verdict {
        let verdict = self.judge(name, password, peer, kinds).await;
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

    async fn judge(&self, name: &str, password: &Secret, peer: IpAddr, kinds: &[Kind]) -> Verdict {
        let (name, site) = (throttled_name(name), one_site(peer).to_string());
        if let Some(wait) = self.wait(&name, &site) {
            return Verdict::Throttled(wait);
        }
        let account = match self.account(&name) {
            Ok(account) => account.filter(|account| kinds.contains(&account.kind) && !account.locked),
            Err(fault) => {
                error!(%fault, "reading an account failed");
                return Verdict::Unavailable;
            }
        };
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
            self.failures_of_names.failed(&name);
            self.failures_of_peers.failed(&site);
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

    /// The staff member who owns this address, without a password: for listeners whose peer has authenticated its
    /// users. `None` for guests and for accounts that are locked.
    ///
    /// # Errors
    /// Where the store failed: a temporary failure, never "unknown".
    pub fn lookup(&self, address: &Address) -> Result<Option<Identity>, StoreFault> {
        let account = self.accounts.by_address(address)?.map(|account| account.value);
        Ok(account.filter(|account| account.kind == Kind::Staff && !account.locked).map(Identity::from))
    }

    /// Somebody who is signed in already, as the account is now; `None` once it is locked or gone.
    ///
    /// # Errors
    /// Where the store failed.
    pub fn again(&self, identity: &Identity) -> Result<Option<Identity>, StoreFault> {
        let account = self.accounts.by_id(identity.account)?.map(|account| account.value);
        Ok(account.filter(|account| !account.locked).map(Identity::from))
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
        }
    }
}

/// One spelling for one name, whether or not there is such an account: an address can be written with quotes, with
/// escapes in them, and with its domain in several scripts.
fn throttled_name(name: &str) -> String {
    let name: String = name.trim().chars().take(NAME_MAX).collect();
    Address::parse(&name).map_or_else(|_| name.to_lowercase(), |address| address.key())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::accounts::Credential;
    use crate::base::clock::{ManualClock, Timestamp};
    use crate::config::Storage;
    use crate::store::{Batch, Store};

    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const PASSWORD: &str = "violet tractor seven";
    /// Failures without a wait.
    const FREE: u32 = 3;

    struct Door {
        authenticator: Authenticator,
        clock: Arc<ManualClock>,
        _folder: tempfile::TempDir,
    }

    impl Door {
        /// Known are ann (staff, with an alias), lee (staff, locked) and kim (a guest), all with the same password.
        async fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let storage = Storage { reserve: 0, ..Storage::in_directory(folder.path().to_owned()) };
            let (store, _spool) = Store::in_memory(&storage).unwrap();
            let accounts = Accounts::new(store.clone());
            let passwords = Passwords::new(2);
            let hash = passwords.hash(&Secret::new(PASSWORD)).await.unwrap();
            let mut batch = Batch::new();
            for (address, kind, locked) in [
                ("ann@corp.example", Kind::Staff, false),
                ("lee@corp.example", Kind::Staff, true),
                ("kim@partner.example", Kind::Guest, false),
            ] {
                let account = Account {
                    id: AccountId::fresh(),
                    kind,
                    mailbox: Address::parse(address).unwrap().into(),
                    aliases: vec![Address::parse(&format!("a.{address}")).unwrap()],
                    credential: Credential::Password(hash.clone()),
                    rights: Rights::of_staff(true),
                    locked,
                    created: Timestamp::from_millis(0),
                    inviters: Vec::new(),
                };
                accounts.insert(&mut batch, &account).unwrap();
            }
            store.commit(batch).await.unwrap();
            let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
            let throttle = |free| Failures::new(clock.clone(), free, 100);
            let authenticator = Authenticator::new(accounts, passwords, throttle(FREE), throttle(4 * FREE));
            Self { authenticator, clock, _folder: folder }
        }

        async fn try_as(&self, name: &str, password: &str, kind: Kind) -> Verdict {
            self.authenticator.sign_in(name, &Secret::new(password), PEER, &[kind], "smtp").await
        }
    }

    #[tokio::test]
    async fn whoever_knows_the_password_comes_in_by_the_right_door() {
        let door = Door::open().await;
        for name in ["ann@corp.example", "ANN@corp.example", " a.ann@corp.example"] {
            let Verdict::Known(identity) = door.try_as(name, PASSWORD, Kind::Staff).await else {
                panic!("{name}");
            };
            assert!(identity.owns(&Address::parse("Ann@corp.example").unwrap()));
            assert!(identity.owns(&Address::parse("a.ann@corp.example").unwrap()));
            assert!(!identity.owns(&Address::parse("lee@corp.example").unwrap()));
        }
        assert!(matches!(door.try_as("kim@partner.example", PASSWORD, Kind::Guest).await, Verdict::Known(_)));
    }

    #[tokio::test]
    async fn unknown_wrong_locked_and_the_wrong_door_are_one_answer_and_one_throttle() {
        for (name, password) in [
            ("nobody@corp.example", PASSWORD),
            ("not an address", PASSWORD),
            ("ann@corp.example", "wrong"),
            ("lee@corp.example", PASSWORD),
            ("kim@partner.example", PASSWORD),
        ] {
            let door = Door::open().await;
            for _ in 0..=FREE {
                assert_eq!(door.try_as(name, password, Kind::Staff).await, Verdict::Refused, "{name}");
            }
            let Verdict::Throttled(wait) = door.try_as(name, password, Kind::Staff).await else {
                panic!("{name}");
            };
            door.clock.advance(wait);
            assert_eq!(door.try_as(name, password, Kind::Staff).await, Verdict::Refused, "{name}");
        }
    }

    #[tokio::test]
    async fn the_right_password_waits_too_and_then_clears_the_throttle() {
        let door = Door::open().await;
        for _ in 0..=FREE {
            door.try_as("ann@corp.example", "wrong", Kind::Staff).await;
        }
        let Verdict::Throttled(wait) = door.try_as("ann@corp.example", PASSWORD, Kind::Staff).await else {
            panic!("not throttled");
        };
        door.clock.advance(wait);
        assert!(matches!(door.try_as("ann@corp.example", PASSWORD, Kind::Staff).await, Verdict::Known(_)));
        for _ in 0..FREE {
            assert_eq!(door.try_as("ann@corp.example", "wrong", Kind::Staff).await, Verdict::Refused);
        }
    }

    #[tokio::test]
    async fn no_other_spelling_of_a_name_is_a_fresh_start() {
        let door = Door::open().await;
        let spellings = [
            "kim@partner.example",
            "\"kim\"@partner.example",
            "\"\\kim\"@partner.example",
            " \"K\\im\"@PARTNER.example ",
            "kim@\u{ff50}artner.example",
        ];
        for spelling in spellings.iter().take(4) {
            assert_eq!(door.try_as(spelling, "wrong", Kind::Guest).await, Verdict::Refused, "{spelling}");
        }
        for spelling in spellings {
            let verdict = door.try_as(spelling, PASSWORD, Kind::Guest).await;
            assert!(matches!(verdict, Verdict::Throttled(_)), "{spelling}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_tries_many_names_is_throttled_and_no_guest_is_its_excuse() {
        let door = Door::open().await;
        for number in 0..=4 * FREE {
            let name = format!("name{number}@corp.example");
            assert_eq!(door.try_as(&name, "wrong", Kind::Guest).await, Verdict::Refused);
            if number % 4 == 0 {
                door.try_as("kim@partner.example", PASSWORD, Kind::Guest).await;
            }
        }
        assert!(matches!(door.try_as("new@corp.example", "wrong", Kind::Guest).await, Verdict::Throttled(_)));
        let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        let secret = Secret::new("wrong");
        let verdict =
            door.authenticator.sign_in("new@corp.example", &secret, elsewhere, &[Kind::Guest], "web").await;
        assert_eq!(verdict, Verdict::Refused);
    }

    #[tokio::test]
    async fn of_guesses_made_side_by_side_few_are_answered() {
        let door = Door::open().await;
        let guesses = (0..12).map(|_| door.try_as("ann@corp.example", "wrong", Kind::Staff));
        let verdicts = futures_util::future::join_all(guesses).await;
        let refused = verdicts.iter().filter(|verdict| **verdict == Verdict::Refused).count();
        assert_eq!(refused, usize::try_from(FREE + 1).unwrap());
    }

    #[tokio::test]
    async fn a_trusted_server_may_speak_for_staff_only() {
        let door = Door::open().await;
        let lookup = |text: &str| door.authenticator.lookup(&Address::parse(text).unwrap()).unwrap();
        assert!(lookup("a.ANN@corp.example").is_some_and(|identity| identity.rights.invite));
        assert!(lookup("lee@corp.example").is_none());
        assert!(lookup("kim@partner.example").is_none());
        assert!(lookup("nobody@corp.example").is_none());
    }

    #[test]
    fn an_ipv6_host_is_one_peer_whatever_address_it_picks() {
        let site = |text: &str| one_site(text.parse().unwrap()).to_string();
        assert_eq!(site("2001:db8:1:2:3::4"), site("2001:db8:1:2:ffff::"));
        assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:1:3::1"));
        assert_eq!(site("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
