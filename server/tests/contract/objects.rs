//! What the lake expects of whatever keeps its objects.

use std::{
    io::{ErrorKind, Read, Write},
    sync::Arc,
};

use lake::{FolderObjects, Objects};
use tempfile::TempDir;

/// An adapter, and where it keeps what it has.
struct Kept {
    objects: Arc<dyn Objects>,
    folder: TempDir,
}

async fn folder() -> Kept {
    let folder = TempDir::with_prefix("gf-objects-").expect("a folder");
    Kept { objects: Arc::new(FolderObjects::at(&folder.path().join("made when needed"))), folder }
}

suite!([in_a_folder = crate::objects::folder] [
    an_object_is_there_when_it_is_finished_and_not_before,
    one_that_is_given_up_leaves_nothing_behind,
    objects_are_listed_below_their_folder_until_they_are_discarded,
    a_new_name_takes_the_place_of_the_old_one,
    a_lock_has_one_holder_and_ends_with_it,
    a_sweep_removes_what_nobody_writes_any_more,
]);

const A: &str = "lake/day=2026-06-30/a.parquet";

async fn put(k: &Kept, name: &str, bytes: &[u8]) {
    let mut object = k.objects.create(name).await.expect("a beginning");
    object.write_all(bytes).expect("room");
    assert_eq!(object.finish().expect("an object"), bytes.len() as u64);
}

async fn read(k: &Kept, name: &str) -> Option<String> {
    let mut text = String::new();
    match k.objects.get(name).await {
        Ok(mut blob) => drop(blob.read_to_string(&mut text).expect("bytes")),
        Err(e) => {
            assert_eq!(e.kind(), ErrorKind::NotFound);
            return None;
        }
    }
    assert_eq!(k.objects.stat(name).await.expect("a look").bytes, text.len() as u64);
    Some(text)
}

async fn names(k: &Kept, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = k.objects.list(folder).await.expect("a list").into_iter().map(|o| o.0).collect();
    names.sort();
    names
}

/// All files below the folder, whatever they are.
fn files(k: &Kept) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|e| if e.path().is_dir() { count(&e.path()) } else { 1 }).sum()
    }
    count(k.folder.path())
}

async fn an_object_is_there_when_it_is_finished_and_not_before(k: &Kept) {
    assert_eq!((read(k, A).await, names(k, "lake").await), (None, vec![]), "there is not even a folder");
    let mut object = k.objects.create(A).await.unwrap();
    object.write_all(b"half").unwrap();
    assert_eq!((read(k, A).await, names(k, "lake").await), (None, vec![]));
    object.write_all(b" and half").unwrap();
    assert_eq!(object.finish().unwrap(), 13);
    assert_eq!((read(k, A).await.as_deref(), names(k, "lake").await), (Some("half and half"), vec![A.to_owned()]));
    // Written again, it is the old one until it is the new one.
    let mut again = k.objects.create(A).await.unwrap();
    again.write_all(b"new").unwrap();
    assert_eq!(read(k, A).await.as_deref(), Some("half and half"));
    again.finish().unwrap();
    assert_eq!(read(k, A).await.as_deref(), Some("new"));
}

async fn one_that_is_given_up_leaves_nothing_behind(k: &Kept) {
    let mut object = k.objects.create(A).await.unwrap();
    object.write_all(b"half").unwrap();
    drop(object);
    assert_eq!((read(k, A).await, files(k)), (None, 0));
}

async fn objects_are_listed_below_their_folder_until_they_are_discarded(k: &Kept) {
    let all = [A, "lake/day=2026-06-30/b.parquet", "lake/day=2026-07-01/c.parquet", "lakeside/d.parquet"];
    for name in all {
        put(k, name, b"x").await;
    }
    assert_eq!(names(k, "lake").await, all[..3]);
    assert_eq!(names(k, "lake/day=2026-06-30").await, all[..2]);
    let listed = k.objects.list("lake/day=2026-07-01").await.unwrap();
    assert_eq!(listed, [(all[2].to_owned(), k.objects.stat(all[2]).await.unwrap())]);
    k.objects.discard(A);
    k.objects.discard(A);
    assert_eq!((names(k, "lake").await, read(k, A).await), (vec![all[1].to_owned(), all[2].to_owned()], None));
}

async fn a_new_name_takes_the_place_of_the_old_one(k: &Kept) {
    put(k, "pending/x.parquet", b"x").await;
    k.objects.rename("pending/x.parquet", "superseded/y.parquet").await.unwrap();
    assert_eq!(
        (read(k, "pending/x.parquet").await, read(k, "superseded/y.parquet").await.as_deref()),
        (None, Some("x"))
    );
    let gone = k.objects.rename("pending/x.parquet", "superseded/z.parquet").await;
    assert!(gone.is_err_and(|e| e.kind() == ErrorKind::NotFound));
    assert_eq!(names(k, "superseded").await, ["superseded/y.parquet"]);
}

async fn a_lock_has_one_holder_and_ends_with_it(k: &Kept) {
    let held = k.objects.lock("some.lock", true).await.unwrap().expect("free");
    assert!(k.objects.lock("some.lock", false).await.unwrap().is_none());
    assert!(k.objects.lock("another.lock", false).await.unwrap().is_some());
    let objects = Arc::clone(&k.objects);
    let waits = tokio::spawn(async move { objects.lock("some.lock", true).await.unwrap().is_some() });
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(!waits.is_finished());
    drop(held);
    assert!(waits.await.unwrap());
    assert!(k.objects.lock("some.lock", false).await.unwrap().is_some());
}

async fn a_sweep_removes_what_nobody_writes_any_more(k: &Kept) {
    put(k, A, b"x").await;
    let mut written = k.objects.create("lake/day=2026-06-30/b.parquet").await.unwrap();
    written.write_all(b"y").unwrap();
    let path = k.folder.path().join("made when needed/lake/day=2026-06-30");
    std::fs::write(path.join("crashed.tmp"), b"half").unwrap();
    k.objects.remove_leftovers("lake").await;
    k.objects.remove_leftovers("no such folder").await;
    assert_eq!(files(k), 2, "an object and one that is being written");
    written.finish().unwrap();
    assert_eq!(names(k, "lake").await, [A, "lake/day=2026-06-30/b.parquet"]);
}
