//! `docs/vrrp-facts.md` and `docs/lvs-facts.md`: each numbered fact of keepalived's two halves, what shows that ours is
//! the same, or why it is not.
//!
//! The tests name the facts: a line `/// Facts: 2.3, 2.4` (VRRP) or `/// LVS facts: 5.1` (health checks and IPVS) before a
//! test function or the function of a laboratory's scenario has the numbers that it would catch if they broke. The numbers
//! and their titles are in `tests/facts/vrrp.tsv` and `lvs.tsv`, deliberate differences in `differences.tsv` and
//! `lvs-differences.tsv`, what no test can show in `untested.tsv` and `lvs-untested.tsv`. `UPDATE_GOLDENS=1` writes the
//! pages, and takes what is tested by now out of the latter where it was owed.

#![expect(clippy::expect_used, reason = "a test that cannot go on")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One half's facts and their page.
struct Half {
    /// What introduces the numbers in a test's comment.
    mark: &'static str,
    /// Tables, in `tests/facts/`.
    titles: &'static str,
    differences: &'static str,
    untested: &'static str,
    page: &'static str,
    heading: &'static str,
    sections: &'static [(u32, &'static str)],
    /// Sections whose facts must each be tested, or be said not to be.
    complete: std::ops::RangeInclusive<u32>,
}

const VRRP: Half = Half {
    mark: "Facts:",
    titles: "vrrp.tsv",
    differences: "differences.tsv",
    untested: "untested.tsv",
    page: "docs/vrrp-facts.md",
    heading: "# Facts of keepalived's VRRP half, and what shows them",
    sections: &[
        (1, "Set-up"),
        (2, "States"),
        (3, "What a BACKUP hears"),
        (4, "What a MASTER hears"),
        (5, "Sending"),
        (6, "Checks on receipt"),
        (7, "PASS and AH"),
        (8, "HMAC"),
        (9, "VMAC and ipvlan"),
        (10, "Firewall"),
        (11, "Announcing"),
        (12, "Notifications"),
        (13, "Script security"),
        (14, "Trackers"),
        (15, "Sync groups"),
        (16, "Addresses, routes, rules"),
        (17, "Mail"),
        (18, "Signals, reload, stop"),
        (24, "BFD"),
    ],
    complete: 1..=12,
};

const LVS: Half = Half {
    mark: "LVS facts:",
    titles: "lvs.tsv",
    differences: "lvs-differences.tsv",
    untested: "lvs-untested.tsv",
    page: "docs/lvs-facts.md",
    heading: "# Facts of keepalived's health checks and IPVS, and what shows them",
    sections: &[
        (1, "Names"),
        (2, "Services of IPVS"),
        (3, "Inheritance"),
        (4, "Start"),
        (5, "Checker, real server, virtual server"),
        (6, "Quorum, hysteresis, sorry server"),
        (7, "ha_suspend"),
        (8, "Retries"),
        (9, "TCP, UDP, PING, DNS, SMTP"),
        (10, "HTTP_GET and SSL_GET"),
        (11, "MISC_CHECK"),
        (12, "FILE_CHECK and BFD_CHECK"),
        (13, "Scripts"),
        (14, "FIFOs"),
        (15, "Mail"),
        (16, "Reload"),
        (17, "Stop"),
        (18, "Sync daemon and timeouts"),
        (19, "Limits and the process"),
        (20, "SNMP"),
        (21, "genhash"),
        (22, "Differences of 2.2.7"),
    ],
    complete: 1..=22,
};

const HALVES: [&Half; 2] = [&VRRP, &LVS];

/// The reason in the tables of the untested of what is still to be done.
const OWED: &str = "not yet";

/// `2.13`: ordered as numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    section: u32,
    item: u32,
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.section, self.item)
    }
}

/// What is known of a fact.
#[derive(Default)]
struct Fact {
    title: String,
    /// Where it is shown, as the page names it.
    tests: BTreeSet<String>,
    difference: Option<String>,
    untested: Option<String>,
}

struct Facts {
    facts: BTreeMap<Number, Fact>,
    /// What is wrong with the tables or with a line of a test.
    wrong: Vec<String>,
}

