use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use http::HeaderMap;
use waystation_rules::caching::{Lapsing, Life, MOST_LAPSES, State};

use super::super::{Kind, Prepared, Store};
use super::*;

const MIB: u64 = 1 << 20;
/// Names the folder to a test that runs in a process of its own.
const FOLDER: &str = "STORE_TEST_FOLDER";

/// Opens it once its lock is free: a process that another test begins has the descriptors of this one for a moment.
fn opened(folder: &Path, bytes: u64) -> Disk {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match Disk::open(folder, bytes) {
            Err(DiskError::Locked) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// An entry that says itself what its body has to be.
fn entry(key: &str, seed: usize, length: usize) -> Arc<Entry> {
    let life = Life::default();
    Arc::new(Entry {
        key: key.into(),
        kind: Kind::Answer,
        label: format!("{seed} {length}"),
        status: 200,
        headers: HeaderMap::new(),
        body: body(seed, length),
        tags: vec!["tag".to_owned()],
        life,
        times: life.times(seed as u64, seed as u64),
        prepared: Prepared::default(),
    })
}

fn body(seed: usize, length: usize) -> Bytes {
    let mut body = seed.to_le_bytes().repeat(length / size_of::<usize>() + 1);
    body.truncate(length);
    body.into()
}

fn is_whole(entry: &Entry) -> bool {
    let (seed, length) = entry.label.split_once(' ').unwrap();
    entry.body == body(seed.parse().unwrap(), length.parse().unwrap())
}

/// Every order before this is carried out when it returns.
async fn settle(disk: &Disk) {
    disk.remove("nothing").await.unwrap();
}

async fn loaded(disk: &Disk, key: &str) -> Option<usize> {
    let entry = disk.load(key).await.unwrap()?;
    assert!(is_whole(&entry));
    Some(entry.body.len())
}

fn clock(disk: &Disk) -> Arc<Clock> {
    let clock = Arc::default();
    disk.follow(&clock);
    clock
}

#[tokio::test]
async fn what_was_saved_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let lapses = [(
        "tag".to_owned(),
        Clock::default().add("tag", Lapsing::Stale, 7),
    )];
    {
        let disk = opened(folder.path(), MIB);
        for (key, length) in [
            ("small", 100),
            ("large", 100_000),
            ("gone", 50_000),
            ("less", 50_000),
        ] {
            disk.save(&entry(key, 1, length)).await.unwrap();
        }
        disk.lapse(&lapses).await.unwrap();
        disk.remove("gone").await.unwrap();
        disk.save(&entry("less", 2, 10)).await.unwrap();
        settle(&disk).await;
        check(&disk).await;
        assert_eq!(files(&folder.path().join("bodies")).len(), 1);
    }
    let disk = opened(folder.path(), MIB);
    check(&disk).await;
    assert_eq!(clock(&disk).all(), lapses);

    async fn check(disk: &Disk) {
        assert_eq!(loaded(disk, "small").await, Some(100));
        assert_eq!(loaded(disk, "large").await, Some(100_000));
        assert_eq!(loaded(disk, "gone").await, None);
        assert_eq!(loaded(disk, "less").await, Some(10));
    }
}

#[tokio::test]
async fn of_too_many_tags_the_first_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let disk = opened(folder.path(), MIB);
    let lapse = |time: usize| {
        (
            time.to_string(),
            Clock::default().add("", Lapsing::Stale, time as u64),
        )
    };
    let lapses: Vec<_> = (0..=MOST_LAPSES).map(lapse).collect();
    disk.lapse(&lapses).await.unwrap();
    drop(disk);
    let clock = clock(&opened(folder.path(), MIB));
    assert_eq!(clock.all().len(), MOST_LAPSES / 2 + 1);
    assert_eq!(clock.of(&[]).stale, Some(MOST_LAPSES as u64 / 2));
}

