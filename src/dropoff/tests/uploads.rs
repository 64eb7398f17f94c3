//! An offset that was told is on disk, whatever breaks off.

use std::task::Poll;

use futures_util::Stream;
use tokio::sync::oneshot;

use super::*;

/// A stream that brings these octets and then nothing, for ever; and the word that they were taken.
fn silent_behind(
    octets: &'static [u8],
) -> (impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>, oneshot::Receiver<()>) {
    let (taken, is_taken) = oneshot::channel();
    let mut taken = Some(taken);
    let mut first = Some(Bytes::from_static(octets));
    let silent = stream::poll_fn(move |_| {
        if let Some(octets) = first.take() {
            return Poll::Ready(Some(Ok(octets)));
        }
        // Who asks for more has taken the first.
        taken.take().map(|taken| taken.send(()));
        Poll::Pending
    });
    (silent, is_taken)
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.add(&kim, package.id, "plan.pdf", Some(10)).await.unwrap();
    let fault = house.dropoff.append(&kim, file.id, 0, None, broken(b"0123")).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Interrupted { at: 4 }), "{fault}");
    let fault = house.dropoff.append(&kim, file.id, 3, None, octets(&[b"x"])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Offset { at: 4 }), "{fault}");
    assert_eq!(house.dropoff.file(&kim, file.id).unwrap().unwrap().arrived(), 4);

    let file = house.dropoff.append(&kim, file.id, 4, None, octets(&[b"45", b"6789"])).await.unwrap();
    let digest = file.content.digest().unwrap();
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"0123456789");
    assert_eq!(digest.sha256, expected.as_ref());
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
    assert_eq!(house.picked_up(&staff("ann"), file.id).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let (mut house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.add(&kim, package.id, "plan.pdf", Some(10)).await.unwrap();
    house.dropoff.append(&kim, file.id, 0, None, octets(&[b"0123"])).await.unwrap();
    // A crash later: octets that were written and not promised, and a file that no record names.
    let blob = file.content.blob().unwrap();
    let path = house.folder.path().join(format!("blobs/{blob}.blob"));
    std::fs::write(&path, b"0123rubbish and more").unwrap();
    house.dropoff.parts.blobs.create().await.unwrap();
    house.reopen();

    assert_eq!(house.blobs(), 1);
    let file = house.dropoff.append(&kim, file.id, 4, None, octets(&[b"456789"])).await.unwrap();
    assert!(file.content.is_whole());
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"0123456789");
    assert_eq!(file.content.digest().unwrap().sha256, expected.as_ref());
    assert_eq!(std::fs::read(path).unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_length_may_be_said_later_and_only_once() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.add(&kim, package.id, "plan.pdf", None).await.unwrap();
    let file = house.dropoff.append(&kim, file.id, 0, None, octets(&[b"0123"])).await.unwrap();
    assert!(file.content.is_arriving());
    let fault = house.dropoff.append(&kim, file.id, 4, Some(3), octets(&[])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Length), "{fault}");
    let fault = house.dropoff.append(&kim, file.id, 4, Some(6), octets(&[b"4", b"567"])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Beyond), "{fault}");
    let fault = house.dropoff.append(&kim, file.id, 5, Some(7), octets(&[])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Length), "{fault}");
    let file = house.dropoff.append(&kim, file.id, 5, None, octets(&[b"5"])).await.unwrap();
    assert!(file.content.is_whole() && file.length == Some(6));
}

#[tokio::test]
async fn a_plain_form_brings_a_file_in_one_stream_or_nothing() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.take(&kim, package.id, "a.txt", octets(&[b"ab", b"c"])).await.unwrap();
    assert_eq!((file.content.is_whole(), file.length), (true, Some(3)));
    let fault = house.dropoff.take(&kim, package.id, "b.txt", broken(b"ab")).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Interrupted { .. }), "{fault}");
    assert_eq!(house.dropoff.parcel(&kim, package.id).unwrap().unwrap().files.len(), 1);
    assert_eq!(house.blobs(), 1);
    let usage = house.dropoff.parts.packages.usage(kim.id).unwrap();
    assert_eq!((usage.octets, usage.uploads, usage.packages), (3, 0, 1));
}

#[tokio::test]
async fn whoever_resumes_takes_the_place_of_a_dead_connection() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.add(&kim, package.id, "plan.pdf", Some(4)).await.unwrap();
    let (first, id) = (house.dropoff.clone(), file.id);
    let (silent, has_come) = silent_behind(b"01");
    let guest = kim.clone();
    let dead = tokio::spawn(async move { first.append(&guest, id, 0, None, silent).await });
    has_come.await.unwrap();

    let fault = house.dropoff.append(&kim, id, 0, None, octets(&[b"0123"])).await.unwrap_err();
    assert!(matches!(fault, DepositFault::Offset { at: 2 }), "{fault}");
    assert!(matches!(dead.await.unwrap(), Err(DepositFault::Interrupted { at: 2 })));
    assert!(house.dropoff.append(&kim, id, 2, None, octets(&[b"23"])).await.unwrap().content.is_whole());
}

