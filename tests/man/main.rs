//! The manual pages in `dist/man` are what the tables of options and keywords make them.
//!
//! `make man` (`UPDATE_GOLDENS=1 cargo test --test man`) writes them anew.

#![expect(clippy::unwrap_used, reason = "a test that fails here has found something")]

mod conf;
mod daemon;
mod genhash;

use clap_mangen::roff::{Inline, Roff, bold, roman};
use std::path::Path;
use steadfast::daemon::version;

/// A page: its file and its text.
type Page = (&'static str, String);

fn pages() -> [Page; 3] {
    [daemon::page(), conf::page(), genhash::page()]
}

#[test]
fn the_pages_are_up_to_date() {
    for (name, text) in pages() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/man").join(name);
        if std::env::var_os("UPDATE_GOLDENS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == text,
            "dist/man/{name} is not up to date: `make man` writes it anew"
        );
    }
}

/// What a formatter would stumble over.
#[test]
fn the_pages_are_well_formed() {
    const REQUESTS: [&str; 12] = [
        ".SH", ".SS", ".TH", ".TP", ".PP", ".br", ".RS", ".RE", ".IP", ".ie", ".el", ".nf",
    ];
    for (name, text) in pages() {
        assert!(text.is_ascii(), "{name}");
        for line in text.lines() {
            let request = line.split(' ').next().unwrap();
            let known = !line.starts_with(['.', '\'']) || REQUESTS.contains(&request) || request == ".fi";
            assert!(known, "{name}: {line}");
        }
        assert_eq!(
            text.matches("\n.RS").count(),
            text.matches("\n.RE").count(),
            "{name}"
        );
        assert_eq!(
            text.matches("\n.nf").count(),
            text.matches("\n.fi").count(),
            "{name}"
        );
    }
}

/// The day of this version, as manual pages have it.
fn date() -> String {
    let (month_day, year) = version::DATE.split_once(',').unwrap();
    format!("{year}-{}", month_day.replace('/', "-"))
}

/// A page that is written piece by piece.
struct Writer {
    roff: Roff,
    /// A heading was written last.
    fresh: bool,
}

impl Writer {
    fn new() -> Self {
        Self {
            roff: Roff::new(),
            fresh: false,
        }
    }

    fn section(&mut self, title: &str) {
        self.roff.control("SH", [title]);
        self.fresh = true;
    }

    fn subsection(&mut self, title: &str) {
        self.roff.control("SS", [title]);
        self.fresh = true;
    }

    /// Paragraphs; words in backquotes are bold.
    fn text(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            if !std::mem::take(&mut self.fresh) {
                self.roff.control("PP", []);
            }
            self.roff.text(marked(paragraph));
        }
    }

    /// A term and what is said of it.
    fn item(&mut self, term: Vec<Inline>, text: &str) {
        self.fresh = false;
        self.roff.control("TP", []);
        self.roff.text(term);
        self.roff.text(marked(text));
    }

    /// Lines as they are.
    fn example(&mut self, lines: &str) {
        self.fresh = false;
        self.roff.control("RS", ["4"]);
        self.roff.control("nf", []);
        for line in lines.lines() {
            self.roff.text([roman(line)]);
        }
        self.roff.control("fi", []);
        self.roff.control("RE", []);
    }

    /// The text without what the library puts before it each time.
    fn finish(self) -> String {
        self.roff.to_roff()
    }
}

fn marked(text: &str) -> Vec<Inline> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split('`')
        .enumerate()
        .map(|(n, part)| if n % 2 == 1 { bold(part) } else { roman(part) })
        .collect()
}
