use super::*;
use std::path::Path;

fn expand(text: &str) -> (Vec<String>, Vec<String>) {
    let options = ReadOptions {
        config_id: "main".to_owned(),
        ..ReadOptions::default()
    };
    let mut reader = Reader::new(&options);
    reader.open_bytes(Path::new("test.conf"), text.as_bytes());
    let mut expander = Expander::new(reader, &options);
    let lines = std::iter::from_fn(|| expander.next())
        .map(|line| line.text.as_str().to_owned())
        .collect();
    let messages = expander
        .reader
        .diagnostics
        .into_iter()
        .map(|d| d.message)
        .collect();
    (lines, messages)
}

fn lines(text: &str) -> Vec<String> {
    let (lines, messages) = expand(text);
    assert_eq!(messages, Vec::<String>::new(), "{text}");
    lines
}

#[test]
fn conditions() {
    assert_eq!(
        lines("@main a 1\n@other b\n@^main c\n@^other d\n@main\nx @main"),
        ["a 1", "d", "x @main"]
    );
}

#[test]
fn definitions_are_replaced_where_they_are_used() {
    assert_eq!(
        lines("$A=one two # no\n$B=${A}!\nx $A\ny${A}z $A/24 \"$A\" \"${A}\" $NO ${NO}"),
        ["x one two", "yone twoz $A/24 \"$A\" \"one two\" $NO ${NO}"]
    );
    assert_eq!(lines("$A=x$B\n$B=y\nk ${A}\nk ${A}z"), ["k xy", "k x$Bz"]);
    assert_eq!(lines("@main $W=1\n@other $W=2\np $W"), ["p 1"]);
    assert_eq!(
        lines("i ${_INSTANCE}\na${_HASH}b\n\"a${_HASH}b\""),
        ["i main", "a", "\"a#b\""]
    );
}

#[test]
fn multi_line_definitions() {
    let text = "$M=1.1.1.1 \\\n   2.2.2.2 \\\n  3.3.3.3\nu $M\nend";
    assert_eq!(lines(text), ["u 1.1.1.1", "2.2.2.2", "3.3.3.3", "end"]);
}

#[test]
fn endless_definitions_end() {
    let (out, messages) = expand("$A=$A\nx $A\ny");
    assert_eq!(out, ["x $A", "y"]);
    assert_eq!(messages.len(), 1);
    let (_, messages) = expand("$A=xx$A\n$B=${A}${B}\nx $B\ny");
    assert_eq!(messages.len(), 1);
}

#[test]
fn a_definition_of_several_lines_that_refers_to_itself_is_one_mistake() {
    for text in [
        "$A=a \\\n b $A\nx $A",
        "$A=a \\\n ~SEQ(I, 2) $A\nx $A",
        "$A=a \\\n $B\n$B=b \\\n $A\nx $A",
    ] {
        let (out, messages) = expand(text);
        assert!(out.len() <= 5, "{out:?}");
        assert!((1..=2).contains(&messages.len()), "{messages:?}");
        assert!(messages[0].contains("refers to itself"), "{messages:?}");
    }
}

#[test]
fn repetition() {
    assert_eq!(
        lines("~SEQ(X, 3) ip $X\n~SEQx(H, 9, 11) h${H}"),
        ["ip 1", "ip 2", "ip 3", "h9", "ha", "hb"]
    );
    assert_eq!(
        lines("$E=2\n~SEQ(A, $E) ~LST(B, x, y) $A $B"),
        ["1 x", "1 y", "2 x", "2 y"]
    );
    assert_eq!(lines("~LST({A,B}, {1,2}, {3,4}) k $A $B"), ["k 1 2", "k 3 4"]);
    let (_, messages) = expand("~SEQ(A, 1, 0, 5) x");
    assert_eq!(messages.len(), 1);
}

#[test]
fn built_in_definitions_check_their_arguments() {
    let (out, messages) = expand("e ${_ENV}\nr ${_RANDOM a}\ns ${_RANDOM 7 7}");
    assert_eq!(out, ["e ${_ENV}", "r ${_RANDOM a}", "s 7"]);
    assert_eq!(messages.len(), 2);
}

#[test]
fn columns_point_at_what_was_typed() {
    let options = ReadOptions::default();
    let mut reader = Reader::new(&options);
    reader.open_bytes(Path::new("t"), b"$A=long value\n  k $A end");
    let line = Expander::new(reader, &options).next().unwrap();
    assert_eq!(line.text.as_str(), "k long value end");
    assert_eq!((line.number, line.text.column(0)), (2, 3));
    assert_eq!((line.text.column(2), line.text.column(13)), (5, 8));
}