#[tokio::test]
async fn a_silent_upload_is_cut_off_and_kept() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.add(&kim, package.id, "plan.pdf", Some(4)).await.unwrap();
    let (flow, guest) = (house.dropoff.clone(), kim.clone());
    let silent = futures_util::StreamExt::chain(octets(&[b"01"]), stream::pending());
    let silent = tokio::spawn(async move { flow.append(&guest, file.id, 0, None, silent).await });
    while !silent.is_finished() {
        house.clock.advance(Duration::from_mins(1));
        tokio::task::yield_now().await;
    }
    let fault = silent.await.unwrap().unwrap_err();
    assert!(matches!(fault, DepositFault::Interrupted { at } if at <= 2), "{fault}");
}

#[tokio::test]
async fn a_stop_keeps_what_has_arrived() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let file = house.dropoff.add(&kim, package.id, "plan.pdf", Some(4)).await.unwrap();
    let (silent, has_come) = silent_behind(b"01");
    let (flow, guest) = (house.dropoff.clone(), kim.clone());
    // Its caller is gone at once.
    let caller = tokio::spawn(async move { flow.append(&guest, file.id, 0, None, silent).await });
    has_come.await.unwrap();
    caller.abort();
    house.dropoff.parts.lifecycle.stop();
    assert!(house.dropoff.parts.lifecycle.finished(Duration::from_secs(10)).await.is_empty());
    assert_eq!(house.dropoff.file(&kim, file.id).unwrap().unwrap().arrived(), 2);
}

#[tokio::test]
async fn fifty_files_at_once_are_fifty_files() {
    let (house, kim) = (House::open(), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let mut uploads = tokio::task::JoinSet::new();
    for number in 0..50_usize {
        let (flow, guest, id) = (house.dropoff.clone(), kim.clone(), package.id);
        uploads.spawn(async move {
            let file = flow.add(&guest, id, &format!("{number}.bin"), Some(1000)).await.unwrap();
            flow.append(&guest, file.id, 0, None, octets(&[&[7; 1000]])).await.unwrap()
        });
    }
    let files = uploads.join_all().await;
    assert!(files.iter().all(|file| file.content.is_whole()));
    let usage = house.dropoff.parts.packages.usage(kim.id).unwrap();
    assert_eq!((usage.octets, usage.uploads), (50_000, 0));
    let fault = house.dropoff.add(&kim, package.id, "one more", Some(1)).await.unwrap_err();
    assert!(matches!(fault, DepositFault::TooManyFiles(50)), "{fault}");
}

/// `UPLOAD_MIB` each, 100 at once; and as a measure, the same octets written to as many plain files and synced.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures memory and time: run by tests/speed/uploads.sh"]
async fn a_hundred_uploads_at_once_take_little_memory() {
    const UPLOADS: u64 = 100;
    let mib: u64 = std::env::var("UPLOAD_MIB").map_or(8, |mib| mib.parse().unwrap());
    let settings =
        config::Dropoff { reserve: 0, files: 100, guest_octets: u64::MAX, ..config::Dropoff::default() };
    let (house, kim) = (House::with(&settings), kim());
    house.enrol(&kim).await;
    let package = house.dropoff.begin(&kim, &draft(&["ann@corp.example"])).await.unwrap();
    let piece = Bytes::from(vec![7; 16 * 1024]);
    let begun = std::time::Instant::now();
    let mut uploads = tokio::task::JoinSet::new();
    for number in 0..UPLOADS {
        let (flow, guest, id) = (house.dropoff.clone(), kim.clone(), package.id);
        let octets = stream::iter((0..mib * 64).map({
            let piece = piece.clone();
            move |_| Ok::<_, Infallible>(piece.clone())
        }));
        uploads.spawn(async move {
            let file = flow.add(&guest, id, &format!("{number}.bin"), Some(mib << 20)).await.unwrap();
            flow.append(&guest, file.id, 0, None, octets).await.unwrap()
        });
    }
    assert!(uploads.join_all().await.iter().all(|file| file.content.is_whole()));
    let ours = begun.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    let peak_kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();

    let begun = std::time::Instant::now();
    let folder = tempfile::tempdir_in(house.folder.path()).unwrap();
    let mut plain = tokio::task::JoinSet::new();
    for number in 0..UPLOADS {
        let (path, piece) = (folder.path().join(number.to_string()), piece.clone());
        plain.spawn_blocking(move || {
            let mut file = std::fs::File::create(path).unwrap();
            for _ in 0..mib * 64 {
                std::io::Write::write_all(&mut file, &piece).unwrap();
            }
            file.sync_data().unwrap();
        });
    }
    plain.join_all().await;
    eprintln!(
        "{UPLOADS} uploads of {mib} MiB: {ours:.1?} with SHA-256 and CRC-32, {:.1?} as plain files; peak {peak_kib} KiB",
        begun.elapsed()
    );
    assert!(peak_kib < 150 * 1024, "SPEC: under 150 MB");
}
