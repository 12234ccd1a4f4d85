//! Files, includes and what cannot be read.

use super::diag::Class;
use super::*;
use crate::sys::testing::TempDir;
use std::fs;
use std::os::unix::fs::PermissionsExt;

mod grammar;
mod includes;
mod limits;

fn messages(reading: &Reading) -> Vec<(Class, String)> {
    let said = reading.diagnostics.iter();
    said.map(|diagnostic| (diagnostic.class, diagnostic.message.clone()))
        .collect()
}

fn names(reading: &Reading) -> Vec<&str> {
    reading
        .config
        .instances
        .iter()
        .map(|instance| instance.name.value.as_str())
        .collect()
}

fn instance(name: &str) -> String {
    format!("vrrp_instance {name} {{\n interface eth0\n}}\n")
}

#[test]
fn includes_are_relative_sorted_and_anywhere() {
    let dir = TempDir::new();
    let top = dir.file(
        "top.conf",
        "include d/*.conf\nvrrp_instance T {\n include inner\n}\nglobal_defs { router_id x }\n",
    );
    dir.file("d/b.conf", &instance("B"));
    dir.file("d/a.conf", &format!("{}include sub/c.conf\n", instance("A")));
    dir.file("d/sub/c.conf", &instance("C"));
    dir.file("d/ignored", &instance("NO"));
    dir.file("inner", "interface eth1\n");
    let reading = read(&top, &ReadOptions::default());
    assert_eq!(messages(&reading), []);
    assert_eq!(names(&reading), ["A", "C", "B", "T"]);
    assert_eq!(
        reading.config.instances[3].interface.as_ref().unwrap().value,
        "eth1"
    );
    assert_eq!(reading.config.global.router_id.as_deref(), Some("x"));
    assert_eq!(reading.sources.files.len(), 5);
}

#[test]
fn a_missing_include_counts_only_when_asked() {
    let dir = TempDir::new();
    for (line, class) in [
        ("include none.conf", Class::Note),
        ("include none*.conf", Class::Note),
        ("includem none.conf", Class::IncludeFailed),
        ("includem none*.conf", Class::Note),
        ("includew none*.conf", Class::IncludeFailed),
        ("includeb {here,gone}", Class::IncludeFailed),
        ("includea none", Class::IncludeFailed),
        (
            "global_defs {\ninclude_check match\n}\ninclude none",
            Class::IncludeFailed,
        ),
    ] {
        dir.file("here", "");
        let top = dir.file("top.conf", line);
        let reading = read(&top, &ReadOptions::default());
        let classes: Vec<Class> = reading.diagnostics.iter().map(|d| d.class).collect();
        assert_eq!(classes, [class], "{line}");
    }
}

#[test]
fn what_is_no_plain_file_is_skipped() {
    let dir = TempDir::new();
    let top = dir.file("top.conf", "include run\ninclude sub\n");
    let script = dir.file("run", &instance("NO"));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(dir.path("sub")).unwrap();
    let reading = read(&top, &ReadOptions::default());
    assert_eq!(names(&reading), Vec::<&str>::new());
    assert_eq!(reading.diagnostics.len(), 2);
    assert!(
        reading.diagnostics[0]
            .message
            .contains("is not a regular non-executable file - skipping")
    );
    assert!(
        reading.diagnostics[1]
            .message
            .contains("is a directory - skipping")
    );
}

#[test]
fn a_file_that_includes_itself_ends() {
    let dir = TempDir::new();
    let top = dir.file("top.conf", "include top.conf\ninclude top.conf\n");
    let started = fs::metadata(&top).is_ok();
    let reading = read(&top, &ReadOptions::default());
    assert!(started);
    let said: Vec<u32> = reading
        .diagnostics
        .iter()
        .filter(|d| d.class == Class::General && d.message.ends_with("top.conf' includes itself - skipping"))
        .filter_map(|d| d.place.as_ref().map(|place| place.line))
        .collect();
    assert_eq!((said, reading.diagnostics.len()), (vec![1, 2], 2));
    // Not directly either; a file that is included twice is none of it.
    let top = dir.file("one.conf", "include two.conf\ninclude two.conf\n");
    dir.file("two.conf", "include one.conf\n");
    let reading = read(&top, &ReadOptions::default());
    assert_eq!((reading.sources.files.len(), reading.diagnostics.len()), (3, 2));
}

#[test]
fn definitions_that_refer_to_each_other_are_one_mistake() {
    for text in ["$A=$A\n$A\n", "$A=\\\n$B \\\n$B\n$B=\\\n$A \\\n$A\n$A\n"] {
        let reading = read_str(Path::new("t"), text, &ReadOptions::default());
        let said = messages(&reading);
        let ends = |(_, message): &&(Class, String)| message.ends_with("refer to each other without end");
        assert_eq!(said.iter().filter(ends).count(), 1, "{said:?}");
    }
}

