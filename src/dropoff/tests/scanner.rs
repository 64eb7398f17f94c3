//! With a scanner: nothing is seen before it has spoken.

use std::path::Path;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::*;

const FAILED: &str = "stream: Can't allocate memory ERROR\0";
const QUARTER: Duration = Duration::from_mins(15);

/// How a clamd is.
#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Well,
    /// It answers nothing.
    Silent,
    /// It fails about everything.
    Sick,
}

/// A clamd that finds one word, fails at another, is sick after a third, and takes at most 1 MiB.
fn clamd(socket: &Path, mood: &Arc<Mutex<Mood>>) {
    let (listener, mood) = (UnixListener::bind(socket).unwrap(), Arc::clone(mood));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut command = [0; 10];
            client.read_exact(&mut command).await.unwrap();
            assert_eq!(&command, b"zINSTREAM\0");
            let mut file = Vec::new();
            let mut answer = None;
            loop {
                let len = client.read_u32().await.unwrap();
                if len == 0 {
                    break;
                }
                let mut piece = vec![0; usize::try_from(len).unwrap()];
                client.read_exact(&mut piece).await.unwrap();
                file.extend(piece);
                if file.len() > 1 << 20 {
                    answer = Some("INSTREAM size limit exceeded. ERROR\0");
                    break;
                }
            }
            let has = |bad: &[u8]| file.windows(bad.len()).any(|word| word == bad);
            let answer = answer.unwrap_or(match () {
                () if has(b"EICAR") => "stream: Eicar-Test FOUND\0",
                () if has(b"KNOT") => FAILED,
                () => "stream: OK\0",
            });
            if has(b"BANE") {
                *mood.lock().unwrap() = Mood::Sick;
            }
            let mood = *mood.lock().unwrap();
            match mood {
                Mood::Well => client.write_all(answer.as_bytes()).await.unwrap(),
                Mood::Silent => {}
                Mood::Sick => client.write_all(FAILED.as_bytes()).await.unwrap(),
            }
        }
    });
}

/// A house whose scanner is to listen on this socket.
fn house(folder: &TempDir) -> (House, PathBuf) {
    let socket = folder.path().join("clamd");
    let scanner = Some(config::Scanner::Unix(socket.clone()));
    (House::with(&config::Dropoff { reserve: 0, scanner, ..config::Dropoff::default() }), socket)
}

#[tokio::test]
async fn what_is_infected_is_kept_from_everyone_and_told_to_both() {
    let folder = tempfile::tempdir().unwrap();
    let ((house, socket), kim, ann) = (house(&folder), kim(), staff("ann"));
    clamd(&socket, &Arc::default());
    let (package, clean) = house.filled(&kim, b"the plan").await;
    let bad = house.upload(&kim, &package, "invoice.doc", b"..EICAR..").await;
    let large = house.upload(&kim, &package, "large.bin", &vec![0; 3 << 20]).await;
    let handed_over = house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
    assert!(!handed_over.is_open() && !handed_over.is_delivered());
    assert!(house.dropoff.received(&ann, None, 10).unwrap().is_empty());
    assert!(house.picked_up(&ann, clean.id).await.is_err() && house.mails().await.is_empty());

    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(1));
    assert_eq!(house.picked_up(&ann, clean.id).await.unwrap(), b"the plan");
    for withheld in [bad.id, large.id] {
        assert!(matches!(house.picked_up(&ann, withheld).await.unwrap_err(), CollectFault::NotThere));
    }
    assert_eq!((house.blobs(), house.dropoff.parts.packages.usage(kim.id).unwrap().octets), (1, 8));
    let mails = house.mails().await;
    assert_eq!(subject(&mails[0].1), "Kim Roe has left a file for you: Drawings");
    for (to, mail) in &mails {
        let told = text(mail);
        assert!(told.contains("invoice.doc, 9 octets: Eicar-Test"), "{to}: {told}");
        assert!(told.contains("large.bin, 3 MiB: too large for the virus scanner"), "{to}: {told}");
    }
}

#[tokio::test]
async fn nothing_passes_while_the_scanner_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let ((mut house, socket), kim, ann) = (house(&folder), kim(), staff("ann"));
    let (package, file) = house.filled(&kim, b"the plan").await;
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
    assert_eq!(house.dropoff.go_round().await.unwrap(), None, "nobody listens");
    let mood = Arc::new(Mutex::new(Mood::Silent));
    clamd(&socket, &mood);
    assert_eq!(house.dropoff.go_round().await.unwrap(), None, "nothing is said");
    assert!(house.picked_up(&ann, file.id).await.is_err());

    // Also a restart forgets nothing.
    house.reopen();
    *mood.lock().unwrap() = Mood::Well;
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(1));
    assert_eq!(house.picked_up(&ann, file.id).await.unwrap(), b"the plan");
}

