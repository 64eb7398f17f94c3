//! From the guest to the staff, and to the end.

use super::*;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_package_arrives_with_its_notices_and_is_picked_up() {
    let (house, kim, ann) = (House::open(), kim(), staff("ann"));
    house.invited("ann@corp.example", "kim@partner.example").await;
    let (package, file) = house.filled(&kim, b"the plan").await;
    assert!(house.dropoff.received(&ann, None, 10).unwrap().is_empty(), "not before it is handed over");
    assert!(house.picked_up(&ann, file.id).await.is_err());
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();

    let mails = house.mails().await;
    assert_eq!(
        mails.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(),
        ["ann@corp.example", "kim@partner.example"]
    );
    assert_eq!(subject(&mails[0].1), "Kim Roe has left a file for you: Drawings");
    assert_eq!(subject(&mails[1].1), "Your file has been delivered: Drawings");
    let mail = mailparse::parse_mail(&mails[0].1).unwrap();
    assert_eq!(mail.headers.get_first_value("In-Reply-To").unwrap(), "<m1@corp.example>");
    let told = text(&mails[0].1);
    let sha256 = file.content.digest().unwrap().hex();
    for part in ["Here they are.", "plan.pdf, 8 octets", &sha256, "for 30 days"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains(&format!("\nhttps://gate.corp.example/received/{}\n", package.id)), "{told}");

    let [parcel] = house.dropoff.received(&ann, None, 10).unwrap().try_into().unwrap();
    assert_eq!(parcel.package.value.sender, kim.mailbox);
    assert_eq!(house.picked_up(&ann, file.id).await.unwrap(), b"the plan");
    let [parcel] = house.dropoff.sent(&kim, None, 10).unwrap().try_into().unwrap();
    let recipient = &parcel.package.value.recipients[0];
    assert_eq!(parcel.files[0].value.picked_up_by(recipient), Some(house.clock.now()));
    // Again changes nothing.
    house.clock.advance(DAY);
    house.picked_up(&ann, file.id).await.unwrap();
    assert_eq!(house.dropoff.file(&kim, file.id).unwrap().unwrap().picked_up.len(), 1);
}

#[tokio::test]
async fn looking_and_going_on_pick_nothing_up() {
    let (house, kim, ann) = (House::open(), kim(), staff("ann"));
    let (package, file) = house.delivered(&kim, b"the plan").await;
    house.dropoff.received_one(&ann, package.id).unwrap().unwrap();
    house.dropoff.archive(&ann, package.id).unwrap();
    let rest = house.dropoff.pick_up(&ann, file.id, Some(4..8), PEER).await.unwrap();
    assert_eq!((rest.range, rest.length), (4..8, 8));
    let fault = house.dropoff.pick_up(&ann, file.id, Some(4..9), PEER).await.unwrap_err();
    assert!(matches!(fault, CollectFault::Range(8)), "{fault}");
    assert!(house.dropoff.file(&kim, file.id).unwrap().unwrap().picked_up.is_empty());
    let archive = house.dropoff.pick_up_all(&ann, package.id, PEER).await.unwrap();
    assert_eq!(archive.name.as_str(), "Drawings.zip");
    assert_eq!(house.dropoff.file(&kim, file.id).unwrap().unwrap().picked_up.len(), 1);
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_there() {
    let (house, kim, eve) = (House::open(), kim(), staff("eve"));
    let mut lee = super::kim();
    lee.mailbox = address("lee@partner.example").into();
    house.enrol(&lee).await;
    let (package, file) = house.filled(&kim, b"the plan").await;
    assert!(house.dropoff.parcel(&lee, package.id).unwrap().is_none());
    assert!(house.dropoff.file(&lee, file.id).unwrap().is_none());
    assert!(house.dropoff.sent(&lee, None, 10).unwrap().is_empty());
    let strange = PackageId::fresh();
    for id in [package.id, strange] {
        let number = FileRef { package: id, number: 0 };
        let told = [
            house.dropoff.add(&lee, id, "a", Some(1)).await.unwrap_err(),
            house.dropoff.append(&lee, number, 0, None, octets(&[b"x"])).await.unwrap_err(),
            house.dropoff.revise(&lee, id, &draft(&["ann@corp.example"])).await.unwrap_err(),
            house.dropoff.remove(&lee, number).await.unwrap_err(),
            house.dropoff.hand_over(&lee, id, PEER).await.unwrap_err(),
            house.dropoff.discard(&lee, id).await.unwrap_err(),
        ];
        assert!(told.iter().all(|fault| matches!(fault, DepositFault::NotThere)), "{told:?}");
    }
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
    for id in [package.id, strange] {
        assert!(house.dropoff.received_one(&eve, id).unwrap().is_none());
        let told = [
            house.picked_up(&eve, FileRef { package: id, number: 0 }).await.unwrap_err(),
            house.dropoff.archive(&eve, id).unwrap_err(),
            house.dropoff.delete(&eve, id, PEER).await.unwrap_err(),
            house.dropoff.forward(&eve, id, &address("eve@corp.example"), PEER).await.unwrap_err(),
        ];
        assert!(told.iter().all(|fault| matches!(fault, CollectFault::NotThere)), "{told:?}");
    }
    // Nor does the guest change what was handed over.
    let fault = house.dropoff.remove(&kim, file.id).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Closed), "{fault}");
}