#[test]
fn what_would_make_lines_for_ever_ends() {
    for (text, wanted) in [
        ("$A=\\\nx \\\n$A\n$A\n", "definition A refers to itself"),
        (
            "~SEQ(A,1000) ~SEQ(B,1000) ~SEQ(C,1000) x$A$B$C {\n",
            "more than 200000 lines - ignoring the rest",
        ),
    ] {
        let reading = read_str(Path::new("t"), text, &ReadOptions::default());
        let ends = |d: &&Diagnostic| d.class == Class::General && d.message.contains(wanted);
        assert_eq!(reading.diagnostics.iter().filter(ends).count(), 1, "{text}");
    }
}

#[test]
fn without_its_file_nothing_is_found() {
    let dir = TempDir::new();
    let top = dir.path("none.conf");
    let reading = read(&top, &ReadOptions::default());
    assert!(!reading.found);
    assert_eq!(reading.diagnostics[0].class, Class::Note);
    let all = ReadOptions {
        all_config: true,
        ..ReadOptions::default()
    };
    assert_eq!(read(&top, &all).diagnostics[0].class, Class::FileNotFound);
}

#[test]
fn lines_that_are_too_long_or_broken_are_left_out() {
    let long = format!(
        "global_defs {{\r\n router_id {}\r\n router_id b\0d\r\n router_id good\r\n}}",
        "x".repeat(1100)
    );
    let reading = read_str(Path::new("t"), &long, &ReadOptions::default());
    assert_eq!(reading.config.global.router_id.as_deref(), Some("good"));
    assert_eq!(reading.diagnostics.len(), 2);
}

#[test]
fn numbers_with_something_after_them_are_forgiven_outside_of_tests() {
    let text = "vrrp_instance A {\n interface eth0\n garp_master_delay 7x\n priority 8x\n}\n";
    for (test, delay) in [(false, Some(7)), (true, None)] {
        let options = ReadOptions {
            test,
            ..ReadOptions::default()
        };
        let reading = read_str(Path::new("t"), text, &options);
        let instance = &reading.config.instances[0];
        assert_eq!(instance.garp.master_delay.map(|delay| delay.as_secs()), delay);
        // Its default, which is not that of `state MASTER`.
        assert_eq!(
            instance.priority.as_ref().map(|priority| priority.value),
            Some(100)
        );
        assert_eq!(reading.diagnostics.len(), 2);
    }
}

#[test]
fn a_script_line_may_name_its_user() {
    let text = "vrrp_instance A {\n notify \"/bin/x 'a b' c\\ d\" joe staff\n notify_master /bin/y\n}\n";
    let reading = read_str(Path::new("t"), text, &ReadOptions::default());
    let notify = &reading.config.instances[0].notify;
    let any = &notify.any.as_ref().unwrap().value;
    assert_eq!(any.argv, ["/bin/x", "a b", "c d"]);
    let user = any.user.as_ref().unwrap();
    assert_eq!(
        (user.user.as_str(), user.group.as_deref()),
        ("joe", Some("staff"))
    );
    assert_eq!(notify.master.as_ref().unwrap().value.user, None);
}

#[test]
fn names_come_from_the_tables_that_global_defs_names() {
    let dir = TempDir::new();
    dir.file("etc/rt_scopes", "77 rack\n");
    let text = format!(
        "global_defs {{\n iproute_etc_dir {}\n}}\nvrrp_instance A {{\n interface eth0\n virtual_ipaddress {{\n \
         192.0.2.1 scope rack\n 192.0.2.2 scope site\n }}\n}}\n",
        dir.path("etc").display()
    );
    let scopes = |options: &ReadOptions| {
        let reading = read_str(Path::new("t"), &text, options);
        let scopes = reading.config.instances[0]
            .vips
            .iter()
            .map(|vip| vip.value.scope.0);
        scopes.collect::<Vec<_>>()
    };
    assert_eq!(scopes(&ReadOptions::default()), [77, 200]);
    let alone = ReadOptions {
        alone: true,
        ..ReadOptions::default()
    };
    assert_eq!(scopes(&alone), [0, 200]);
}

#[test]
fn a_text_that_is_read_alone_reaches_nothing_else() {
    let dir = TempDir::new();
    let other = dir.file("other.conf", &instance("NO"));
    let text = format!("include {}\n{}", other.display(), instance("A${_ENV PATH}"));
    let options = ReadOptions {
        alone: true,
        ..ReadOptions::default()
    };
    let reading = read_str(&dir.path("t"), &text, &options);
    assert_eq!(names(&reading), ["A"]);
    assert!(
        reading
            .diagnostics
            .iter()
            .any(|d| d.message.starts_with("no other files are read here"))
    );
}
