//! Who asked goes away in the middle, as a browser does that closes its connection: nothing is left half done.

use futures_util::{FutureExt, StreamExt};
use tokio::sync::Notify;

use super::*;
use crate::packages::Usage;

const LONG: Duration = Duration::from_secs(30);

impl House {
    /// Everything that was begun, whoever began it, has come to its end.
    async fn is_at_rest(&self) {
        assert!(self.dropoff.parts.lifecycle.finished(LONG).await.is_empty());
        // Commits come one behind the other.
        self.enrol(&account(Kind::Guest, "Lee", &format!("{}@x.example", AccountId::fresh()), &[])).await;
    }

    /// Who asked goes at the first wait.
    async fn left<T>(&self, verb: impl Future<Output = T>) {
        assert!(verb.now_or_never().is_none(), "there was something to wait for");
        self.is_at_rest().await;
    }

    fn usage(&self, guest: &Account) -> Usage {
        self.dropoff.parts.packages.usage(guest.id).unwrap()
    }
}

#[tokio::test]
async fn what_is_taken_back_leaves_no_octets() {
    let (house, kim) = (House::open(), kim());
    let (package, file) = house.filled(&kim, b"the plan").await;
    house.upload(&kim, &package, "more.pdf", b"more").await;
    house.left(house.dropoff.remove(&kim, file.id)).await;
    assert_eq!((house.blobs(), house.usage(&kim).octets), (1, 4));
    house.left(house.dropoff.discard(&kim, package.id)).await;
    assert_eq!((house.blobs(), house.usage(&kim)), (0, Usage::default()));
}

#[tokio::test]
async fn what_the_last_has_deleted_leaves_no_octets() {
    let (house, kim, ann) = (House::open(), kim(), staff("ann"));
    let (package, _) = house.delivered(&kim, b"the plan").await;
    house.left(house.dropoff.delete(&ann, package.id, PEER)).await;
    assert!(house.dropoff.received_one(&ann, package.id).unwrap().is_none());
    assert_eq!((house.blobs(), house.usage(&kim).octets), (0, 0));
}

#[tokio::test]
async fn a_file_that_was_begun_for_nobody_goes() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    house.left(house.dropoff.add(&kim, package.id, "plan.pdf", Some(8))).await;
    assert_eq!((house.blobs(), house.usage(&kim).uploads), (0, 0));
}

#[tokio::test]
async fn a_form_that_breaks_off_leaves_nothing_of_its_file() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let taken = Arc::new(Notify::new());
    let told = Arc::clone(&taken);
    let silence = stream::once(async move {
        told.notify_one();
        std::future::pending().await
    });
    let form = octets(&[b"the "]).chain(silence);
    tokio::select! {
        took = house.dropoff.take(&kim, package.id, "plan.pdf", form) => panic!("{took:?}"),
        () = taken.notified() => {}
    }
    assert_eq!((house.blobs(), house.usage(&kim).uploads), (1, 1));
    house.is_at_rest().await;
    assert_eq!((house.blobs(), house.usage(&kim).uploads), (0, 0));
}

#[tokio::test]
async fn what_was_handed_over_is_known_to_the_scanner_at_once() {
    let settings = config::Dropoff {
        reserve: 0,
        scanner: Some(config::Scanner::Unix(PathBuf::from("/nowhere"))),
        ..config::Dropoff::default()
    };
    let (house, kim) = (House::with(&settings), kim());
    let (package, _) = house.filled(&kim, b"the plan").await;
    house.left(house.dropoff.hand_over(&kim, package.id, PEER)).await;
    assert!(house.dropoff.desk.handed_over.notified().now_or_never().is_some());
}
