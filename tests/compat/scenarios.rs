//! Sets of files, and what must hold of them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use crate::classes;
use crate::guest::{SHARED, STEADFAST};
use crate::host;
use crate::place::{self, Outcome};
use crate::table::{self, Row};
use crate::timeline::note;

/// A set, in the form the lab's guests want it.
pub struct Scenario {
    pub name: &'static str,
    pub about: &'static str,
    pub in_tests: bool,
    pub ipvs: bool,
    pub run: fn(),
}

const ALL: &[Scenario] = &[
    set("own-set", "our own files", true, own_set),
    set(
        "keepalived",
        "the installed keepalived still gives the verdicts of our table",
        true,
        keepalived,
    ),
    set("corpus", "files as people write them", true, corpus),
    set("corpus-instances", "the same with -i", true, corpus_instances),
    set("record", "writes our table", false, write_table),
];

const fn set(name: &'static str, about: &'static str, in_tests: bool, run: fn()) -> Scenario {
    Scenario {
        name,
        about,
        in_tests,
        ipvs: false,
        run,
    }
}

pub fn all() -> impl Iterator<Item = &'static Scenario> {
    ALL.iter()
}

pub fn more_time(_: &str) -> Duration {
    Duration::ZERO
}

pub fn named(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

/// The files of a set.
pub fn data(scenario: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match scenario {
        "corpus" | "corpus-instances" => root.join("../shared/corpus"),
        _ => root.join("tests/compat/set"),
    }
}

/// Gives a guest its files: it may not see those of the repository.
pub fn bring(scenario: &str, shared: &Path) {
    copy(&data(scenario), &shared.join("set"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for extra in ["tests/compat/verdicts.tsv", "docs/compatibility.md"] {
        let name = Path::new(extra).file_name().expect("a name");
        let _ = fs::copy(root.join(extra), shared.join(name));
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("the set").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a file")),
        }
    }
}

fn shared() -> &'static Path {
    Path::new(SHARED)
}

/// Every file of our own: exit code and classes.
fn own_set() {
    let rows = table::read(&shared().join("verdicts.tsv"));
    let listed = |name: &str| rows.iter().any(|row| row.file == name);
    let files = fs::read_dir(shared().join("set")).expect("the set").flatten();
    let names: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect();
    for name in names.iter().filter(|name| name.ends_with(".conf")) {
        assert!(
            listed(name),
            "{name} has no verdict in verdicts.tsv; --record makes one"
        );
    }
    assert!(rows.len() >= 120, "only {} files", rows.len());
    let judged = judge(&rows);
    let figures = Figures::of(&judged);
    note("figures", figures.text("own set"));
    let wrong: Vec<String> = judged.iter().filter_map(Judged::difference).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table is not made up: whoever has keepalived sees its verdicts again.
fn keepalived() {
    let mut rows = table::read(&shared().join("verdicts.tsv"));
    rows.retain(Row::is_witnessed);
    assert!(
        rows.len() >= 100,
        "only {} files have keepalived's own verdict",
        rows.len()
    );
    let outcomes = run("keepalived", &[], &rows);
    let mut wrong = Vec::new();
    for (row, outcome) in rows.iter().zip(&outcomes) {
        let said = classes::of_text(&outcome.stderr);
        if (outcome.exit, &said) != (row.exit, &row.classes) {
            wrong.push(format!(
                "{}: recorded {} {:?}, now {} {said:?}\n{}",
                row.name(),
                row.exit,
                row.classes,
                outcome.exit,
                outcome.stderr
            ));
        }
    }
    note(
        "figures",
        format!(
            "keepalived again: {} verdicts, {} differ",
            rows.len(),
            wrong.len()
        ),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the corpus must come to.
const LEAST_EXITS: f64 = 0.99;
const LEAST_CLASSES: f64 = 0.95;
/// With `-i` there are half as many files, so that each counts twice; three of them crash keepalived.
const LEAST_CLASSES_INSTANCE: f64 = 0.94;

/// Where docs/compatibility.md tells of the files whose exit codes differ.
const EXPLAINED: &str = "\n### Files of the corpus\n";

/// The corpus as it is.
fn corpus() {
    corpus_table("verdicts.tsv", LEAST_CLASSES);
}

/// Those of its files that have `@instance` lines, with `-i`.
fn corpus_instances() {
    corpus_table("verdicts-instance.tsv", LEAST_CLASSES_INSTANCE);
}

fn corpus_table(table: &str, least_classes: f64) {
    let set = shared().join("set");
    let explained = fs::read_to_string(shared().join("compatibility.md")).expect("docs/compatibility.md");
    let judged = judge(&table::read(&set.join(table)));
    let figures = Figures::of(&judged);
    note("figures", figures.text(&format!("corpus, {table}")));
    for difference in judged.iter().filter_map(Judged::difference) {
        note("differs", difference);
    }
    let lacking = judged.iter().filter(|judged| judged.is_lacking());
    let lacking: Vec<String> = lacking.map(|judged| judged.row.name()).collect();
    note("lacking", lacking.join(", "));
    let explained = explained.split_once(EXPLAINED).map_or("", |(_, below)| below);
    let explained: HashSet<&str> = explained.split(|c: char| !c.is_ascii_digit()).collect();
    let unexplained = judged.iter().filter(|judged| judged.exit != judged.row.exit);
    let mut wrong: Vec<String> = unexplained
        .filter(|judged| !explained.contains(judged.row.file.trim_end_matches(".conf")))
        .map(|judged| {
            let row = &judged.row;
            format!(
                "{}: exit {} wanted, {} given: docs/compatibility.md does not say why",
                row.name(),
                row.exit,
                judged.exit
            )
        })
        .collect();
    if figures.exits() < LEAST_EXITS || figures.classes() < least_classes {
        wrong.push("too few agree".to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file, its verdict and ours.
struct Judged {
    row: Row,
    exit: i32,
    said: std::collections::BTreeSet<String>,
    /// keepalived complained only of keywords of features that its build lacked.
    lacking: bool,
    /// The classes of both, without what is allowed to differ.
    compared: (
        std::collections::BTreeSet<String>,
        std::collections::BTreeSet<String>,
    ),
}

impl Judged {
    fn exits_equally(&self) -> bool {
        self.exit == self.row.exit || self.is_lacking()
    }

    /// The exit code differs as keepalived's build lacked what the file uses.
    fn is_lacking(&self) -> bool {
        self.exit != self.row.exit && self.lacking && self.exit == 0
    }

    fn is_different(&self) -> bool {
        !self.exits_equally() || self.compared.0 != self.compared.1
    }

    fn difference(&self) -> Option<String> {
        self.is_different().then(|| {
            let (theirs, ours) = &self.compared;
            let list = |from: &std::collections::BTreeSet<String>, without| {
                from.difference(without).cloned().collect::<Vec<_>>().join(",")
            };
            format!(
                "{}: exit {} wanted, {} given; not said: [{}]; said too much: [{}]",
                self.row.name(),
                self.row.exit,
                self.exit,
                list(theirs, ours),
                list(ours, theirs)
            )
        })
    }
}

/// How many agree.
struct Figures {
    files: usize,
    exits: usize,
    lacking: usize,
    classes: usize,
    exactly: usize,
}

impl Figures {
    fn of(judged: &[Judged]) -> Self {
        let count = |holds: &dyn Fn(&Judged) -> bool| judged.iter().filter(|judged| holds(judged)).count();
        Self {
            files: judged.len(),
            exits: count(&Judged::exits_equally),
            lacking: count(&Judged::is_lacking),
            classes: count(&|judged| judged.compared.0 == judged.compared.1),
            exactly: count(&|judged| judged.said == judged.row.classes),
        }
    }

    fn share(&self, of: usize) -> f64 {
        of as f64 / self.files.max(1) as f64
    }

    fn exits(&self) -> f64 {
        self.share(self.exits)
    }

    fn classes(&self) -> f64 {
        self.share(self.classes)
    }

    fn text(&self, set: &str) -> String {
        format!(
            "{set}: {} files; exit code equal on {} ({:.2} %, {} of them for features that keepalived's build lacked); \
             message classes agree on {} ({:.2} %, {} to the letter)",
            self.files,
            self.exits,
            100.0 * self.exits(),
            self.lacking,
            self.classes,
            100.0 * self.classes(),
            self.exactly
        )
    }
}

/// Tests every file with steadfast.
fn judge(rows: &[Row]) -> Vec<Judged> {
    let set = shared().join("set");
    let outcomes = run(STEADFAST, &["--format", "json"], rows);
    let judged = rows.iter().zip(outcomes).map(|(row, outcome)| {
        let said = classes::of_document(&outcome.stdout);
        let text = fs::read(set.join(&row.file)).expect("the file");
        let text = String::from_utf8_lossy(&text);
        Judged {
            lacking: classes::only_lacking(&row.classes, &text, &said),
            compared: classes::comparable(&row.classes, &said, &text),
            exit: outcome.exit,
            said,
            row: row.clone(),
        }
    });
    judged.collect()
}

/// How many files are tested at once.
const THREADS: usize = 2;

/// Tests every file with `program`; the outcomes are in the order of the rows.
fn run(program: &str, options: &[&str], rows: &[Row]) -> Vec<Outcome> {
    place::furnish();
    let set = shared().join("set");
    let batches = place::batches(rows);
    let next = AtomicUsize::new(0);
    let outcomes: Vec<OnceLock<Outcome>> = rows.iter().map(|_| OnceLock::new()).collect();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let these: Vec<&Row> = batch.iter().map(|position| &rows[*position]).collect();
                    for (position, outcome) in batch.iter().zip(place::test(program, options, &set, &these)) {
                        assert!(outcomes[*position].set(outcome).is_ok(), "tested twice");
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_iter().map(OnceLock::into_inner);
    outcomes.map(|outcome| outcome.expect("an outcome")).collect()
}

/// The guest's half of `--record`: new verdicts where keepalived is the witness.
fn write_table() {
    let rows = table::read(&shared().join("verdicts.tsv"));
    let outcomes = run("keepalived", &[], &rows);
    let rows: Vec<Row> = rows
        .into_iter()
        .zip(outcomes)
        .map(|(row, outcome)| match row.is_witnessed() {
            true => Row {
                exit: outcome.exit,
                classes: classes::of_text(&outcome.stderr),
                ..row
            },
            false => row,
        })
        .collect();
    for line in table::write(&rows).lines() {
        note("row", line);
    }
}

/// Records what keepalived says of every file whose row has it as the witness.
pub fn record() -> ExitCode {
    let lines = Mutex::new(Vec::new());
    let result = host::follow("record", |line| {
        // The time, who, what.
        if let Some((_, row)) = line.split_once(" row     ") {
            lines.lock().expect("lines").push(format!("{row}\n"));
        }
    });
    if let Err(why) = result {
        eprintln!("{why}");
        return ExitCode::FAILURE;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/verdicts.tsv");
    fs::write(path, lines.into_inner().expect("lines").concat()).expect("verdicts.tsv");
    ExitCode::SUCCESS
}
