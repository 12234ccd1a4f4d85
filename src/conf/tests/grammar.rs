//! The language item by item, in the numbers of the founders' notes on the grammar.
//!
//! A row is: the item, a text, what it is read as (words joined by `|`, blocks in braces), and what is said of it.

use super::*;
use crate::conf::tree::Statement;
use std::fmt::Write;

type Row<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

fn show(statements: &[Statement], out: &mut String) {
    for statement in statements {
        let words: Vec<&str> = statement.words.iter().map(|word| word.text.as_str()).collect();
        let _ = write!(out, "{}", words.join("|"));
        if let Some(body) = &statement.body {
            out.push('{');
            show(body, out);
            out.push('}');
        }
        out.push(';');
    }
}

/// The tree of what `reader` reads, and what the stages before lowering say.
pub(super) fn tree_of(reader: Reader, options: &ReadOptions) -> (String, Vec<String>) {
    let mut expander = Expander::new(reader, options);
    let (tree, mut diagnostics) = tree::build(std::iter::from_fn(|| expander.next()));
    diagnostics.append(&mut expander.reader.diagnostics);
    diag::sort(&mut diagnostics, &expander.reader.sources);
    let mut out = String::new();
    show(&tree, &mut out);
    let said = diagnostics
        .into_iter()
        .map(|d| format!("{:?} {}", d.class, d.message));
    (out, said.collect())
}

pub(super) fn options() -> ReadOptions {
    ReadOptions {
        config_id: "main".to_owned(),
        ..ReadOptions::default()
    }
}