#[tokio::test]
async fn a_file_that_cannot_be_judged_holds_nobody_else_up_and_is_kept_back_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let ((mut house, socket), kim, ann) = (house(&folder), kim(), staff("ann"));
    clamd(&socket, &Arc::default());
    let (first, clean) = house.filled(&kim, b"the plan").await;
    let knot = house.upload(&kim, &first, "knot.bin", b"..KNOT..").await;
    house.dropoff.hand_over(&kim, first.id, PEER).await.unwrap();
    let (second, other) = house.filled(&kim, b"more").await;
    house.dropoff.hand_over(&kim, second.id, PEER).await.unwrap();
    assert_eq!(house.dropoff.go_round().await.unwrap(), None, "one still waits");
    assert_eq!(house.picked_up(&ann, other.id).await.unwrap(), b"more");
    assert!(house.picked_up(&ann, clean.id).await.is_err());
    house.mails().await;

    // Not before it was asked again for a while, of which a restart forgets nothing.
    let mut waited = Duration::ZERO;
    while house.dropoff.go_round().await.unwrap().is_none() {
        house.clock.advance(QUARTER);
        waited += QUARTER;
        if waited == Duration::from_hours(2) {
            house.reopen();
        }
        assert!(waited < Duration::from_hours(8), "it waits for ever");
    }
    assert!(waited >= Duration::from_hours(4), "{waited:?}");
    assert_eq!(house.picked_up(&ann, clean.id).await.unwrap(), b"the plan");
    assert!(house.picked_up(&ann, knot.id).await.is_err());
    assert_eq!(house.blobs(), 2);
    for (to, mail) in house.mails().await {
        let told = text(&mail);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("knot.bin, 8 octets: the virus scanner could not examine it"), "{to}: {told}");
    }
}

#[tokio::test]
async fn a_scanner_that_fails_about_everything_condemns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ((house, socket), kim, ann) = (house(&folder), kim(), staff("ann"));
    let mood = Arc::new(Mutex::new(Mood::Sick));
    clamd(&socket, &mood);
    let mut files = Vec::new();
    for content in [b"one", b"two"] {
        let (package, file) = house.filled(&kim, content).await;
        house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
        files.push(file.id);
    }
    for _ in 0..32 {
        assert_eq!(house.dropoff.go_round().await.unwrap(), None);
        house.clock.advance(QUARTER);
    }
    *mood.lock().unwrap() = Mood::Well;
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(2));
    assert_eq!(house.picked_up(&ann, files[0]).await.unwrap(), b"one");
    assert_eq!(house.picked_up(&ann, files[1]).await.unwrap(), b"two");
}

#[tokio::test]
async fn a_file_that_brings_the_scanner_down_holds_nobody_else_up_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let ((house, socket), kim, ann) = (house(&folder), kim(), staff("ann"));
    let mood = Arc::default();
    clamd(&socket, &mood);
    let (first, bane) = house.filled(&kim, b"..BANE..").await;
    house.dropoff.hand_over(&kim, first.id, PEER).await.unwrap();
    let (second, other) = house.filled(&kim, b"more").await;
    house.dropoff.hand_over(&kim, second.id, PEER).await.unwrap();
    assert_eq!(house.dropoff.go_round().await.unwrap(), None);
    assert!(house.picked_up(&ann, other.id).await.is_err(), "nobody is asked who works about nothing");
    *mood.lock().unwrap() = Mood::Well;
    assert_eq!(house.dropoff.go_round().await.unwrap(), None, "one still waits");
    assert_eq!(house.picked_up(&ann, other.id).await.unwrap(), b"more");

    let mut waited = Duration::ZERO;
    while house.dropoff.go_round().await.unwrap().is_none() {
        *mood.lock().unwrap() = Mood::Well;
        house.clock.advance(QUARTER);
        waited += QUARTER;
        assert!(waited < Duration::from_hours(8), "it waits for ever");
    }
    assert!(waited >= Duration::from_hours(4), "{waited:?}");
    assert!(house.picked_up(&ann, bane.id).await.is_err());
}

#[tokio::test]
async fn a_file_that_our_disk_does_not_give_is_not_condemned() {
    let folder = tempfile::tempdir().unwrap();
    let ((house, socket), kim, ann) = (house(&folder), kim(), staff("ann"));
    clamd(&socket, &Arc::default());
    let (package, file) = house.filled(&kim, b"the plan").await;
    house.dropoff.hand_over(&kim, package.id, PEER).await.unwrap();
    let (blobs, away) = (house.folder.path().join("blobs"), house.folder.path().join("away"));
    std::fs::rename(&blobs, &away).unwrap();
    for _ in 0..32 {
        assert_eq!(house.dropoff.go_round().await.unwrap(), None);
        house.clock.advance(QUARTER);
    }
    std::fs::rename(&away, &blobs).unwrap();
    assert_eq!(house.dropoff.go_round().await.unwrap(), Some(1));
    assert_eq!(house.picked_up(&ann, file.id).await.unwrap(), b"the plan");
}

#[tokio::test]
async fn what_went_while_it_was_judged_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let ((house, _), gone) = (house(&folder), PackageId::fresh());
    let tries = &house.dropoff.desk.tries;
    tries.note(gone, 1, house.clock.now());
    assert!(tries.of(gone).is_some());
    house.dropoff.go_round().await.unwrap();
    assert!(tries.of(gone).is_none());
}
