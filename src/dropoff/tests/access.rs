//! What was true of a guest when a request began may have ended while its body arrived.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;

use super::*;

impl House {
    /// The guest's account as it is changed by somebody else.
    async fn change(&self, guest: &Account, change: impl FnOnce(&mut Account)) {
        let accounts = &self.dropoff.parts.accounts;
        let old = accounts.by_id(guest.id).unwrap().unwrap();
        let mut new = old.value.clone();
        change(&mut new);
        let mut batch = Batch::new();
        accounts.replace(&mut batch, &old, &new).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    /// What is said to the same where files are begun and go on.
    async fn said_of_files(&self, guest: &Account, file: &File) -> [String; 2] {
        let more = self.dropoff.append(guest, file.id, 0, None, octets(&[b"more"])).await;
        [
            self.dropoff.add(guest, file.id.package, "more.pdf", Some(4)).await.unwrap_err().to_string(),
            more.unwrap_err().to_string(),
        ]
    }

    /// What is said to this guest, whose request began before, of each way to go on.
    async fn said(&self, guest: &Account, id: PackageId) -> [String; 3] {
        let to = draft(&["ann@corp.example"]);
        [
            self.dropoff.begin(guest, &to).await.unwrap_err().to_string(),
            self.dropoff.revise(guest, id, &to).await.unwrap_err().to_string(),
            self.dropoff.hand_over(guest, id, PEER).await.unwrap_err().to_string(),
        ]
    }
}

const ENDED: &str = "Your access here has ended or is locked. Please ask the person who invited you.";

#[tokio::test]
async fn who_was_locked_meanwhile_sends_nothing() {
    let (house, kim) = (House::open(), kim());
    let (package, _) = house.filled(&kim, b"the plan").await;
    let begun = house.dropoff.add(&kim, package.id, "more.pdf", Some(4)).await.unwrap();
    house.change(&kim, |kim| kim.locked = true).await;
    assert_eq!(house.said(&kim, package.id).await, [ENDED; 3]);
    assert_eq!(house.said_of_files(&kim, &begun).await, [ENDED; 2]);
    house.change(&kim, |kim| kim.locked = false).await;
    house.dropoff.append(&kim, begun.id, 0, None, octets(&[b"more"])).await.unwrap();
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
}

#[tokio::test]
async fn who_is_locked_while_a_file_arrives_fills_the_disk_no_further() {
    let (house, kim) = (House::open(), kim());
    let (package, _) = house.filled(&kim, b"the plan").await;
    let read = AtomicUsize::new(0);
    let pieces = stream::iter(0..9).then(async |number| {
        if number == 1 {
            house.change(&kim, |kim| kim.locked = true).await;
        }
        read.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Infallible>(Bytes::from(vec![0; 8 << 20]))
    });
    let fault = house.dropoff.take(&kim, package.id, "more.bin", pieces).await.unwrap_err();
    assert_eq!(fault.to_string(), ENDED);
    assert_eq!(read.load(Ordering::SeqCst), 4, "as much as is promised at once");
    assert_eq!(house.blobs(), 1);
}

#[tokio::test]
async fn whose_account_ended_meanwhile_sends_nothing() {
    let (house, kim) = (House::open(), kim());
    let (package, _) = house.filled(&kim, b"the plan").await;
    let begun = house.dropoff.add(&kim, package.id, "more.pdf", Some(4)).await.unwrap();
    let accounts = &house.dropoff.parts.accounts;
    let mut batch = Batch::new();
    accounts.remove(&mut batch, &accounts.by_id(kim.id).unwrap().unwrap()).unwrap();
    house.store.commit(batch).await.unwrap();
    assert_eq!(house.said(&kim, package.id).await, [ENDED; 3]);
    assert_eq!(house.said_of_files(&kim, &begun).await, [ENDED; 2]);
    assert!(house.mails().await.is_empty());
}

#[tokio::test]
async fn who_ended_the_access_meanwhile_gets_nothing() {
    let (house, kim) = (House::open(), kim());
    let (package, _) = house.filled(&kim, b"the plan").await;
    house
        .change(&kim, |kim| kim.inviters.retain(|inviter| inviter.address != address("ann@corp.example")))
        .await;
    let said = "You cannot send to ann@corp.example. Please choose one of the people offered.";
    assert_eq!(house.said(&kim, package.id).await, [said; 3]);
    house.dropoff.revise(&kim, package.id, &draft(&["ben@corp.example"])).await.unwrap();
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
}
