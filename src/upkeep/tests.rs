//! What comes between the reading of an account and the writing of it.

use std::thread;

use tokio::runtime::Handle;

use crate::accounts::Rights;
use crate::base::address::Address;
use crate::base::clock::{ManualClock, Timestamp};
use crate::config::Settings;
use crate::template::{Shelf, Templates};

use super::*;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

async fn upkeep_with(credential: Credential) -> (Upkeep, AccountId, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let invite = "invite@corp.example".parse().unwrap();
    let web = "127.0.0.1:8443".parse().unwrap();
    let mut settings = Settings::in_directory(folder.path(), &[invite], web).unwrap();
    settings.storage.reserve = 0;
    let (store, spool) = Store::in_memory(&settings.storage).unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_521_600_000)));
    let queue = Queue::open(store.clone(), spool.clone(), clock.clone(), &settings.relay).unwrap();
    let shelf = Shelf::new(Templates::built_in());
    let (server, organisation) = (&settings.server, &settings.organisation);
    let parts = Parts {
        store: store.clone(),
        accounts: Accounts::new(store.clone()),
        passwords: Passwords::new(1),
        notices: Notices::new(
            queue.clone(),
            spool,
            shelf,
            clock.clone(),
            server,
            organisation,
            &settings.web,
        ),
        queue,
        clock: clock.clone(),
    };
    let account = Account {
        id: AccountId::fresh(),
        kind: Kind::Guest,
        mailbox: "kim@partner.example".parse::<Address>().unwrap().into(),
        aliases: Vec::new(),
        credential,
        rights: Rights::default(),
        locked: false,
        created: clock.now(),
        inviters: Vec::new(),
        language: None,
    };
    let mut batch = Batch::new();
    parts.accounts.insert(&mut batch, &account).unwrap();
    store.commit(batch).await.unwrap();
    let failures = Failures::new(clock, 3, 100);
    (Upkeep::new(parts, failures, "Harbour Ltd"), account.id, folder)
}

/// Changes the account while somebody else has read it already.
fn meanwhile(upkeep: &Upkeep, account: AccountId, changed: impl Fn(&Account) -> Account + Send + Sync) {
    let handle = Handle::current();
    let change = async { upkeep.change(account, Deed::Renamed, changed, PEER).await.unwrap() };
    thread::scope(|scope| scope.spawn(|| handle.block_on(change)).join().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_though_somebody_signs_in_meanwhile() {
    let present = Credential::Password("present".to_owned());
    let (upkeep, account, _folder) = upkeep_with(present.clone()).await;
    let rounds = std::sync::atomic::AtomicUsize::new(0);
    let begun = || {
        if rounds.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 {
            meanwhile(&upkeep, account, Account::clone);
        }
        Ok(Batch::new())
    };
    upkeep.set_password(begun, account, &present, "next".to_owned(), None, "person", PEER).await.unwrap();
    assert_eq!(upkeep.read(account).unwrap().value.credential, Credential::Password("next".to_owned()));
    assert_eq!(rounds.into_inner(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_somebody_has_changed_meanwhile_stays() {
    let present = Credential::Password("present".to_owned());
    let (upkeep, account, _folder) = upkeep_with(present.clone()).await;
    let begun = || {
        let other = Credential::Password("other".to_owned());
        meanwhile(&upkeep, account, |old| Account { credential: other.clone(), ..old.clone() });
        Ok(Batch::new())
    };
    let set = upkeep.set_password(begun, account, &present, "next".to_owned(), None, "person", PEER).await;
    assert!(matches!(set, Err(UpkeepFault::Over)), "{set:?}");
    assert_eq!(upkeep.read(account).unwrap().value.credential, Credential::Password("other".to_owned()));
}
