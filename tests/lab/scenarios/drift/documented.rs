//! The table "Each event" of docs/drift.md: what the scenarios see must be what it says.

use std::fmt::{self, Display};

use crate::site::Daemon;

const PAGE: &str = include_str!("../../../../docs/drift.md");
/// The table's first line.
const HEAD: &str = "| event | keepalived | steadfast | with `drift_repair` |";

/// Whose outcomes a column has.
#[derive(Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub daemon: Daemon,
    /// A line of `global_defs`.
    pub global: &'static str,
}

pub const COLUMNS: [Column; 3] = [
    Column {
        name: "keepalived",
        daemon: Daemon::Keepalived,
        global: "",
    },
    Column {
        name: "steadfast",
        daemon: Daemon::Steadfast,
        global: "",
    },
    Column {
        name: "repair",
        daemon: Daemon::Steadfast,
        global: "drift_repair\n    ",
    },
];

/// Those that can be tried; with keepalived in our place that is its own.
pub fn columns() -> Vec<Column> {
    let ours = Daemon::under_test() == Daemon::Steadfast;
    let all = COLUMNS.into_iter();
    all.filter(|column| ours || column.daemon == Daemon::Keepalived)
        .collect()
}

/// What comes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was removed does not come back.
    StaysGone,
    /// What was changed stays so.
    Stays,
    /// Neither touched nor told.
    Left,
    /// What was removed or changed is as it was, within a second.
    PutBack,
    /// Priority 0, everything removed and made anew, MASTER.
    FallsBack,
    /// The other one is MASTER until it is undone.
    Fault,
}

impl Display for Outcome {
    /// As the cells of the table begin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StaysGone => "stays gone",
            Self::Stays => "stays",
            Self::Left => "left",
            Self::PutBack => "put back",
            Self::FallsBack => "falls back",
            Self::Fault => "FAULT",
        })
    }
}

/// The rows, as cells; where nothing else is said, what stands to the left is meant.
fn rows() -> Vec<Vec<&'static str>> {
    let table = PAGE.lines().skip_while(|line| *line != HEAD).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 1 + COLUMNS.len(), "{row}");
        for at in 2..cells.len() {
            if cells[at] == "the same" {
                cells[at] = cells[at - 1];
            }
        }
        cells
    })
    .collect()
}

/// What the page says of these events, a row each, and what was seen of them, a column each; the table has no other rows
/// but those of `elsewhere`.
pub fn compare(seen: &[(&'static str, Vec<Outcome>)], columns: &[Column], elsewhere: &[&str]) {
    let rows = rows();
    assert!(!rows.is_empty(), "there is no table");
    let mut faults = String::new();
    for (event, outcomes) in seen {
        let Some(row) = rows.iter().find(|row| row[0] == *event) else {
            faults += &format!("no row {event:?}: {outcomes:?}\n");
            continue;
        };
        for (column, outcome) in columns.iter().zip(outcomes) {
            let at = COLUMNS.iter().position(|one| one.name == column.name);
            let cell = row[1 + at.expect("a column of the table")];
            if said(cell) != Some(*outcome) {
                faults += &format!("{event}, {}: {cell:?}, but it was: {outcome}\n", column.name);
            }
        }
    }
    for row in &rows {
        if !seen.iter().any(|(event, _)| row[0] == *event) && !elsewhere.contains(&row[0]) {
            faults += &format!("{:?} is not tried\n", row[0]);
        }
    }
    assert!(faults.is_empty(), "docs/drift.md:\n{faults}");
}

/// The outcome with which a cell begins; the longer words first.
fn said(cell: &str) -> Option<Outcome> {
    let all = [
        Outcome::StaysGone,
        Outcome::Stays,
        Outcome::Left,
        Outcome::PutBack,
        Outcome::FallsBack,
        Outcome::Fault,
    ];
    all.into_iter()
        .find(|outcome| cell.starts_with(&outcome.to_string()))
}
