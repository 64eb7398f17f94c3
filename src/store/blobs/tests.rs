use super::*;

fn blobs() -> (Blobs, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::in_directory(folder.path().to_owned());
    (Blobs::open(&storage, 0).unwrap(), folder)
}

fn pattern(from: u64, len: usize) -> Vec<u8> {
    (from..from + len as u64)
        .map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 7 & 0xFF).unwrap())
        .collect()
}

async fn read(blobs: &Blobs, id: BlobId, range: std::ops::Range<u64>) -> io::Result<Vec<u8>> {
    let mut reader = blobs.read(id, range).await?;
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await? {
        octets.extend_from_slice(&piece);
    }
    Ok(octets)
}

#[tokio::test]
async fn a_blob_grows_in_any_steps_and_reads_back_in_any_range() {
    let (blobs, _folder) = blobs();
    let id = blobs.create().await.unwrap();
    let (mut at, mut digesting) = (0, None);
    for step in [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7, 0] {
        let mut writer = blobs.append(id, at, digesting).await.unwrap();
        writer.write(&pattern(at, step)).await.unwrap();
        (at, digesting) = writer.sync().await.unwrap();
    }
    let whole = pattern(0, usize::try_from(at).unwrap());
    assert_eq!(read(&blobs, id, 0..at).await.unwrap(), whole);
    assert_eq!(read(&blobs, id, 5..PIECE as u64 + 9).await.unwrap(), whole[5..PIECE + 9]);
    assert!(read(&blobs, id, at..at).await.unwrap().is_empty());
    assert_eq!(read(&blobs, id, 0..at + 1).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);

    let running = digesting.unwrap().finish();
    assert_eq!(running, blobs.digest(id, at).await.unwrap());
    assert_eq!(running.sha256, digest::digest(&digest::SHA256, &whole).as_ref());
    assert_eq!(running.crc32, crc32fast::hash(&whole));
}

#[tokio::test]
async fn what_was_not_promised_is_written_again() {
    let (blobs, _folder) = blobs();
    let id = blobs.create().await.unwrap();
    let mut writer = blobs.append(id, 0, None).await.unwrap();
    writer.write(&pattern(0, PIECE)).await.unwrap();
    let (promised, _) = writer.sync().await.unwrap();
    // These reach the file, but nobody was told so.
    writer.write(&vec![0xEE; 2 * PIECE]).await.unwrap();
    drop(writer);

    let mut writer = blobs.append(id, promised, None).await.unwrap();
    writer.write(&pattern(promised, 10)).await.unwrap();
    let (len, digesting) = writer.sync().await.unwrap();
    assert!(digesting.is_none(), "it was not carried on");
    assert_eq!(len, promised + 10);
    assert_eq!(read(&blobs, id, 0..len).await.unwrap(), pattern(0, PIECE + 10));
    let fault = blobs.append(id, len + 1, None).await.err().unwrap();
    assert_eq!(fault.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_sweep_leaves_what_is_named_and_what_is_not_ours() {
    let (blobs, folder) = blobs();
    let (kept, orphan) = (blobs.create().await.unwrap(), blobs.create().await.unwrap());
    let foreign = folder.path().join("blobs/README");
    fs::write(&foreign, "hello").unwrap();
    assert_eq!(blobs.sweep(&[kept].into()).unwrap(), 1);
    assert!(blobs.shelf.path(kept).exists() && foreign.exists() && !blobs.shelf.path(orphan).exists());

    let reader = blobs.read(kept, 0..0).await.unwrap();
    blobs.remove(kept);
    blobs.wait_for_removals();
    assert!(!blobs.shelf.path(kept).exists());
    drop(reader);
}

#[test]
fn the_reserve_stays_free() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::in_directory(folder.path().to_owned());
    assert!(Blobs::open(&storage, 0).unwrap().has_room_for(1));
    assert!(!Blobs::open(&storage, 0).unwrap().has_room_for(u64::MAX));
    assert!(!Blobs::open(&storage, u64::MAX / 2).unwrap().has_room_for(1));
}
