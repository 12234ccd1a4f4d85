use super::*;
use crate::sys::testing::TempDir;
use std::fs;
use tokio::time::timeout;

/// Facts: 14.8
/// LVS facts: 12.1
#[test]
fn numbers_are_read_as_c_reads_them() {
    let table = [
        ("", Some(0)),
        ("12", Some(12)),
        ("  -7\n", Some(-7)),
        ("+5", Some(5)),
        ("0x1f", Some(31)),
        ("0X1F", Some(31)),
        ("-0x10", Some(-16)),
        ("0x", Some(0)),
        ("010", Some(8)),
        ("09", Some(0)),
        ("0", Some(0)),
        ("abc", Some(0)),
        ("- 5", Some(0)),
        ("2147483647", Some(i32::MAX)),
        ("2147483648", None),
        ("-2147483648", Some(i32::MIN)),
        ("-2147483649", None),
        ("99999999999999999999999999999999999999", None),
    ];
    for (text, value) in table {
        assert_eq!(number(text.as_bytes()), value, "{text:?}");
    }
}

/// LVS facts: 12.1
#[test]
fn the_first_127_octets_count_and_what_is_out_of_range_is_said() {
    let dir = TempDir::new();
    dir.file("long", &format!("{}12", " ".repeat(126)));
    assert_eq!(read(&dir.path("long")), Some(1));
    assert_eq!(read(&dir.path("missing")), Some(0));
    dir.file("wide", "2147483648\n");
    assert_eq!(read(&dir.path("wide")), None);
    assert_eq!(
        out_of_range(Path::new("/run/f"), b" 99999999999\x1b[2J\n"),
        "Invalid number 99999999999 read from /run/f - ignoring"
    );
}

fn file(name: &str, path: PathBuf) -> FileConfig {
    FileConfig {
        name: name.into(),
        path,
        weight: 1,
        reverse: false,
        init: None,
    }
}

async fn value(watcher: &mut FileWatcher) -> (String, i32) {
    let report = timeout(Duration::from_secs(20), watcher.next()).await;
    let FileReport { name, value } = report.expect("a report");
    (name, value)
}

/// Facts: 14.8
/// LVS facts: 12.4
#[tokio::test]
async fn every_way_to_change_a_file_is_seen() {
    let home = TempDir::new();
    let at = |name: &str| home.path(name);
    fs::write(at("a"), "5\n").unwrap();
    let mut watcher = FileWatcher::default();
    let first = watcher.apply(&[file("A", at("a")), file("B", at("b"))]);
    let first: Vec<_> = first.into_iter().map(|r| (r.name, r.value)).collect();
    assert_eq!(first, [("A".to_owned(), 5), ("B".to_owned(), 0)]);

    fs::write(at("a"), "-20").unwrap();
    // Writing empties it first, which may be seen as well.
    while value(&mut watcher).await != ("A".to_owned(), -20) {}
    fs::write(at("other"), "9").unwrap();
    fs::rename(at("other"), at("b")).unwrap();
    assert_eq!(value(&mut watcher).await, ("B".to_owned(), 9));
    // Out of range: as before, so the next report is of another change.
    fs::write(at("other"), "99999999999").unwrap();
    fs::rename(at("other"), at("b")).unwrap();
    fs::rename(at("a"), at("away")).unwrap();
    assert_eq!(value(&mut watcher).await, ("A".to_owned(), 0));
    fs::remove_file(at("b")).unwrap();
    assert_eq!(value(&mut watcher).await, ("B".to_owned(), 0));
    std::os::unix::fs::symlink(at("away"), at("a")).unwrap();
    assert_eq!(value(&mut watcher).await, ("A".to_owned(), -20));
    fs::write(at("next"), "3").unwrap();
    fs::rename(at("next"), at("away")).unwrap();
    assert_eq!(
        value(&mut watcher).await,
        ("A".to_owned(), 3),
        "where the link leads to"
    );
}

