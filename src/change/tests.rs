use super::*;
use std::time::Duration;

#[test]
fn what_comes_and_goes_of_a_list() {
    let parted = |old: &str, new: &str| {
        let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        let Parted {
            gone,
            come,
            reordered,
        } = part(&old, &new, |a, b| a == b);
        let text = |all: Vec<&char>| all.into_iter().collect::<String>();
        (text(gone), text(come), reordered)
    };
    let ok = |gone: &str, come: &str, reordered| (gone.to_owned(), come.to_owned(), reordered);
    assert_eq!(parted("", ""), ok("", "", false));
    assert_eq!(parted("abc", "abc"), ok("", "", false));
    assert_eq!(parted("abc", "ac"), ok("b", "", false));
    assert_eq!(parted("ac", "abc"), ok("", "b", false));
    assert_eq!(parted("abc", "cba"), ok("", "", true));
    assert_eq!(parted("abcd", "xbcy"), ok("ad", "xy", false));
    assert_eq!(
        parted("aab", "ab"),
        ok("a", "", false),
        "each has one counterpart"
    );
    assert_eq!(parted("a", "aa"), ok("", "a", false));
    assert_eq!(parted("abcde", "aecdb"), ok("", "", true));
}

#[test]
fn the_worst_counts() {
    let mut changes = Changes::default();
    assert_eq!(changes.effect(), None);
    changes.live("priority", &100_u8, &100_u8);
    assert!(changes.is_empty());
    changes.live("priority", &100_u8, &90_u8);
    changes.peers(
        "advert_int",
        &Duration::from_secs(1),
        &Duration::from_millis(1500),
    );
    assert_eq!(changes.effect(), Some(Effect::PeerMustFollow));
    changes.hidden("authentication", &1, &2, Effect::PeerMustFollow);
    changes.list("track_interface", &["a".to_owned()], &["b".to_owned()]);
    let text: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "priority: 100 -> 90",
            "advert_int: 1 s -> 1.5 s",
            "authentication: another value",
            "track_interface: - a",
            "track_interface: + b",
        ]
    );
}