#[tokio::test]
async fn nothing_is_handed_over_that_is_not_whole() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let fault = house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap_err();
    assert!(matches!(fault, DepositFault::NoFiles), "{fault}");
    house.dropoff.add(&kim, package.id, "plan.pdf", Some(9)).await.unwrap();
    let fault = house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap_err();
    assert_eq!(fault.to_string(), "“plan.pdf” has not arrived whole yet. Please wait for it, or remove it.");
    assert!(house.mails().await.is_empty());
}

#[tokio::test]
async fn the_octets_go_with_the_last_copy() {
    let (house, kim, ann, ben) = (House::open(), kim(), staff("ann"), staff("ben"));
    let (package, file) = house.delivered(&kim, b"the plan").await;
    house.mails().await;
    house.dropoff.forward(&ann, package.id, &ben.mailbox.address, PEER).await.unwrap();
    let [(to, mail)] = house.mails().await.try_into().unwrap();
    assert_eq!(to, "ben@corp.example");
    assert_eq!(subject(&mail), "ann has forwarded a file from Kim Roe: Drawings");
    let fault = house.dropoff.forward(&ann, package.id, &ben.mailbox.address, PEER).await.unwrap_err();
    assert!(matches!(fault, CollectFault::HasIt(_)), "{fault}");
    let outside = address("eve@elsewhere.example");
    let fault = house.dropoff.forward(&ann, package.id, &outside, PEER).await.unwrap_err();
    assert!(matches!(fault, CollectFault::NotAColleague(_)), "{fault}");

    house.dropoff.delete(&ann, package.id, PEER).await.unwrap();
    assert!(house.dropoff.received(&ann, None, 10).unwrap().is_empty());
    assert_eq!(house.picked_up(&ben, file.id).await.unwrap(), b"the plan");
    house.dropoff.delete(&ben, package.id, PEER).await.unwrap();
    assert_eq!((house.blobs(), house.dropoff.left_for(&kim).unwrap()), (0, 10 << 30));
    let [parcel] = house.dropoff.sent(&kim, None, 10).unwrap().try_into().unwrap();
    assert_eq!(parcel.files[0].value.picked_up.len(), 1, "the guest still sees what became of it");
}

#[tokio::test]
async fn who_has_deleted_it_gets_it_back_as_it_was_theirs() {
    let (house, kim, ann, ben) = (House::open(), kim(), staff("ann"), staff("ben"));
    let (package, file) = house.delivered(&kim, b"the plan").await;
    house.dropoff.forward(&ann, package.id, &ben.mailbox.address, PEER).await.unwrap();
    house.dropoff.delete(&ann, package.id, PEER).await.unwrap();
    house.mails().await;
    let again = house.dropoff.forward(&ben, package.id, &ann.mailbox.address, PEER).await.unwrap();
    let of = |recipient: &crate::packages::Recipient| {
        let by = recipient.forwarded_by.as_ref().map(|by| by.address.to_string());
        (recipient.mailbox.address.to_string(), by)
    };
    assert_eq!(
        again.recipients.iter().map(of).collect::<Vec<_>>(),
        [
            ("ann@corp.example".to_owned(), None),
            ("ben@corp.example".to_owned(), Some("ann@corp.example".to_owned()))
        ]
    );
    assert_eq!(house.picked_up(&ann, file.id).await.unwrap(), b"the plan");
    let [(to, mail)] = house.mails().await.try_into().unwrap();
    assert_eq!(to, "ann@corp.example");
    assert_eq!(subject(&mail), "ben has forwarded a file from Kim Roe: Drawings");
}

