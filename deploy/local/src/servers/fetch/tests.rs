//! Refusals and the lock, with a small archive made here; and the real downloads, on demand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;

const TINY: Wheel = Wheel { package: "tiny", version: "1", machine: "any", selector: &[], sha256: "", wanted: "hello" };

fn make_archive(into: &Path) -> Result<()> {
    let source = into.with_file_name("hello");
    fs::write(&source, "hello")?;
    let mut zip = Command::new("python3");
    child::run(zip.args(["-m", "zipfile", "-c"]).args([&into.join("tiny.whl"), &source]))?;
    Ok(())
}

#[test]
fn refuses_what_was_not_pinned() -> Result<()> {
    let cache = tempfile::tempdir()?;
    let refused = TINY.fetch_by(cache.path(), make_archive).expect_err("a mismatch");
    assert!(refused.to_string().contains("is not what was pinned"), "{refused:#}");
    assert!(TINY.cached(cache.path()).is_none());
    let left = fs::read_dir(cache.path())?.flatten().map(|entry| entry.file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["tiny.lock"]);
    Ok(())
}

#[test]
fn many_at_once_fetch_once() -> Result<()> {
    let cache = tempfile::tempdir()?;
    let original = cache.path().join("original");
    fs::create_dir(&original)?;
    make_archive(&original)?;
    let original = original.join("tiny.whl");
    let sha256: &'static str = format!("{:x}", Sha256::digest(fs::read(&original)?)).leak();
    let wheel = Wheel { sha256, ..TINY };
    let downloads = AtomicUsize::new(0);
    let fetch = || {
        wheel.fetch_by(cache.path(), |into| {
            downloads.fetch_add(1, Ordering::SeqCst);
            fs::copy(&original, into.join("tiny.whl"))?;
            Ok(())
        })
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(fetch)).collect();
        for one in all {
            let wanted = one.join().expect("no panic").expect("fetched");
            assert_eq!(fs::read_to_string(wanted).expect("readable"), "hello");
        }
    });
    assert_eq!(downloads.load(Ordering::SeqCst), 1);
    Ok(())
}

#[test]
fn the_main_cluster_is_not_made() {
    let before = "a = 1\n#create_main_cluster = true\nb = 2\n";
    assert_eq!(without_main_cluster(before), "a = 1\nb = 2\ncreate_main_cluster = false\n");
    assert_eq!(without_main_cluster(""), "create_main_cluster = false\n");
}

#[cfg(feature = "download-tests")]
#[test]
fn what_is_pinned_can_be_had() -> Result<()> {
    let cache = tempfile::tempdir()?;
    for wheel in &WHEELS {
        wheel.fetch(cache.path())?;
    }
    Ok(())
}
