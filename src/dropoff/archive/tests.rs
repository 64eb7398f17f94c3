//! Judged by the readers of others: Python's `zipfile` and Info-ZIP's `unzip`, where they are.

use std::process::Command;

use super::*;

fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

/// Runs a judge on an archive; what it printed.
fn judged(program: &str, arguments: &[&str]) -> Option<String> {
    let judge = match Command::new(program).args(arguments).output() {
        Ok(judge) => judge,
        Err(fault) => {
            eprintln!("skipped, because {program} cannot be run: {fault}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&judge.stdout).into_owned();
    assert!(judge.status.success(), "{program}: {said}{}", String::from_utf8_lossy(&judge.stderr));
    Some(said)
}

#[tokio::test]
async fn others_read_what_was_packed() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&crate::config::Storage::in_directory(folder.path().to_owned()), 0).unwrap();
    let mut items = Vec::new();
    for (text, octets) in
        [("plan.pdf", vec![7; 300_000]), ("PLAN.pdf", b"other".to_vec()), ("Größe 1.txt", Vec::new())]
    {
        let blob = blobs.create().await.unwrap();
        let mut writer = blobs.append(blob, 0, None).await.unwrap();
        writer.write(&octets).await.unwrap();
        let (len, digesting) = writer.sync().await.unwrap();
        let crc32 = digesting.unwrap().finish().crc32;
        let modified = Timestamp::from_millis(1_795_500_000_999);
        items.push(Item { name: name(text), len, crc32, modified, blob });
    }
    let mut archive = Archive::of(name("all.zip"), &items, blobs);
    let mut octets = Vec::new();
    while let Some(piece) = archive.next().await.unwrap() {
        octets.extend_from_slice(&piece);
    }
    assert_eq!(octets.len() as u64, archive.len());

    let file = folder.path().join("all.zip");
    std::fs::write(&file, &octets).unwrap();
    let file = file.to_str().unwrap();
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                  for i in z.infolist(): print(i.filename, i.file_size, i.date_time, z.read(i)[:5])";
    if let Some(said) = judged("python3", &["-X", "utf8", "-c", script, file]) {
        assert_eq!(
            said,
            "plan.pdf 300000 (2026, 11, 24, 6, 0, 0) b'\\x07\\x07\\x07\\x07\\x07'\n\
             PLAN (2).pdf 5 (2026, 11, 24, 6, 0, 0) b'other'\n\
             Größe 1.txt 0 (2026, 11, 24, 6, 0, 0) b''\n"
        );
    }
    if let Some(said) = judged("unzip", &["-t", file]) {
        assert!(said.contains("No errors detected"), "{said}");
    }
}

/// The long form, without writing gigabytes: a sparse file, with a hole where the long one would be. Only the short one
/// behind it is read.
#[test]
fn others_find_their_way_beyond_four_gigabytes() {
    use std::os::unix::fs::FileExt;

    let (long, short) = (u64::from(u32::MAX) + 10, 3);
    let modified = Timestamp::from_millis(0);
    let item =
        |text: &str, len, crc32| Item { name: name(text), len, crc32, modified, blob: BlobId::fresh() };
    let items = [item("long.bin", long, 0), item("short.bin", short, crc32fast::hash(&[0; 3]))];
    let (segments, len) = plan(&items);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.zip");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(len).unwrap();
    let mut at = 0;
    for segment in segments {
        match segment {
            Segment::Octets(octets) => {
                file.write_all_at(&octets, at).unwrap();
                at += octets.len() as u64;
            }
            Segment::File { len, .. } => at += len,
        }
    }
    assert_eq!(at, len);
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                  print([(i.filename, i.file_size, i.header_offset) for i in z.infolist()], z.read('short.bin'))";
    if let Some(said) = judged("python3", &["-c", script, path.to_str().unwrap()]) {
        let expected = format!(
            "[('long.bin', {long}, 0), ('short.bin', 3, {})] b'\\x00\\x00\\x00'\n",
            long + 30 + 8 + 20
        );
        assert_eq!(said, expected);
    }
    if let Some(said) = judged("unzip", &["-t", path.to_str().unwrap(), "short.bin"]) {
        assert!(said.contains("No errors detected"), "{said}");
    }
}
