//! Includes, item by item (grammar 10).

use super::grammar::{options, tree_of};
use super::*;

#[test]
fn grammar_10_includes() {
    let dir = TempDir::new();
    for name in ["a.inc", "b.inc", "sub/c.inc", "with space", "}"] {
        dir.file(name, &format!("\"{name}\"\n"));
    }
    dir.file("sub/pwd", "${_PWD}\ninclude c.inc\n");
    dir.file("sub/*.odd", "odd\n");
    dir.file("run.inc0", "no\n");
    fs::set_permissions(dir.path("run.inc0"), fs::Permissions::from_mode(0o644)).unwrap();
    dir.file("check", "global_defs {\ninclude_check match\ninclude nested\n}\n");
    dir.file("nested", "include none\n");
    let missing = |class: &str, name: &str| format!("{class} Config files missing '{name}'.");
    let counted = |name| vec![missing("IncludeFailed", name)];
    let logged = |name| vec![missing("Note", name)];
    let none = Vec::new();
    for (item, text, wanted, said) in [
        ("10.1", "include a.inc", "a.inc;", none.clone()),
        ("10.1", "includes a.inc", "includes|a.inc;", none.clone()),
        ("10.1", "include\ninclude  \t", "include;include;", none.clone()),
        ("10.1", "include \"a.inc\"", "", logged("\"a.inc\"")),
        ("10.1", "include \t with space", "with space;", none.clone()),
        (
            "10.1",
            "global_defs { include a.inc\n}",
            "global_defs{a.inc;};",
            none.clone(),
        ),
        (
            "10.1",
            "global_defs { include a.inc }\n}",
            "global_defs{};",
            logged("a.inc }"),
        ),
        ("10.2", "include *.inc", "a.inc;b.inc;", none.clone()),
        ("10.2", "include {b,a}.inc", "b.inc;a.inc;", none.clone()),
        (
            "10.2",
            "include ?.inc\ninclude [^a].inc",
            "a.inc;b.inc;b.inc;",
            none.clone(),
        ),
        (
            "10.2",
            "include sub/c.inc\ninclude ./a.inc",
            "sub/c.inc;a.inc;",
            none.clone(),
        ),
        (
            "10.3",
            "include sub/pwd\nx${_PWD}",
            "SUB;sub/c.inc;xDIR;",
            none.clone(),
        ),
        (
            "10.4",
            "include sub\nincluder sub",
            "",
            vec![
                "Note Configuration file 'DIR/sub' is a directory - skipping".to_owned(),
                "IncludeFailed Configuration file 'DIR/sub' is a directory - skipping".to_owned(),
            ],
        ),
        ("10.5", "include none", "", logged("none")),
        ("10.5", "includer none", "", logged("none")),
        ("10.5", "includem none", "", counted("none")),
        ("10.5", "includem none*", "", logged("none*")),
        ("10.5", "includem {a.inc,none}", "a.inc;", logged("none")),
        ("10.5", "includew none", "", counted("none")),
        ("10.5", "includew none*", "", counted("none*")),
        ("10.5", "includew {a.inc,none}", "a.inc;", logged("none")),
        ("10.5", "includeb none", "", logged("none")),
        ("10.5", "includeb none*", "", logged("none*")),
        ("10.5", "includeb {a.inc,none}", "a.inc;", counted("none")),
        ("10.5", "includea none*", "", counted("none*")),
        ("10.5", "includea none", "", counted("none")),
        ("10.5", "includea {none,a.inc}", "a.inc;", counted("none")),
        (
            "10.6",
            "include check\ninclude none2",
            "global_defs{include_check|match;};",
            [logged("none2"), counted("none")].concat(),
        ),
        (
            "10.6",
            "global_defs { include_check +wildcard_match -wildcard_match }\ninclude none*",
            "global_defs{include_check|+wildcard_match|-wildcard_match;};",
            logged("none*"),
        ),
        (
            "10.6",
            "global_defs {\ninclude_check\ninclude_check -match\n}\ninclude none\ninclude no*",
            "global_defs{include_check;include_check|-match;};",
            [logged("none"), counted("no*")].concat(),
        ),
        (
            "10.6",
            "global_defs {\ninclude_check match read foo +bar +brace_match\n}\nincludem none\ninclude none\ninclude {none,a.inc}",
            "global_defs{include_check|match|read|foo|+bar|+brace_match;};a.inc;",
            [
                vec!["General Duplicate include_check 'read' specified - ignoring".to_owned()],
                counted("none"),
                counted("none"),
                counted("none"),
            ]
            .concat(),
        ),
    ] {
        let top = dir.file("top", text);
        let options = options();
        let mut reader = Reader::new(&options);
        assert!(reader.open_top(&top, false));
        let (tree, messages) = tree_of(reader, &options);
        let real = fs::canonicalize(dir.dir()).unwrap();
        let named = |text: &str| {
            let sub = real.join("sub");
            let text = text
                .replace(sub.to_str().unwrap(), "SUB")
                .replace(real.to_str().unwrap(), "DIR");
            text.replace("'SUB'", "'DIR/sub'")
        };
        assert_eq!(named(&tree), wanted, "{item}: {text}: {messages:?}");
        let messages: Vec<String> = messages.iter().map(|message| named(message)).collect();
        assert_eq!(messages, said, "{item}: {text}");
    }
    // 10.6: -e sets all; 10.8: the file of -f is a pattern.
    let top = dir.file("top", "include none*");
    let options = ReadOptions {
        all_config: true,
        ..options()
    };
    assert_eq!(read(&top, &options).diagnostics[0].class, Class::IncludeFailed);
    let reading = read(&dir.path("?.inc"), &ReadOptions::default());
    assert_eq!(reading.sources.files.len(), 2);
    assert_eq!(
        reading
            .diagnostics
            .iter()
            .filter(|d| d.class == Class::MultipleFiles)
            .count(),
        1
    );
}
