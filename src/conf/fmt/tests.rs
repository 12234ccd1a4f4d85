use super::*;

#[track_caller]
fn check(text: &str, wanted: &str) {
    let formatted = format(text).unwrap();
    assert_eq!(formatted, wanted);
    assert_eq!(format(&formatted).unwrap(), wanted, "twice is once");
}

#[track_caller]
fn stays(text: &str) {
    check(text, text);
}

#[test]
fn blocks_and_words() {
    check(
        "vrrp_instance  VI_1\n\n{\n state\tMASTER\n\n\n  virtual_ipaddress { 192.0.2.1/24   dev eth0 }}\n",
        "vrrp_instance VI_1 {\n    state MASTER\n\n    virtual_ipaddress {\n        192.0.2.1/24 dev eth0\n    }\n}\n",
    );
    check("a{b}c", "a {\n    b\n}\nc\n");
    check("TCP_CHECK { }", "TCP_CHECK {\n}\n");
    check("\r\nx  y\r\n\r\n\r\nz\r\n\r\n", "x y\n\nz\n");
    check("a {\n\n\nb\n\n\n}\n\n\n\nc", "a {\n    b\n}\n\nc\n");
    check("", "");
}

#[test]
fn comments_stay() {
    check("# a\n   ! b {\nx   # c  d\n", "# a\n! b {\nx # c  d\n");
    check(
        "a # one\n# two\n\n{ # three\nb#four\n# five\n} # six\n",
        "a { # one\n    # two\n    # three\n    b #four\n    # five\n} # six\n",
    );
    check("a\n{ # b\n}", "a { # b\n}\n");
    stays("x a\\#b\ny \"# no { comment\" # yes\n");
}

#[test]
fn quotes_stay() {
    check("a  \"b  c\"   d\"e  \"f\n", "a \"b  c\" d\"e  \"f\n");
    check("script   'a   b'  c \"d  e\"\n", "script 'a   b'  c \"d  e\"\n");
    check(
        "vrrp_script x{\nscript \"/bin/x '{ }'  \\\"y\\\"\"\n}\n",
        "vrrp_script x {\n    script \"/bin/x '{ }'  \\\"y\\\"\"\n}\n",
    );
    // A quote without end: the line is as it was.
    check("  a   \"b  { # c\n", "a   \"b  { # c\n");
}

#[test]
fn definitions_stay() {
    check(
        "  $A=x  y # c\n$M= a { \\\n\t b \\\n   c }\n\n\nx  ${A}  z\n",
        "$A=x  y # c\n$M= a { \\\n    b \\\n    c }\n\nx ${A} z\n",
    );
    // The empty line ends the value.
    check("$M=a \\\n\n\n b\n", "$M=a \\\n\nb\n");
    check("$M=a \\\n  # c\nb  c\n", "$M=a \\\n    # c\nb c\n");
    // What a definition may be is not known: the line stays.
    check("  a  $X  { b }\n", "a  $X  { b }\n");
    check("$M=a \\\nb\nx  $M\n{\n}\n", "$M=a \\\n    b\nx  $M\n{\n}\n");
    check("include  b.conf\n$A=1\nx  $A\n", "include  b.conf\n$A=1\nx  $A\n");
    check("$A=\"\nx  $A  a   b\"\n", "$A=\"\nx  $A  a   b\"\n");
    check("a  $5  b/$\n", "a $5 b/$\n");
}

#[test]
fn what_is_read_before_braces_stays() {
    check("  include  a{b,c}.conf\n", "include  a{b,c}.conf\n");
    check("~SEQ(I, 3)  a$I  { b  c }\n", "~SEQ(I, 3)  a$I  { b  c }\n");
    check("~LST({A,B}, {1,2})  x  $A\n", "~LST({A,B}, {1,2})  x  $A\n");
    // Cut here, it would be an include.
    check("a { include  x }\n", "a { include  x }\n");
    check("a { @lb1 x }\n", "a { @lb1 x }\n");
    check("a {\n} $B=1\n", "a {\n} $B=1\n");
}

#[test]
fn conditions() {
    check(
        "@lb1   a  A  {\n@^lb1 a B {\nb\n @lb1 c { d }\n}\n",
        "@lb1 a A {\n@^lb1 a B {\n    b\n    @lb1 c {\n        @lb1 d\n    @lb1 }\n}\n",
    );
    // The brace is not the condition's.
    check("@lb1 a\n@lb2 a\n{\nb\n}\n", "@lb1 a\n@lb2 a\n{\n    b\n}\n");
    check("@lb1\n @x # y\n", "@lb1\n@x # y\n");
    check("@lb1 $A=1\n@lb1 x   ${A}\n", "@lb1 $A=1\n@lb1 x ${A}\n");
    // Balanced for the identities that are meant.
    check("@lb1 a {\n@lb2 b {\nc\n}\n", "@lb1 a {\n@lb2 b {\n    c\n}\n");
}

#[test]
fn what_does_not_match_is_refused() {
    for (text, line) in [
        ("a {\nb\n", 1),
        ("a\n}\n", 2),
        ("a {\n}\n}\n", 3),
        ("@lb1 a {\nb\n", 1),
        ("a {\n@lb1 }\n@lb2 b {\n}\n", 4),
        ("x\n\0\n", 2),
    ] {
        assert_eq!(format(text).unwrap_err().line, line, "{text}");
    }
    let long = "x".repeat(1_023);
    assert_eq!(format(&long).unwrap_err().line, 1);
}

#[test]
fn a_line_that_just_fits_still_fits() {
    let long = "x".repeat(1_020);
    check(&format!("a {{\n  {long}\n}}\n"), &format!("a {{\n{long}\n}}\n"));
    assert!(format(&format!("{long}\n{{\n}}\n")).is_ok());
    assert!(format(&format!("{long}x\n{{\n}}\n")).is_err());
}

/// As long as the text, and no longer.
#[test]
fn many_identities_and_lines_are_no_burden() {
    let lines: String = (0..50_000).map(|n| format!("@host{n} x   {n}\n")).collect();
    assert_eq!(format(&lines).unwrap(), lines.replace("   ", " "));
    let blocks: String = (0..200)
        .map(|n| format!("@host{n} x {{\n@host{n} }}\n"))
        .collect();
    assert_eq!(format(&blocks).unwrap_err().line, 199);
}

#[test]
fn a_definition_that_the_end_of_the_file_ends_stays_the_last_line() {
    let once = format("$A= \\ # x\n").unwrap();
    assert_eq!(format(&once).as_ref(), Ok(&once));
}