#[tokio::test]
async fn a_store_finds_on_disk_what_is_not_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(opened(folder.path(), MIB));
    let disk: Arc<Disk> = open();
    let store = Store::new(MIB, Some(disk.clone())).by(|| 5);
    store.put((*entry("a", 5, 100)).clone()).await;
    store.put((*entry("b", 5, 100)).clone()).await;
    store.lapse(&[("tag".to_owned(), Lapsing::Stale)]).await;
    drop((store, disk));
    let store = Store::new(MIB, Some(open())).by(|| 6);
    let (_, state) = store.get("a").await.unwrap();
    assert_eq!(state, State::Stale);
    store.lapse(&[("tag".to_owned(), Lapsing::Expire(0))]).await;
    assert!(store.get("b").await.is_none());
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let first = opened(folder.path(), MIB);
    let second = Disk::open(folder.path(), MIB).err().unwrap();
    assert!(
        second.to_string().starts_with("another process keeps"),
        "{second}"
    );
    drop(first);
    opened(folder.path(), MIB);
}

#[tokio::test]
async fn what_was_longest_unused_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let budget = 4 * MIB;
    let disk = opened(folder.path(), budget);
    disk.save(&entry("used", 0, 20_000)).await.unwrap();
    for number in 0..2000 {
        let length = [300, 5000, 15_000, 60_000][number % 4];
        disk.save(&entry(&format!("k{number}"), number, length))
            .await
            .unwrap();
        if number % 20 == 0 {
            settle(&disk).await;
            assert_eq!(loaded(&disk, "used").await, Some(20_000), "{number}");
            let size = files(folder.path())
                .iter()
                .map(|(_, size)| size)
                .sum::<u64>();
            assert!(size < budget + 2 * MIB, "{size}");
        }
    }
    assert_eq!(loaded(&disk, "k0").await, None);
    settle(&disk).await;
    assert_eq!(loaded(&disk, "k1999").await, Some(60_000));
    let large = disk
        .save(&entry("too large", 0, 2 << 20))
        .await
        .unwrap_err();
    assert!(large.to_string().contains("more than a quarter"), "{large}");
}

#[tokio::test]
async fn what_was_changed_on_the_disk_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let disk = opened(folder.path(), MIB);
    disk.save(&entry("a", 0, 50_000)).await.unwrap();
    settle(&disk).await;
    let (file, size) = files(&folder.path().join("bodies")).remove(0);
    fs::File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_len(size - 1)
        .unwrap();
    assert_eq!(loaded(&disk, "a").await, None);
    settle(&disk).await;
    assert!(files(&folder.path().join("bodies")).is_empty());
}

#[tokio::test]
async fn a_damaged_index_gives_whole_entries_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index.redb");
    let keys: Vec<_> = (0..40).map(|number| format!("k{number}")).collect();
    for attempt in 0..60 {
        let disk = opened(folder.path(), MIB);
        for (number, key) in keys.iter().enumerate() {
            if let Ok(Some(entry)) = disk.load(key).await {
                assert!(is_whole(&entry));
            }
            disk.save(&entry(key, number, 2000)).await.unwrap();
        }
        drop(disk);
        let mut bytes = fs::read(&index).unwrap();
        for part in 0..8 {
            let at = random(bytes.len() / 8) + part * (bytes.len() / 8);
            bytes[at] ^= 1 << random(8);
        }
        if attempt % 5 == 4 {
            bytes.truncate(random(bytes.len()));
        }
        fs::write(&index, bytes).unwrap();
    }
    fs::write(&index, "not a database").unwrap();
    let disk = opened(folder.path(), MIB);
    disk.save(&entry("a", 0, 10)).await.unwrap();
    settle(&disk).await;
    assert_eq!(loaded(&disk, "a").await, Some(10));
}

#[tokio::test]
async fn whatever_a_kill_leaves_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (mut found, mut slowest) = (0, Duration::ZERO);
    for round in 1..=100 {
        let (mut child, mut lines) = run("writes_until_it_is_killed", folder.path());
        let acknowledged = lines.nth(random(12)).unwrap();
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        let lapsed: u64 = acknowledged.unwrap().parse().unwrap();

        let begun = Instant::now();
        let disk = opened(folder.path(), 4 * MIB);
        slowest = slowest.max(begun.elapsed());
        let clock = clock(&disk).all();
        let known = clock.first().and_then(|(_, lapse)| lapse.stale);
        assert!(Some(lapsed) <= known, "round {round}: {lapsed}, {known:?}");
        for number in 0..KEYS {
            found += usize::from(loaded(&disk, &format!("k{number}")).await.is_some());
        }
    }
    println!("{found} entries were there; opened again in {slowest:?} at most");
    assert!(
        100 < found && slowest < Duration::from_secs(1),
        "{found} {slowest:?}"
    );
}