fn check(rows: &[Row<'_>]) {
    for (item, text, wanted, said) in rows {
        let options = options();
        let mut reader = Reader::new(&options);
        reader.open_bytes(Path::new("dir/t"), text.as_bytes());
        let (out, messages) = tree_of(reader, &options);
        assert_eq!(out, *wanted, "{item}: {text}\n{messages:?}");
        assert_eq!(messages, *said, "{item}: {text}");
    }
}

/// What is said of the whole reading of `text`, class and message.
fn said(text: &str, test: bool) -> Vec<String> {
    let options = ReadOptions { test, ..options() };
    let reading = read_str(Path::new("t"), text, &options);
    let said = reading.diagnostics.iter();
    said.map(|d| format!("{:?} {}", d.class, d.message)).collect()
}

#[test]
fn grammar_2_lines() {
    let longest = "x".repeat(1022);
    let too_long = format!("a\n{longest}\n{longest}y\n{longest}zz\nb");
    let at_the_end = format!("{longest}y");
    let too_long_tree = format!("a;{longest};b;");
    let at_the_end_tree = format!("{at_the_end};");
    let long = "General line too long - ignoring";
    let nul = "General configuration appears to have embedded NULs - ignoring line";
    check(&[
        ("2.1", &too_long, &too_long_tree, &[long, long]),
        ("2.1", &at_the_end, &at_the_end_tree, &[]),
        ("2.2", "a\nb\0c\nd", "a;d;", &[nul]),
        ("2.3", "a 1\r\nb 2\r\r\n\r\nc", "a|1;b|2;c;", &[]),
        ("2.4", " \t a \t \n\n \t\n\tb", "a;b;", &[]),
        ("2.4", "\u{a0}a\u{a0}b", "\u{a0}a\u{a0}b;", &[]),
        ("2.5", "a b\\\nc\\", "a|b\\;c\\;", &[]),
        ("2.6", "a { \r # b\n\x0b\n}", "a{};", &[]),
        ("2.6", "a\tb\x0bc\x0cd\re  f", "a|b|c|d|e|f;", &[]),
    ]);
    // Octets count, also of what is no text.
    let mut bytes = b"a \xe9\n".repeat(2);
    bytes.extend([0xe9; 1022]);
    bytes.extend(b"\n");
    bytes.extend([0xe9; 1023]);
    bytes.extend(b"\nb");
    let dir = TempDir::new();
    let path = dir.path("latin1");
    fs::write(&path, &bytes).unwrap();
    let options = options();
    let mut reader = Reader::new(&options);
    assert!(reader.open_top(&path, false));
    let (tree, messages) = tree_of(reader, &options);
    assert_eq!(tree.split(';').count(), 5, "{tree}");
    let damaged = "Unheeded the line is not UTF-8: what is not is replaced by U+FFFD";
    assert_eq!(messages, [damaged, damaged, damaged, long]);
}

#[test]
fn grammar_3_comments() {
    let note = "Note a backslash before `#` or `!` keeps no comment from beginning here";
    check(&[
        ("3.1", "a#b\n# c\n! d\ne !f", "a;e;", &[]),
        ("3.2", "a \"b#c!d\" 'e#f'", "a|b#c!d|'e;", &[]),
        (
            "3.3",
            "global_defs {\na\\#b\\!c # d\n}",
            "global_defs{a#b!c;};",
            &[],
        ),
        (
            "3.3",
            "vrrp_instance A {\na b\\#c }\n}\nvirtual_server 1 2 {\nd\\!e\n}",
            "vrrp_instance|A{a|b;};virtual_server|1|2{d;};",
            &[note, note],
        ),
        (
            "3.3",
            "vrrp_instance A {\na \"b\\#c\"\n}",
            "vrrp_instance|A{a|b\\#c;};",
            &[],
        ),
        ("3.4", "a\\nb \\\"c # d", "a\\nb|\\;", &[]),
        ("3.4", "a \"b\\\" # c\"", "a|b\\|#|c;", &[]),
        (
            "3.5",
            "a${_HASH}b\nc${_BANG}d\n\"e${_HASH}f${_BANG}\"\n$X=g # h\n$X i",
            "a;c;e#f!;g|i;",
            &[],
        ),
        ("3.5", "$X=a\\#b\n${X}c", "a;", &[]),
    ]);
    // 3.6, 4.4: one message for the quote.
    assert_eq!(
        said(
            "vrrp_instance A {\ninterface eth0\ndont_track_primary \"x\n}",
            true
        )
        .iter()
        .filter(|message| message.contains("quote"))
        .collect::<Vec<_>>(),
        ["UnmatchedQuote Unmatched quote: 'dont_track_primary \"x'"]
    );
}

#[test]
fn grammar_4_words() {
    check(&[
        ("4.1", "a \"b c\" \"d{e}\" \"f\\\"", "a|b c|d{e}|f\\;", &[]),
        ("4.2", "ff\"gg hh\"ii\nk \"\" x", "ff|gg hh|ii;k||x;", &[]),
        ("4.3", "k 'a b'", "k|'a|b';", &[]),
        ("4.4", "k a \"b c", "k|a;", &[]),
        (
            "4.4",
            "vrrp_sync_group G {\ngroup {\nA \"B\n}\n}",
            "vrrp_sync_group|G{group{A;};};",
            &["UnmatchedQuote Unmatched quote: 'A \"B'"],
        ),
    ]);
    let script = |line: &str| {
        let text = format!("vrrp_instance A {{\ninterface eth0\n{line}\n}}");
        let reading = read_str(Path::new("t"), &text, &options());
        let command = reading.config.instances[0].notify.any.clone();
        command.map(|command| {
            let mut words = command.value.argv.clone();
            if let Some(user) = command.value.user {
                words.push(format!("as {}", user.user));
                words.extend(user.group);
            }
            words
        })
    };
    for (line, wanted) in [
        ("notify /bin/a", vec!["/bin/a"]),
        // What is not quoted is the user, and the group.
        ("notify /bin/a joe staff x", vec!["/bin/a", "as joe", "staff"]),
        ("notify \"/bin/a 'b c' d\"", vec!["/bin/a", "b c", "d"]),
        (
            "notify '/bin/a \"b c\" d' joe",
            vec!["/bin/a", "b c", "d", "as joe"],
        ),
        ("notify /bin/'a b'\" c\"", vec!["/bin/a", "b", "c"]),
        (
            "notify \"/bin/a \\x41\\102\\cAz\\q\\\\\"",
            vec!["/bin/a", "AB\x01zq\\"],
        ),
    ] {
        assert_eq!(script(line).unwrap(), wanted, "4.5: {line}");
    }
    for (line, message) in [
        (
            "notify \"/bin/a 'b\"",
            "General String '/bin/a 'b': missing terminating '",
        ),
        (
            "notify '/bin/a",
            "UnmatchedQuote String 'notify '/bin/a': missing terminating '",
        ),
        (
            "notify /bin/a\\",
            "General Missing escape char at end: '/bin/a\\'",
        ),
    ] {
        let text = format!("vrrp_instance A {{\ninterface eth0\n{line}\n}}");
        let said = said(&text, true);
        assert!(said.iter().any(|said| said == message), "4.5: {line}: {said:?}");
        assert!(script(line).is_none(), "4.5: {line}");
    }
    // 4.6, 4.7
    let text = "vrrp_instance A {\ninterface eth0 x y\nstate backup\nPriority 7\npriority 9 z\n}";
    let reading = read_str(Path::new("t"), text, &options());
    let instance = &reading.config.instances[0];
    assert_eq!(instance.interface.as_ref().unwrap().value, "eth0");
    assert_eq!(instance.priority.as_ref().map(|priority| priority.value), Some(9));
    let said: Vec<Class> = reading.diagnostics.iter().map(|d| d.class).collect();
    assert_eq!(said, [Class::General, Class::UnknownKeyword]);
}

#[test]
fn grammar_5_blocks() {
    let open = "UnexpectedOpen Unexpected '{' - ignoring";
    check(&[
        (
            "5.1",
            "global_defs{ router_id x }vrrp_instance A{virtual_ipaddress\n{1.1.1.1\n} }",
            "global_defs{router_id|x;};vrrp_instance|A{virtual_ipaddress{1.1.1.1;};};",
            &[],
        ),
        (
            "5.2",
            "global_defs {\nrouter_id a${NO}b\nx \"${NO}\" $NO\n}",
            "global_defs{router_id|a${NO}b;x|${NO}|$NO;};",
            &["UnexpectedOpen ${NO} is not defined"],
        ),
        (
            "5.3",
            "vrrp_instance A {\nvirtual_ipaddress {\n1.1.1.1 dev x\n2.2.2.2\n}\n}\nvrrp_sync_group G {\ngroup {\nA B\nC\n}\n}",
            "vrrp_instance|A{virtual_ipaddress{1.1.1.1|dev|x;2.2.2.2;};};vrrp_sync_group|G{group{A|B;C;};};",
            &[],
        ),
        (
            "5.4",
            "vrrp_instance A {\nvirtual_ipaddress\n1.1.1.1\n}\n}",
            "vrrp_instance|A{virtual_ipaddress{1.1.1.1;};};",
            &["MissingOpen '{' missing from beginning of block virtual_ipaddress"],
        ),
        (
            "5.5",
            "vrrp_instance A\nstate BACKUP\n}",
            "vrrp_instance|A{state|BACKUP;};",
            &["MissingOpen Missing '{' at beginning of configuration block vrrp_instance"],
        ),
        ("5.6", "{\nglobal_defs {\n}\n}", "global_defs{};", &[open]),
        (
            "5.6",
            "}\nglobal_defs {\n}",
            "global_defs{};",
            &["UnexpectedClose Extra '}' found"],
        ),
        (
            "5.6",
            "global_defs {\nrouter_id x",
            "global_defs{router_id|x;};",
            &["MissingClose There are 1 missing '}'s or extra '{'s"],
        ),
    ]);
    assert_eq!(
        said(
            "vrrp_instance A {\ninterface eth0\nvirtual_ipaddress x y {\n}\n}",
            true
        ),
        ["General Block virtual_ipaddress has extra parameters x y"],
        "5.4"
    );
    assert_eq!(
        said(
            "frob x {\na {\nb\n}\n}\nvrrp_instance A {\ninterface eth0\nfrob\n}",
            true
        ),
        [
            "UnknownKeyword Unknown keyword 'frob'",
            "UnknownKeyword Unknown keyword 'frob'"
        ],
        "5.7, a whole block is one mistake"
    );
    // 5.8: of two blocks with one name the second is skipped; 5.9: the last of two values counts, blocks add up.
    let text = "vrrp_instance A {\ninterface eth0\npriority 5\npriority 6\nvirtual_ipaddress {\n1.1.1.1\n}\n\
                virtual_ipaddress {\n2.2.2.2\n}\n}\nvrrp_instance A {\nfrob\n}\nglobal_defs {\nrouter_id x\n}\n\
                global_defs {\nvrrp_version 3\n}";
    let reading = read_str(Path::new("t"), text, &options());
    assert_eq!(names(&reading), ["A"]);
    let instance = &reading.config.instances[0];
    assert_eq!(instance.priority.as_ref().map(|priority| priority.value), Some(6));
    assert_eq!(instance.vips.len(), 2);
    assert_eq!(reading.config.global.router_id.as_deref(), Some("x"));
    assert_eq!(
        said(
            "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\nvrrp_instance A {\ninterface eth0\n}",
            true
        ),
        Vec::<String>::new(),
        "5.10, a group may come before its instances"
    );
}

#[test]
fn grammar_7_conditions() {
    check(&[
        (
            "7.1",
            "@main a 1\n@other b\n@^main c\n@^other d\n@!main e",
            "a|1;d;",
            &[],
        ),
        (
            "7.3",
            "@mai a\n@main\n@main  \nb @main\n@ c\n@^ d",
            "b|@main;d;",
            &[],
        ),
        (
            "7.4",
            "@main $W=1\n@other $W=2\n@main global_defs {\n@other vrrp_instance X {\nx $W\n@main }\n@other }",
            "global_defs{x|1;};",
            &[],
        ),
        (
            "7.5",
            "$A=@other\n$A x\n@main @other y",
            "@other|x;@other|y;",
            &[],
        ),
    ]);
}

#[test]
fn grammar_8_definitions() {
    let most = "x".repeat(1016);
    let too_much = format!("$A={most}\nk 12345 $A\nj");
    check(&[
        (
            "8.1",
            "$A=  b c # d\n$_x9=e\n$E=\nk $A $_x9 x${E}y\n$A=f\nk $A\n$ A=1\n$9=1\n$B =2\n$_INSTANCE=i\nk ${_INSTANCE}",
            "k|b|c|e|xy;k|f;$|A=1;$9=1;$B|=2;k|i;",
            &[],
        ),
        (
            "8.2",
            "$A=b\nk $A $A,$A) $A/24 \"$A\" \"${A}\" c${A}d $A\tx$A",
            "k|b|b,b)|$A/24|$A|b|cbd|b|xb;",
            &[],
        ),
        ("8.3", "k $NO \"${NO}\" $", "k|$NO|${NO}|$;", &[]),
        (
            "8.4",
            "$A=x$B\n$B=y\nk ${A}\nk ${A}z\n$C=$D\n$D=w\nk $C",
            "k|xy;k|x$Bz;k|w;",
            &[],
        ),
        (
            "8.4",
            "$A=$A\nk $A\nj",
            "k|$A;j;",
            &["General definitions on line 'k $A' refer to each other without end"],
        ),
        (
            "8.4",
            &too_much,
            "k|12345|$A;j;",
            &["General Parameter substitution on line 'k 12345 $A' would exceed maximum line length"],
        ),
        (
            "8.6",
            "$M= a \\\n   b \\\n\\\n c # x\nk $M\n$N=d \\\n\nk $N\n$O=\\\ne\\\nf\n$O",
            "k|a;b;c;k|d;e;f;",
            &[],
        ),
        (
            "8.7",
            "$I=x \\\n y\n$M=a $I\\\n@main b\\\n@other c\\\n~SEQ(S, 2) d$S\\\n$L=e\nu$M\nk $L",
            "ua|x;y;b;d1;d2;k|e;",
            &[],
        ),
        (
            "8.7",
            "$M=a\\\nb\nk \"${M}\" c",
            "k|${M}|c;",
            &["General multi-line definition M must be at the end of the line"],
        ),
        (
            "8.8",
            "k ${_INSTANCE} \"${_HASH}${_BANG}\" x${_ENV NO_SUCH_VARIABLE}y",
            "k|main|#!|xy;",
            &[],
        ),
        ("8.8", "k ${_RANDOM 7 7} ${_RANDOM 32767}", "k|7|32767;", &[]),
        (
            "8.8",
            "k \"${_PWD x}\"\nk \"${_RANDOM a}\"\nk \"${_RANDOM 1 2 3}\"\nk ${_RANDOM 9 8}\nk \"${_ENV}\"",
            "k|${_PWD x};k|${_RANDOM a};k|${_RANDOM 1 2 3};k|9;k|${_ENV};",
            &[
                "General Definition _PWD requires between 0 and 0 parameters, 1 specified.",
                "General Definition _RANDOM requires numeric parameters only.",
                "General Definition _RANDOM requires between 0 and 2 parameters, 3 specified.",
                "General ${_RANDOM}: min 9 exceeds max 8, using 9",
                "General Definition _ENV requires between 1 and 1 parameters, 0 specified.",
            ],
        ),
        (
            "8.8",
            "k \"${_ENV HO-ME}\" \"${_RANDOM -5 5}\" \"${_HASH }\"",
            "k|${_ENV HO-ME}|${_RANDOM -5 5}|${_HASH };",
            &[],
        ),
    ]);
    let path = std::env::var("PATH").unwrap();
    let options = options();
    let mut reader = Reader::new(&options);
    reader.open_bytes(
        Path::new("/usr/bin/../bin/t"),
        "\"${_ENV PATH}\"\n${_PWD}\n${_RANDOM}\n${_RANDOM}".as_bytes(),
    );
    let (tree, _) = tree_of(reader, &options);
    let lines: Vec<&str> = tree.split_terminator(';').collect();
    assert_eq!(lines[..2], [path.as_str(), "/usr/bin"]);
    assert_ne!(lines[2], lines[3], "8.8, every use is another number");
    assert!(lines[2].parse::<u32>().unwrap() <= 32_767);
}

#[test]
fn grammar_9_repetition() {
    check(&[
        (
            "9.1",
            "~SEQ(X, 3) a$X\n~SEQ(X, -2) b$X\n~SEQ(X, 0) c$X\n~SEQ(X, 4, 2) d$X\n~SEQ(X, 1, 2, 6) e$X\n~SEQ(X, 0x0a, 012) f$X",
            "a1;a2;a3;b-1;b-2;c1;c0;d4;d3;d2;e1;e3;e5;f10;",
            &[],
        ),
        (
            "9.1",
            "$E=2\n~SEQ(X, $E) a$X\n~SEQ(X,${E},3)b$X",
            "a1;a2;b2;b3;",
            &[],
        ),
        (
            "9.1",
            "~SEQ(X, 1, 0, 5) a\n~SEQ(X, 5, 1, 1) a\n~SEQ(X, a) a",
            "",
            &[
                "General Invalid ~SEQ values '~SEQ(X, 1, 0, 5)'",
                "General Invalid ~SEQ values '~SEQ(X, 5, 1, 1)'",
                "General Invalid ~SEQ values '~SEQ(X, a)'",
            ],
        ),
        (
            "9.2",
            "~SEQx(X, 9, 11) a$X\n~SEQx(X, -1) b",
            "a9;aa;ab;",
            &["General Invalid ~SEQ values '~SEQx(X, -1)'"],
        ),
        (
            "9.3",
            "~LST(X, v1, , v3) a${X}z\n~LST({A,B}, {1,2}, {3}, 4) b${A}_$B\n~LST(X, {1,2}) c",
            "av1z;az;av3z;b1_2;b3_;b4_;",
            &["General ~LST specification has too many values '~LST(X, {1,2})'"],
        ),
        (
            "9.4",
            "x ~SEQ(X, 2) y\n~SEQ(A, 2) ~LST(B, x, y) ${A}$B",
            "x|~SEQ(X,|2)|y;1x;1y;2x;2y;",
            &[],
        ),
        ("9.5", "~SEQ(X, 2) a$X\nb$X", "a1;a2;b2;", &[]),
        ("9.6", "$S=~SEQ(X, 2) a\n$S", "~SEQ(X,|2)|a;", &[]),
        ("9.6", "$S=a\\\n~SEQ(X, 2) b$X\n$S", "a;b1;b2;", &[]),
        ("9.7", "~FOO(X) a\n~ b", "~FOO(X)|a;~|b;", &[]),
        (
            "9.7",
            "~SEQ(X) a\n~SEQ(1X, 2) a\n~SEQ a\n~LST() a\n~LST(X, {1 a",
            "",
            &[
                "General Invalid ~SEQ specification '~SEQ(X)'",
                "General Invalid ~SEQ specification '~SEQ(1X, 2)'",
                "General Invalid ~SEQ specification '~SEQ a'",
                "General Invalid ~LST specification '~LST()'",
                "General Invalid ~LST specification '~LST(X, {1 a'",
            ],
        ),
    ]);
}

/// What is said of one line of a `vrrp_instance`, and of one of `global_defs`.
fn said_of(instance: &str, global: &str, test: bool) -> Vec<String> {
    let text = format!("global_defs {{\n{global}\n}}\nvrrp_instance A {{\ninterface eth0\n{instance}\n}}");
    said(&text, test)
}

#[test]
fn grammar_6_values() {
    for (item, line, in_test, running) in [
        ("6.1", "garp_master_repeat +7", "", ""),
        ("6.1", "garp_master_repeat \" 7\"", "", ""),
        (
            "6.1",
            "garp_master_repeat \"7 \"",
            "invalid number '7 '",
            "WARNING - invalid number '7 '",
        ),
        (
            "6.1",
            "garp_master_repeat -7",
            "negative number '-7'",
            "negative number '-7'",
        ),
        (
            "6.1",
            "garp_master_repeat 1_7",
            "invalid number '1_7'",
            "WARNING - invalid number '1_7'",
        ),
        (
            "6.1",
            "garp_master_repeat 4294967296",
            "number '4294967296' outside unsigned integer range",
            "number '4294967296' outside unsigned integer range",
        ),
        (
            "6.2",
            "garp_master_repeat 5x",
            "invalid number '5x'",
            "WARNING - invalid number '5x'",
        ),
        (
            "6.2",
            "garp_master_repeat x5",
            "invalid number 'x5'",
            "invalid number 'x5'",
        ),
        ("6.2", "priority 5x", "invalid number '5x'", "invalid number '5x'"),
        (
            "6.2",
            "priority 256",
            "number '256' outside range [1, 255]",
            "number '256' outside range [1, 255]",
        ),
        (
            "6.2",
            "virtual_router_id 5x",
            "invalid number '5x'",
            "invalid number '5x'",
        ),
        ("6.3", "advert_int .5", "", ""),
        ("6.3", "advert_int +5.", "", ""),
        (
            "6.3",
            "advert_int -5",
            "negative number '-5'",
            "negative number '-5'",
        ),
        (
            "6.3",
            "advert_int 1s",
            "invalid number '1s'",
            "invalid number '1s'",
        ),
        (
            "6.3",
            "advert_int 1e3",
            "invalid number '1e3'",
            "invalid number '1e3'",
        ),
        ("6.3", "advert_int .", "invalid number '.'", "invalid number '.'"),
        (
            "6.3",
            "advert_int 1.00000049",
            "number '1.00000049' has too many decimal places",
            "number '1.00000049' has too many decimal places",
        ),
    ] {
        let keyword = line.split(' ').next().unwrap();
        for (test, wanted) in [(true, in_test), (false, running)] {
            let said = said_of(line, "", test);
            if wanted.is_empty() {
                assert_eq!(said, Vec::<String>::new(), "{item}: {line}");
            } else {
                let (warning, wanted) = match wanted.strip_prefix("WARNING - ") {
                    Some(wanted) => ("WARNING - ", wanted),
                    None => ("", wanted),
                };
                // Two have words of their own.
                let keyword = match keyword {
                    "priority" => {
                        "(A) Priority not valid! must be between 1 & 255. Using default 100".to_owned()
                    }
                    "virtual_router_id" => {
                        let word = line.split(' ').nth(1).unwrap();
                        format!("(A) VRID '{word}' not valid - must be between 1 & 255")
                    }
                    other => other.to_owned(),
                };
                let wanted = format!("InvalidNumber {warning}{keyword}: {wanted}");
                assert_eq!(said, [wanted], "{item}: {line}");
            }
        }
    }
    // Too many digits: rounded half up and used, also with -t; `1e3` is left out.
    for (value, wanted) in [
        ("1.0000014", Some(1_000_001)),
        ("1.0000015", Some(1_000_002)),
        ("1e3", None),
    ] {
        let text = format!("vrrp_instance A {{\ninterface eth0\nadvert_int {value}\n}}");
        let options = ReadOptions {
            test: true,
            ..options()
        };
        let reading = read_str(Path::new("t"), &text, &options);
        let interval = reading.config.instances[0].advert_int.as_ref();
        let interval = interval.map(|interval| interval.value.as_micros());
        assert_eq!(interval, wanted, "6.3: {value}");
    }
    for word in ["true", "on", "yes", "false", "off", "no", ""] {
        let said = said_of(&format!("lower_prio_no_advert {word}"), "", true);
        assert_eq!(said, Vec::<String>::new(), "6.4: {word}");
    }
    for word in ["True", "1", "0", "ON", "enable"] {
        let said = said_of("", &format!("smtp_alert {word}"), true);
        assert!(
            said.iter()
                .any(|said| said.starts_with("General ") && said.contains(word)),
            "6.4: {word}: {said:?}"
        );
    }
    // Strict where keepalived is, also while running.
    for line in [
        "vrrp_netlink_cmd_rcv_bufs 7x",
        "nftables_priority 7x",
        "child_wait_time 7x",
        "random_seed 7x",
    ] {
        let (global, root) = match line.starts_with("child") {
            true => ("", line),
            false => (line, ""),
        };
        let said = said(&format!("{root}\nglobal_defs {{\n{global}\n}}"), false);
        let refused = |said: &&String| said.starts_with("InvalidNumber ") && !said.contains("WARNING");
        assert_eq!(said.iter().filter(refused).count(), 1, "6.2: {line}: {said:?}");
    }
    let missing = "MissingParameter *** Configuration line starting `priority` is missing a parameter after keyword \
                   `priority` at word position 2";
    assert_eq!(said_of("priority", "", true), [missing], "6.6");
}

/// 12.1: `-f` and `-e` are above, `-i` is in 7, `-t` in 6. 12.2: nothing else is there.
#[test]
fn grammar_12_no_other_helpers() {
    check(&[
        ("12.2", "a $$ $(b) $((1+1))", "a|$$|$(b)|$((1+1));", &[]),
        ("12.2", "$A=x\na $$A \"${A:-b}\"", "a|$x|${A:-b};", &[]),
    ]);
}