/// Facts: 14.8
#[tokio::test]
async fn a_directory_may_go_and_come_back() {
    let home = TempDir::new();
    let directory = home.path("d");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("f"), "4").unwrap();
    let mut watcher = FileWatcher::default();
    watcher.apply(&[file("F", directory.join("f"))]);
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(value(&mut watcher).await, ("F".to_owned(), 0));
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("f"), "6").unwrap();
    assert_eq!(value(&mut watcher).await, ("F".to_owned(), 6));
}

/// The control plane has other events all the time, and asks anew after each.
#[tokio::test]
async fn a_directory_is_looked_for_however_busy_one_is() {
    let home = TempDir::new();
    let directory = home.path("d");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("f"), "4").unwrap();
    let mut watcher = FileWatcher::default();
    watcher.apply(&[file("F", directory.join("f"))]);
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(value(&mut watcher).await, ("F".to_owned(), 0));
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("f"), "6").unwrap();
    for _ in 0..20 {
        if let Ok(report) = timeout(LOOK_AGAIN / 4, watcher.next()).await {
            return assert_eq!(report.value, 6);
        }
    }
    panic!("it was not looked for");
}

#[tokio::test]
async fn a_reload_keeps_a_number_that_is_out_of_range_now() {
    let home = TempDir::new();
    let path = home.path("f");
    fs::write(&path, "4").unwrap();
    let mut watcher = FileWatcher::default();
    let wanted = [file("F", path.clone())];
    watcher.apply(&wanted);
    fs::write(&path, "99999999999").unwrap();
    assert_eq!(watcher.apply(&wanted).first().unwrap().value, 4);
}

#[test]
fn init_file_writes_only_what_it_may() {
    let home = TempDir::new();
    let path = home.path("f");
    let init_with = |value, overwrite| {
        let mut config = file("F", path.clone());
        config.init = Some(InitFile { value, overwrite });
        init(&config)
    };
    init_with(7, false).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "7\n");
    init_with(-12345, false).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "7\n");
    init_with(8, true).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "8\n");
    fs::rename(&path, home.path("target")).unwrap();
    std::os::unix::fs::symlink(home.path("target"), &path).unwrap();
    init_with(9, true).unwrap_err();
    assert_eq!(fs::read_to_string(home.path("target")).unwrap(), "8\n");
}

/// Whatever stands in the place of a file, it is read at once and not to its end.
///
/// LVS facts: 12.1
#[test]
fn what_is_no_file_for_a_number_is_read_at_once() {
    let home = TempDir::new();
    let at = |name: &str| home.path(name);
    // A terabyte, of which the disk has nothing.
    fs::write(at("huge"), "42\n").unwrap();
    File::options()
        .write(true)
        .open(at("huge"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    fs::write(at("binary"), [b'7', 0, 0xff, b'9']).unwrap();
    fs::write(at("digits"), "1".repeat(1 << 20)).unwrap();
    fs::write(at("blanks"), " ".repeat(1 << 20) + "5").unwrap();
    fs::create_dir(at("directory")).unwrap();
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Somebody writes to this one, and says nothing.
    nix::unistd::mkfifo(&at("held"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let held = File::options().read(true).write(true).open(at("held")).unwrap();
    let _listening = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    std::os::unix::fs::symlink(at("loop"), at("loop")).unwrap();
    for (name, wanted) in [
        ("huge", Some(42)),
        ("binary", Some(7)),
        ("digits", None),
        ("blanks", Some(0)),
        ("directory", Some(0)),
        ("fifo", Some(0)),
        ("held", Some(0)),
        ("socket", Some(0)),
        ("loop", Some(0)),
        ("nothing", Some(0)),
    ] {
        assert_eq!(read(&at(name)), wanted, "{name}");
    }
    assert_eq!(read(Path::new("/dev/zero")), Some(0));
    drop(held);
}