#[tokio::test]
async fn who_has_not_picked_up_is_warned_and_then_it_ends() {
    let (house, mut kim) = (House::open(), kim());
    kim.inviters.truncate(2);
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example", "ben@corp.example"])).await.unwrap();
    let file = house.upload(&kim, &package, "plan.pdf", b"the plan").await;
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
    house.picked_up(&staff("ann"), file.id).await.unwrap();
    house.mails().await;

    house.clock.advance(DAY * 26);
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(0));
    house.clock.advance(DAY);
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(1));
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(0));
    let [(to, mail)] = house.mails().await.try_into().unwrap();
    assert_eq!(
        (to.as_str(), subject(&mail).as_str()),
        ("ben@corp.example", "In 3 days files from Kim Roe will be deleted: Drawings")
    );

    house.clock.advance(DAY * 3);
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(1));
    assert!(house.dropoff.received(&staff("ben"), None, 10).unwrap().is_empty());
    assert!(house.dropoff.sent(&kim, None, 10).unwrap().is_empty());
    assert_eq!((house.blobs(), house.mails().await.len()), (0, 0));
    assert_eq!(house.dropoff.parts.packages.usage(kim.id).unwrap(), crate::packages::Usage::default());
}

#[tokio::test]
async fn what_is_never_handed_over_ends_a_day_after_it_was_worked_on() {
    let (house, kim) = (House::open(), kim());
    let (package, _) = house.filled(&kim, b"the plan").await;
    house.clock.advance(Duration::from_hours(23));
    house.upload(&kim, &package, "more.pdf", b"more").await;
    house.clock.advance(Duration::from_hours(23));
    house.dropoff.go_round().await.unwrap();
    assert!(house.dropoff.parcel(&kim, package.id).unwrap().is_some());
    house.clock.advance(Duration::from_hours(1));
    house.dropoff.go_round().await.unwrap();
    assert!(house.dropoff.parcel(&kim, package.id).unwrap().is_none());
    assert_eq!(house.blobs(), 0);
}

#[tokio::test]
async fn a_guest_who_leaves_takes_along_what_was_not_delivered() {
    let (house, kim, ann) = (House::open(), kim(), staff("ann"));
    let (open, _) = house.filled(&kim, b"open").await;
    let (delivered, file) = house.delivered(&kim, b"delivered").await;
    let accounts = Accounts::new(house.store.clone());
    let mut batch = Batch::new();
    accounts.remove(&mut batch, &accounts.by_id(kim.id).unwrap().unwrap()).unwrap();
    house.store.commit(batch).await.unwrap();
    house.dropoff.go_round().await.unwrap();
    assert!(house.dropoff.parcel(&kim, open.id).unwrap().is_none());
    assert_eq!(house.picked_up(&ann, file.id).await.unwrap(), b"delivered");
    assert_eq!(house.dropoff.received_one(&ann, delivered.id).unwrap().unwrap().files.len(), 1);
    assert_eq!(house.blobs(), 1);
}

#[tokio::test]
async fn small_files_travel_with_the_notice() {
    let settings = config::Dropoff { reserve: 0, attach: Some(8), ..config::Dropoff::default() };
    let (house, kim) = (House::with(&settings), kim());
    house.delivered(&kim, b"the plan").await;
    let mails = house.mails().await;
    let mail = mailparse::parse_mail(&mails[0].1).unwrap();
    assert_eq!(mail.ctype.mimetype, "multipart/mixed");
    assert_eq!(mail.subparts[1].get_body_raw().unwrap(), b"the plan");
    assert_eq!(mail.subparts[1].get_content_disposition().params["filename"], "plan.pdf");
    assert!(text(&mails[0].1).contains("The files are attached"));
    house.delivered(&kim, b"the plans").await;
    let mails = house.mails().await;
    assert_eq!(mailparse::parse_mail(&mails[0].1).unwrap().ctype.mimetype, "multipart/alternative");
}

#[tokio::test]
async fn lists_go_on_page_by_page_the_newest_first() {
    let (house, kim, mut ann) = (House::open(), kim(), staff("ann"));
    ann.aliases.push(address("ben@corp.example"));
    house.enrol(&kim).await;
    let mut all = Vec::new();
    for number in 0..7 {
        let to = if number % 2 == 0 { "ann@corp.example" } else { "ben@corp.example" };
        let package = house.dropoff.begin(&kim, &draft(&[to])).await.unwrap();
        house.upload(&kim, &package, "plan.pdf", b"x").await;
        house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
        all.insert(0, package.id);
    }
    let ids = |page: Vec<Parcel>| page.into_iter().map(|parcel| parcel.package.value.id).collect::<Vec<_>>();
    assert_eq!(ids(house.dropoff.received(&ann, None, 3).unwrap()), all[..3]);
    assert_eq!(ids(house.dropoff.received(&ann, Some(all[2]), 9).unwrap()), all[3..]);
    assert_eq!(ids(house.dropoff.sent(&kim, Some(all[4]), 9).unwrap()), all[5..]);
}