#[test]
fn every_fact_is_tested_or_said_not_to_be() {
    for half in HALVES {
        let facts = Facts::gather(half);
        let mut wrong = facts.wrong.clone();
        for (number, fact) in &facts.facts {
            let tested = !fact.tests.is_empty();
            let (title, untested) = (&fact.title, half.untested);
            match &fact.untested {
                None if !tested && half.complete.contains(&number.section) => wrong.push(format!(
                    "{number} ({title}): no test names it, nor has {untested} why"
                )),
                // An update is about to strike it out.
                Some(why) if tested && why == OWED && updating() => {}
                Some(_) if tested => wrong.push(format!(
                    "{number} ({title}): in {untested}, yet named by {:?}",
                    fact.tests
                )),
                _ => {}
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn the_pages_are_up_to_date() {
    for half in HALVES {
        if updating() {
            strike_out(half);
        }
        let page = Facts::gather(half).page(half);
        let path = root().join(half.page);
        if updating() {
            std::fs::write(&path, &page).expect("the page can be written");
        }
        let written = std::fs::read_to_string(&path).expect("the page is there");
        assert!(
            written == page,
            "{} is old: UPDATE_GOLDENS=1 cargo test --test facts",
            half.page
        );
    }
}

fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDENS").is_some()
}

/// Takes what was owed and is tested by now out of the table of the untested.
fn strike_out(half: &Half) {
    let facts = Facts::gather(half).facts;
    let tested = |number: &Number| facts.get(number).is_some_and(|fact| !fact.tests.is_empty());
    let left: String = table(half.untested)
        .into_iter()
        .filter(|(number, why)| why != OWED || !tested(number))
        .map(|(number, why)| format!("{number}\t{why}\n"))
        .collect();
    std::fs::write(root().join("tests/facts").join(half.untested), left).expect("the table can be written");
}

#[test]
fn a_list_of_numbers_is_read_strictly() {
    let text = |words: &str| numbers(words).map(|all| all.iter().map(Number::to_string).collect::<Vec<_>>());
    assert_eq!(text("2.3, 12.14."), Some(vec!["2.3".into(), "12.14".into()]));
    assert_eq!(text("cli 1 to 5"), None, "another page's facts");
    assert_eq!(text("2.3 and 2.4"), None);
}

impl Facts {
    fn gather(half: &Half) -> Self {
        let mut all = Self {
            facts: table(half.titles)
                .into_iter()
                .map(|(number, title)| {
                    (
                        number,
                        Fact {
                            title,
                            ..Fact::default()
                        },
                    )
                })
                .collect(),
            wrong: Vec::new(),
        };
        for (number, why) in table(half.differences) {
            all.with(number, half.differences, |fact| fact.difference = Some(why));
        }
        for (number, why) in table(half.untested) {
            all.with(number, half.untested, |fact| fact.untested = Some(why));
        }
        let scenarios = Scenarios::read();
        for path in sources() {
            let text = std::fs::read_to_string(&path).expect("a source file can be read");
            let path = path.strip_prefix(root()).expect("below the root").to_path_buf();
            all.read(half, &path, &text, &scenarios);
        }
        all
    }

    /// Changes a fact, or notes that there is none of the number.
    fn with(&mut self, number: Number, place: &str, change: impl FnOnce(&mut Fact)) {
        match self.facts.get_mut(&number) {
            Some(fact) => change(fact),
            None => self.wrong.push(format!("{place}: there is no fact {number}")),
        }
    }

    /// Takes the lines of a half in a file, each with the function that follows it.
    fn read(&mut self, half: &Half, path: &Path, text: &str, scenarios: &Scenarios) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//"));
            let Some(words) = comment.and_then(|text| text.trim().strip_prefix(half.mark)) else {
                continue;
            };
            let place = format!("{}:{}", path.display(), at + 1);
            let Some(numbers) = numbers(words) else {
                self.wrong
                    .push(format!("{place}: not a list of numbers: {words}"));
                continue;
            };
            let Some(shown) = after(&lines, at).and_then(|test| scenarios.named(path, &test)) else {
                self.wrong
                    .push(format!("{place}: no test and no scenario follows"));
                continue;
            };
            for number in numbers {
                self.with(number, &place, |fact| {
                    fact.tests.insert(shown.clone());
                });
            }
        }
    }

    fn page(&self, half: &Half) -> String {
        let count = |which: &dyn Fn(&Fact) -> bool| self.facts.values().filter(|fact| which(fact)).count();
        let mut page = format!(
            "{}\n\n\
             Made of the tests and of `tests/facts/` by `UPDATE_GOLDENS=1 cargo test --test facts`. The numbers are those of the \
             founders' notes of keepalived 2.4.3's behaviour; comments in the code use them. A test names the facts that it would \
             catch if they broke; `lab NAME` is a scenario of the laboratory (`make lab SCENARIO=NAME`).\n",
            half.heading
        );
        writeln!(
            page,
            "\n{} facts: {} with tests, {} that no test shows, {} still owed, {} unnamed; {} deliberate differences.",
            self.facts.len(),
            count(&|fact| !fact.tests.is_empty()),
            count(&|fact| fact.untested.as_ref().is_some_and(|why| why != OWED)),
            count(&|fact| fact.untested.as_deref() == Some(OWED)),
            count(&|fact| fact.tests.is_empty() && fact.untested.is_none()),
            count(&|fact| fact.difference.is_some()),
        )
        .expect("a string");
        let mut section = 0;
        for (number, fact) in &self.facts {
            if section != number.section {
                section = number.section;
                let name = half
                    .sections
                    .iter()
                    .find(|(wanted, _)| *wanted == section)
                    .map_or("", |(_, name)| name);
                write!(
                    page,
                    "\n## {section} {name}\n\n| number | fact | tests | as keepalived? |\n|---|---|---|---|\n"
                )
                .expect("a string");
            }
            writeln!(
                page,
                "| {number} | {} | {} | {} |",
                cell(&fact.title),
                fact.shown(),
                fact.verdict()
            )
            .expect("a string");
        }
        page
    }
}

impl Fact {
    fn shown(&self) -> String {
        let tests: Vec<String> = self.tests.iter().map(|test| format!("`{test}`")).collect();
        match &self.untested {
            Some(why) if why == OWED => "owed".into(),
            Some(why) => format!("none: {}", cell(why)),
            None if tests.is_empty() => "none yet".into(),
            None => tests.join("<br>"),
        }
    }

    fn verdict(&self) -> String {
        match &self.difference {
            Some(why) => format!("differs: {}", cell(why)),
            None if self.tests.is_empty() => String::new(),
            None => "same".into(),
        }
    }
}

/// The laboratory's scenarios: the function in the lists and the name.
struct Scenarios(BTreeMap<String, String>);

impl Scenarios {
    fn read() -> Self {
        let list =
            std::fs::read_dir(root().join("tests/lab/scenarios/list")).expect("the lists of scenarios");
        let rooms = list.map(|room| std::fs::read_to_string(room.expect("an entry").path()).expect("a list"));
        let text: String = rooms.collect();
        let mut names = BTreeMap::new();
        let mut strings: Vec<&str> = Vec::new();
        for line in text.lines().map(str::trim) {
            // An entry has its name, what it is about, and its function; the latter ends it.
            for part in line
                .split_inclusive(',')
                .map(|part| part.trim().trim_end_matches([',', ')', '(', ' ']))
            {
                if let Some(string) = part.rsplit('(').next().and_then(|part| part.strip_prefix('"')) {
                    strings.push(string.trim_end_matches('"'));
                } else if is_path(part) && part.contains("::") {
                    if let Some(name) = strings.first() {
                        names.insert(part.to_owned(), (*name).to_owned());
                    }
                    strings.clear();
                }
            }
        }
        Self(names)
    }

    /// How the page names a test or scenario; `None` for a function that is neither.
    fn named(&self, path: &Path, test: &Function) -> Option<String> {
        let module = module(path);
        if test.is_test {
            return Some(format!("{module}::{}", test.name));
        }
        let lab = module.strip_prefix("lab::scenarios::")?;
        let name = self.0.get(&format!("{lab}::{}", test.name))?;
        Some(format!("lab {name}"))
    }
}

/// `vrrp::engine::tests::election` of `src/vrrp/engine/tests/election.rs`.
fn module(path: &Path) -> String {
    let text = path.with_extension("").to_string_lossy().replace('/', "::");
    let text = text
        .strip_prefix("src::")
        .or_else(|| text.strip_prefix("tests::"))
        .unwrap_or(&text);
    let text = text.strip_suffix("::mod").unwrap_or(text);
    text.strip_suffix("::main").unwrap_or(text).to_owned()
}

fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

struct Function {
    name: String,
    is_test: bool,
}

/// The function that follows a line, with only comments and attributes between them.
fn after(lines: &[&str], at: usize) -> Option<Function> {
    let mut is_test = false;
    let mut open = false;
    for line in lines.get(at + 1..)? {
        if open || line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            open = !line.ends_with(']');
            continue;
        }
        if line.starts_with("//") {
            continue;
        }
        let rest = line.split_once("fn ").filter(|(before, _)| {
            before
                .split_whitespace()
                .all(|word| ["pub", "pub(super)", "pub(crate)", "async"].contains(&word))
        });
        let name = rest?.1.split(['(', '<']).next()?;
        return Some(Function {
            name: name.to_owned(),
            is_test,
        });
    }
    None
}

/// The lines of a table: a number, a tabulator, words.
fn table(name: &str) -> Vec<(Number, String)> {
    let text = std::fs::read_to_string(root().join("tests/facts").join(name)).expect("the table");
    let mut seen = BTreeSet::new();
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (words, rest) = line
                .split_once('\t')
                .unwrap_or_else(|| panic!("{name}: no tabulator: {line}"));
            let number = number(words).unwrap_or_else(|| panic!("{name}: no number: {line}"));
            assert!(seen.insert(number), "{name}: {number} twice");
            assert!(!rest.trim().is_empty(), "{name}: {number} without words");
            (number, rest.to_owned())
        })
        .collect()
}

fn numbers(words: &str) -> Option<Vec<Number>> {
    words
        .trim()
        .trim_end_matches('.')
        .split(',')
        .map(|word| number(word.trim()))
        .collect()
}

fn number(word: &str) -> Option<Number> {
    let (section, item) = word.split_once('.')?;
    Some(Number {
        section: section.parse().ok()?,
        item: item.parse().ok()?,
    })
}

/// Text that ends no cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of `src/` and `tests/`, this one excepted.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![root().join("src"), root().join("tests")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") && path != root().join("tests/facts.rs")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
