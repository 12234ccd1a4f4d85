//! genhash(1): its options from their table.

use super::{Page, Writer};
use clap_mangen::Man;
use clap_mangen::roff::bold;
use steadfast::cli;

pub(crate) fn page() -> Page {
    let man = Man::new(cli::genhash::command())
        .title("GENHASH")
        .section("1")
        .date(super::date())
        .source(format!("steadfast {}", env!("CARGO_PKG_VERSION")))
        .manual("User commands");
    let mut out = Vec::new();
    man.render_title(&mut out).unwrap();
    man.render_name_section(&mut out).unwrap();
    man.render_synopsis_section(&mut out).unwrap();
    let mut page = Writer::new();
    page.section("DESCRIPTION");
    page.text(
        "Asks a web server for a page, exactly as the checkers `HTTP_GET` and `SSL_GET` of `steadfast.conf`(5) do, and \
         prints the MD5 of the body, at most of as much as the answer announces: the value for `digest` in a `url` block. The \
         status of the answer is not looked at.\n\nIt is `steadfast`(8) under another name: a link called genhash, or \
         `steadfast genhash`, or, as keepalived has it, `steadfast -T`. ADDRESS is one of IPv4 or IPv6, no name. A \
         certificate is taken as it comes. Without `-P` the protocol is 1.0. Without `-t` connecting may take a minute, and so \
         may every wait for more.\n\nWith `-v` header and body are shown as they come, and how long all took.",
    );
    out.extend(page.finish().into_bytes());
    man.render_options_section(&mut out).unwrap();
    let mut page = Writer::new();
    page.section("EXIT STATUS");
    for (status, meaning) in [
        ("0", "The MD5 was printed."),
        (
            "1",
            "There is none: what is printed says why. keepalived's genhash ends with 0 then. Or the options are wrong, or help \
             was asked for.",
        ),
    ] {
        page.item(vec![bold(status)], meaning);
    }
    page.section("EXAMPLES");
    page.example(
        "genhash -s 192.0.2.11 -p 80 -u /health\ngenhash -S -I -V www.example.com -s 192.0.2.11 -p 443 -u /",
    );
    page.section("SEE ALSO");
    page.text("`steadfast`(8), `steadfast.conf`(5), `md5sum`(1)");
    out.extend(page.finish().into_bytes());
    ("genhash.1", String::from_utf8(out).unwrap())
}