/// Keys that are written again and again.
const KEYS: usize = 50;

#[tokio::test]
#[ignore = "it writes for ever: another test runs it and kills it"]
async fn writes_until_it_is_killed() {
    let disk = opened(&PathBuf::from(env::var(FOLDER).unwrap()), 4 * MIB);
    let from = clock(&disk)
        .all()
        .first()
        .and_then(|(_, lapse)| lapse.stale);
    let from = from.unwrap_or(0) as usize;
    let mut out = std::io::stdout();
    for number in from + 1.. {
        let key = format!("k{}", random(KEYS));
        let length = [200, 3000, 30_000, 200_000][random(4)];
        let _kept_in_memory_alone = disk.save(&entry(&key, number, length)).await;
        if number % 8 == 0 {
            let lapse = Clock::default().add("tag", Lapsing::Stale, number as u64);
            disk.lapse(&[("tag".to_owned(), lapse)]).await.unwrap();
            writeln!(out, "{number}").unwrap();
        }
    }
}

#[test]
fn a_full_disk_costs_what_does_not_fit_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, lines) = run("fills_the_disk", folder.path());
    let said: Vec<_> = lines.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{said:#?}");
}

#[tokio::test]
#[ignore = "it limits its process: another test runs it"]
async fn fills_the_disk() {
    let folder = PathBuf::from(env::var(FOLDER).unwrap());
    let disk = opened(&folder, 64 * MIB);
    disk.save(&entry("before", 0, 1000)).await.unwrap();
    settle(&disk).await;
    let limit = |bytes| {
        let maximum = rustix::process::getrlimit(rustix::process::Resource::Fsize).maximum;
        let limit = rustix::process::Rlimit {
            current: bytes,
            maximum,
        };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    };
    limit(Some(0));
    disk.save(&entry("small", 0, 1000)).await.unwrap();
    disk.save(&entry("large", 0, 100_000)).await.unwrap();
    let lapse = Clock::default().add("tag", Lapsing::Stale, 7);
    let refused = disk.lapse(&[("tag".to_owned(), lapse)]).await;
    assert!(refused.is_err());
    assert_eq!(disk.load("large").await.unwrap(), None);
    limit(None);
    settle(&disk).await; // the lapse goes with it
    assert_eq!(loaded(&disk, "before").await, Some(1000));
    disk.save(&entry("after", 0, 100_000)).await.unwrap();
    settle(&disk).await;
    assert_eq!(loaded(&disk, "after").await, Some(100_000));
    drop(disk);
    let disk = opened(&folder, 64 * MIB);
    assert_eq!(clock(&disk).all(), [("tag".to_owned(), lapse)]);
}

/// Runs an ignored test of this file in a process of its own, which does not die of the signal that it wrote too much.
fn run(test: &str, folder: &Path) -> (Child, impl Iterator<Item = io::Result<String>>) {
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let mut child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(env::current_exe().unwrap())
        .arg(format!("{module}::{test}"))
        .args(["--exact", "--ignored", "--nocapture", "--quiet"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::<ChildStdout>::new(child.stdout.take().unwrap()).lines();
    let is_number =
        |line: &io::Result<String>| line.as_ref().is_ok_and(|line| line.parse::<u64>().is_ok());
    (child, lines.filter(is_number))
}

fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.metadata().unwrap() {
            facts if facts.is_dir() => files.extend(self::files(&entry.path())),
            facts => files.push((entry.path(), facts.len())),
        }
    }
    files
}

fn random(below: usize) -> usize {
    getrandom::u64().unwrap() as usize % below
}
