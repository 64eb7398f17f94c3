//! Each limit is told in words, before the octets where it can be known.

use super::*;

fn small() -> config::Dropoff {
    config::Dropoff {
        reserve: 0,
        file_octets: 100,
        files: 2,
        guest_octets: 150,
        guest_dropoffs: 2,
        guest_uploads: 2,
        recipients_max: 1,
        message_characters: 100,
        blocked_extensions: vec!["exe".to_owned()],
        ..config::Dropoff::default()
    }
}

#[tokio::test]
async fn what_is_written_is_checked_field_by_field() {
    let (house, kim) = (House::with(&small()), kim());
    house.enrol(&kim).await;
    let told = async |draft: Draft| house.dropoff.begin(&kim, &draft).await.unwrap_err().to_string();
    let ann = ["ann@corp.example"];
    assert_eq!(told(draft(&[])).await, "Please choose at least one person to send to.");
    assert_eq!(
        told(draft(&["ann@corp.example", "BEN@corp.example"])).await,
        "Please choose at most 1 people to send to."
    );
    assert_eq!(
        told(draft(&["eve@corp.example"])).await,
        "You cannot send to eve@corp.example. Please choose one of the people offered."
    );
    let subject = |subject: String| Draft { subject, ..draft(&ann) };
    assert_eq!(told(subject(" \u{202e}\n".to_owned())).await, "Please enter a subject.");
    assert!(told(subject("x".repeat(257))).await.contains("at most 256 characters"));
    let long = Draft { message: "x".repeat(101), ..draft(&ann) };
    assert!(told(long).await.contains("at most 100 characters for the message"));

    let package = house.dropoff.begin(&kim, &draft(&["ANN@corp.example", "ann@corp.example"])).await.unwrap();
    assert_eq!(package.recipients.len(), 1);
    house.dropoff.begin(&kim, &draft(&ann)).await.unwrap();
    assert!(told(draft(&ann)).await.contains("at most 2 drop-offs"));
    house.dropoff.discard(&kim, package.id).await.unwrap();
    house.dropoff.begin(&kim, &draft(&ann)).await.unwrap();
}

#[tokio::test]
async fn the_whole_organisation_can_be_open_to_guests() {
    let settings = config::Dropoff { recipients: config::Recipients::Organisation, ..small() };
    let (house, kim) = (House::with(&settings), kim());
    house.enrol(&kim).await;
    house.dropoff.begin(&kim, &draft(&["eve@corp.example"])).await.unwrap();
    let fault = house.dropoff.begin(&kim, &draft(&["eve@elsewhere.example"])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::NotARecipient(_)), "{fault}");
}

#[tokio::test]
async fn who_is_behind_the_last_that_may_be_written_to_is_not_looked_at() {
    let settings = config::Dropoff { recipients: config::Recipients::Organisation, ..small() };
    let (house, kim) = (House::with(&settings), kim());
    house.enrol(&kim).await;
    let to = ["ann@corp.example", "ben@corp.example", "eve@elsewhere.example"];
    let fault = house.dropoff.begin(&kim, &draft(&to)).await.unwrap_err();
    assert!(matches!(fault, DepositFault::TooManyRecipients(1)), "{fault}");
}

#[tokio::test]
async fn files_over_a_limit_are_refused_before_their_octets() {
    let (house, kim) = (House::with(&small()), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let add = async |name: &str, length| {
        house.dropoff.add(&kim, package.id, name, length).await.map_err(|fault| fault.to_string())
    };
    assert_eq!(
        add("setup.EXE", Some(1)).await.unwrap_err(),
        "Files whose names end in “.exe” are not accepted."
    );
    assert!(add("..", Some(1)).await.unwrap_err().contains("no name"));
    assert_eq!(add("a", Some(101)).await.unwrap_err(), "A file may have at most 100 octets.");
    let first = add("a", Some(90)).await.unwrap();
    assert_eq!(
        add("b", Some(90)).await.unwrap_err(),
        "You may have at most 150 octets here at once; 60 octets are left."
    );
    add("b", Some(60)).await.unwrap();
    assert_eq!(add("c", Some(0)).await.unwrap_err(), "One drop-off may have at most 2 files.");
    assert_eq!(house.dropoff.left_for(&kim).unwrap(), 0);

    house.dropoff.remove(&kim, first.id).await.unwrap();
    assert_eq!(house.dropoff.left_for(&kim).unwrap(), 90);
    let again = add("a", Some(90)).await.unwrap();
    assert_ne!(again.id, first.id, "a number is given once");
    let other = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let fault = house.dropoff.add(&kim, other.id, "d", None).await.unwrap_err();
    assert!(matches!(fault, DepositFault::TooManyUploads(2)), "{fault}");
    assert_eq!(house.blobs(), 2, "what was refused left nothing");
}

#[tokio::test]
async fn a_file_of_unknown_length_is_stopped_where_its_limit_is() {
    let (house, kim) = (House::with(&small()), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let fault = house.dropoff.take(&kim, package.id, "a", octets(&[&[1; 101]])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::FileTooLarge(100)), "{fault}");
    house.dropoff.take(&kim, package.id, "a", octets(&[&[1; 100]])).await.unwrap();
    let fault = house.dropoff.take(&kim, package.id, "b", octets(&[&[1; 51]])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::GuestFull { max: 150, left: 50 }), "{fault}");
    assert_eq!((house.blobs(), house.dropoff.left_for(&kim).unwrap()), (1, 50));
}

#[tokio::test]
async fn the_disk_keeps_its_reserve() {
    let (house, kim) = (House::with(&config::Dropoff { reserve: u64::MAX / 2, ..small() }), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let fault = house.dropoff.add(&kim, package.id, "a", Some(1)).await.unwrap_err();
    assert!(matches!(fault, DepositFault::DiskFull), "{fault}");
}
