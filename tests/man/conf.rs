//! steadfast.conf(5): how text is read, and every keyword with its words and its state from their tables.

use super::{Page, Writer};
use clap_mangen::roff::{bold, italic, roman};
use steadfast::conf::keyword::help::{self, Help};
use steadfast::conf::keyword::{self, Keyword, Status};

pub(crate) fn page() -> Page {
    let mut page = Writer::new();
    let source = format!("steadfast {}", env!("CARGO_PKG_VERSION"));
    page.roff.control(
        "TH",
        ["STEADFAST.CONF", "5", &super::date(), &source, "File formats"],
    );
    page.section("NAME");
    page.roff.text([roman(
        "steadfast.conf - configuration of steadfast, in the language of keepalived.conf",
    )]);
    page.section("DESCRIPTION");
    page.text(
        "`steadfast`(8) reads keepalived's configuration, `/etc/keepalived/keepalived.conf` unless told otherwise, as \
         keepalived 2.4.3 does. `steadfast -t` names every mistake in it, and every keyword that is known and has no \
         effect yet; those are marked here too.",
    );
    reading(&mut page);
    page.section("KEYWORDS");
    page.text(
        "Words in capitals stand for something, what is in brackets may be left out. BOOL is one of true, on, yes, \
         false, off and no; without it true is meant. Seconds may have six decimals. SCRIPT is a program, or a \
         program and its arguments in quotes.",
    );
    for block in help::blocks() {
        let Some(about) = help::of_block(block) else {
            continue;
        };
        page.subsection(block.name());
        let line = if about.arguments.is_empty() || about.arguments == "{ ... }" {
            String::new()
        } else {
            format!(" A line is: {}.", about.arguments)
        };
        page.text(&format!("{}.{line}", about.meaning));
        if !block.includes().is_empty() {
            let names: Vec<_> = block.includes().iter().map(|block| block.name()).collect();
            page.text(&format!("It has the keywords of {} too.", names.join(" and of ")));
        }
        for keyword in keyword::all().filter(|keyword| keyword.block == block) {
            if let Some(help) = help::of(keyword) {
                entry(&mut page, keyword, help);
            }
        }
    }
    page.section("EXAMPLE");
    page.example(include_str!("../../etc/pair.conf.example"));
    page.section("SEE ALSO");
    page.text("`steadfast`(8)");
    ("steadfast.conf.5", page.finish())
}

fn entry(page: &mut Writer, keyword: &Keyword, help: &Help) {
    let mut term = vec![bold(keyword.name)];
    if !help.arguments.is_empty() {
        term.extend([roman(" "), italic(help.arguments)]);
    }
    let mut text = format!("{}.", help.meaning);
    if !help.range.is_empty() {
        text.push_str(&format!(" Range: {}.", help.range));
    }
    if !help.default.is_empty() {
        text.push_str(&format!(" Default: {}.", help.default));
    }
    match keyword.status {
        Status::Acted => {}
        Status::NotYet => text.push_str(" It has no effect yet."),
    }
    page.item(term, &text);
}

fn reading(page: &mut Writer) {
    page.section("HOW IT IS READ");
    for (title, text) in [
        (
            "Lines and comments",
            "A line ends at its newline; carriage returns and blanks at its ends do not count. It has at most 1022 \
             octets: a longer one, and one with a NUL, is left out and named. `#` and `!` begin a comment anywhere, \
             but not within double quotes or after a backslash.",
        ),
        (
            "Words",
            "Words are separated by blanks. Double quotes make one word of what is between them, with nothing to escape \
             in it; a quote also ends the word before it. Keywords that take a script follow a shell's rules \
             instead: single and double quotes, parts that join, and backslash escapes (`\\n`, `\\t`, `\\x41`, `\\101` and \
             the like). More words than a keyword takes are left aside. Keywords are case-sensitive.",
        ),
        (
            "Blocks",
            "A brace outside double quotes ends the line before it, so `{` may stand on the line of its keyword or \
             on the next, and a whole block may be on one line. Some blocks hold keywords; others are lists, one entry a \
             line or one a word. A keyword that comes twice counts as it stands last, lists grow, blocks are \
             further ones. Blocks may come in any order, except that what a list of tracked objects names must stand before \
             it.",
        ),
        (
            "Numbers",
            "Whole numbers are decimal, times have a decimal point and at most six decimals. What is out of \
             range, malformed or too precise is named; what stands after a number is refused by `-t`, while the \
             daemon takes the number before it for most keywords.",
        ),
        (
            "Lines for some hosts",
            "`@ID` text is a line for the host whose identity is ID (`-i`, otherwise its name up to the first dot), \
             `@^ID` text one for all others.",
        ),
        (
            "Definitions",
            "`$NAME=`VALUE at the beginning of a line defines NAME; `$NAME`, where a blank, a comma, a closing parenthesis \
             or the end of the line follows, and `${NAME}` anywhere stand for VALUE from then on. A value that ends in a \
             backslash goes on in the next lines, up to one without it or an empty one; a reference to it must end its \
             line. Known are `${_PWD}` (the directory of the file), `${_INSTANCE}` (the identity), \
             `${_RANDOM [MIN [MAX]]}`, `${_ENV NAME}`, `${_HASH}` and `${_BANG}`.",
        ),
        (
            "Repetitions",
            "`~SEQ(VAR, [START, [STEP,]] END)` text repeats text for each number, `~SEQx` with hexadecimal ones, \
             `~LST(VAR, VALUE, ...)` for each value, `~LST({VAR, ...}, {VALUE, ...}, ...)` for several at once. They nest.",
        ),
        (
            "Further files",
            "`include` PATTERN reads other files in the place of the line, in sorted order; PATTERN is a shell's, with \
             alternatives in braces, and is relative to the directory of its file. Directories, executable files and what \
             is no regular file are left out and named.",
        ),
    ] {
        page.subsection(title);
        page.text(text);
    }
}
