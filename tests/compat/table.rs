//! Tables of verdicts: ours and the corpus's have the columns that are used here, by name.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One file (or one file and `-i`) and its verdict.
#[derive(Clone, Debug)]
pub struct Row {
    pub file: String,
    pub exit: i32,
    pub classes: BTreeSet<String>,
    pub interfaces: Vec<String>,
    pub namespaces: Vec<String>,
    /// Options besides `-t` and `-f`.
    pub arguments: Vec<String>,
    /// Whose verdict it is: a version of keepalived, or the fact that says what 2.4.3 does differently.
    pub witness: String,
}

const COLUMNS: &str = "file\texit\tmessages-class\tinterfaces\tnamespaces\targuments\twitness";

impl Row {
    /// Whether the installed keepalived can be asked.
    pub fn is_witnessed(&self) -> bool {
        self.witness == "2.2.7"
    }

    /// What it is called in a report.
    pub fn name(&self) -> String {
        std::iter::once(self.file.as_str())
            .chain(self.arguments.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The rows of a table with a line of column names.
pub fn read(path: &Path) -> Vec<Row> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().expect("column names").split('\t').collect();
    lines
        .map(|line| row(&columns.iter().copied().zip(line.split('\t')).collect()))
        .collect()
}

fn row(cells: &HashMap<&str, &str>) -> Row {
    let cell = |name: &str| cells.get(name).copied().unwrap_or("-");
    let words = |name: &str| -> Vec<String> {
        let words = cell(name).split([',', ' ']);
        let words = words.filter(|word| !matches!(*word, "-" | ""));
        words.map(str::to_owned).collect()
    };
    let mut arguments: Vec<String> = cell("arguments").split(' ').map(str::to_owned).collect();
    arguments.retain(|word| word != "-");
    if let Some(instance) = cells.get("instance") {
        arguments.extend(["-i".to_owned(), (*instance).to_owned()]);
    }
    Row {
        file: cell("file").to_owned(),
        exit: cell("exit").parse().expect("an exit code"),
        classes: words("messages-class").into_iter().collect(),
        interfaces: words("interfaces"),
        namespaces: words("namespaces"),
        arguments,
        witness: cell("witness").to_owned(),
    }
}

/// Our table as text.
pub fn write(rows: &[Row]) -> String {
    let list = |words: Vec<&str>, between: &str| match words.is_empty() {
        true => "-".to_owned(),
        false => words.join(between),
    };
    let mut out = format!("{COLUMNS}\n");
    for row in rows {
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            row.file,
            row.exit,
            list(row.classes.iter().map(String::as_str).collect(), ","),
            list(row.interfaces.iter().map(String::as_str).collect(), " "),
            list(row.namespaces.iter().map(String::as_str).collect(), " "),
            list(row.arguments.iter().map(String::as_str).collect(), " "),
            row.witness,
        )
        .expect("text");
    }
    out
}
