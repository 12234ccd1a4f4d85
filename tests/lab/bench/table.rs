//! The table: both daemons' figures in columns, and steadfast's as a ratio of keepalived's.

use std::fmt::Write as _;

use super::figure::Figures;
use super::routers::{CPU_BACKUP, CPU_MASTER, INTERVALS, ROUTERS, SENT_BACKUP, SENT_MASTER};
use super::{DAEMONS, burden, checks, death, failover, pair, pool, reading, reload, routers, takeover};
use crate::site::Daemon;

/// A figure of a daemon that is not known counts as none.
type Of<'a> = &'a dyn Fn(Daemon) -> Option<f64>;

pub fn render(figures: &Figures) -> String {
    let mut text = format!(
        "{:<46}{:>14}{:>14}{:>8}\n",
        "", "steadfast", "keepalived", "ratio"
    );
    let median = |name: String| move |daemon| figures.median(&name, daemon);
    let rounds = DAEMONS.map(|daemon| figures.samples(failover::LATENESS, daemon).len());
    let rounds = rounds.into_iter().min().unwrap_or_default();
    let _ = writeln!(
        text,
        "First gratuitous ARP after the protocol limit ({rounds} kills each)"
    );
    row(&mut text, "median", "ms", &median(failover::LATENESS.into()));
    row(&mut text, "max", "ms", &|daemon| {
        figures.greatest(failover::LATENESS, daemon)
    });
    takeovers(&mut text, figures);
    gaps(&mut text, figures);
    let _ = writeln!(text, "Memory (PSS of all processes)");
    let services = format!("pair, {} services x {} servers", pair::SERVICES, pair::SERVERS);
    let routers = format!("{ROUTERS} routers, master");
    for (what, name) in [(services, pair::MEMORY), (routers, routers::MEMORY)] {
        row(&mut text, &what, "MiB", &median(name.into()));
        row(
            &mut text,
            "  of it anonymous",
            "MiB",
            &median(format!("{name}-anonymous")),
        );
    }
    let _ = writeln!(text, "CPU with {ROUTERS} routers, a second");
    for (role, name) in [("master", CPU_MASTER), ("backup", CPU_BACKUP)] {
        for interval in INTERVALS {
            let what = format!("{role}, advert_int {}", seconds(interval));
            row(&mut text, &what, "ms", &median(format!("{name}{interval}")));
        }
    }
    checking(&mut text, figures);
    reloads(&mut text, figures);
    let _ = writeln!(
        text,
        "-t of {} lines with {} real servers",
        reading::LINES,
        reading::REAL_SERVERS
    );
    row(&mut text, "time, median", "ms", &median(reading::WALL.into()));
    row(&mut text, "CPU, median", "ms", &median(reading::CPU.into()));
    text
}

/// Of thousands of routers, and of one with hundreds of addresses.
fn takeovers(text: &mut String, figures: &Figures) {
    let median = |name: String| move |daemon| figures.median(&name, daemon);
    let _ = writeln!(
        text,
        "Last gratuitous ARP after the protocol limit, one kill each"
    );
    for interfaces in takeover::SIZES {
        let count = u32::from(interfaces) * u32::from(takeover::ON_EACH);
        let what = format!("{count} routers on {interfaces} interfaces");
        row(
            text,
            &what,
            "ms",
            &median(format!("{}{count}", takeover::LATENESS)),
        );
        for (what, unit, name) in [
            ("  master's CPU, a second", "ms", takeover::CPU_MASTER),
            ("  backup's CPU, a second", "ms", takeover::CPU_BACKUP),
            ("  master's memory", "MiB", takeover::MEMORY_MASTER),
            ("  backup's memory", "MiB", takeover::MEMORY_BACKUP),
        ] {
            row(text, what, unit, &median(format!("{name}{count}")));
        }
    }
    let what = format!("one router with {} addresses", takeover::ADDRESSES);
    row(text, &what, "ms", &median(takeover::LATENESS_ADDRESSES.into()));
}

/// Checks by the thousand.
fn checking(text: &mut String, figures: &Figures) {
    let median = |name: String| move |daemon| figures.median(&name, daemon);
    let _ = writeln!(text, "CPU of a check, {} a second", checks::DUE);
    let greatest = |name: String| move |daemon| figures.greatest(&name, daemon);
    for (kind, _) in checks::KINDS {
        row(text, kind, "us", &median(format!("{}{kind}", checks::CPU)));
        let what = format!(
            "  longest gap of adverts, advert_int {}",
            seconds(checks::INTERVAL)
        );
        row(text, &what, "ms", &greatest(format!("{}{kind}", checks::GAP)));
        let late = greatest(format!("{}{kind}", checks::LATENESS));
        row(text, "  thread of VRRP late by at most", "ms", &late);
    }
    let _ = writeln!(text, "{} real servers with a TCP_CHECK each", pool::ALL);
    for (what, unit, name) in [
        ("start to complete table", "ms", pool::TABLE),
        ("  CPU by then", "ms", pool::TABLE_CPU),
        ("memory", "MiB", pool::MEMORY),
    ] {
        row(text, what, unit, &median(name.into()));
    }
    let anonymous = median(format!("{}-anonymous", pool::MEMORY));
    row(text, "  of it anonymous", "MiB", &anonymous);
    let _ = writeln!(
        text,
        "Removal of a dead server after it was due ({} deaths of each kind)",
        death::DEATHS
    );
    for (what, name) in [("refuses", death::REFUSED), ("is silent", death::SILENT)] {
        row(text, &format!("{what}, median"), "ms", &median(name.into()));
        row(text, "  max", "ms", &|daemon| figures.greatest(name, daemon));
    }
    row(
        text,
        "from death to removal, median",
        "ms",
        &median(death::WHOLE.into()),
    );
}

fn reloads(text: &mut String, figures: &Figures) {
    let median = |name: &'static str| move |daemon| figures.median(name, daemon);
    let _ = writeln!(
        text,
        "Reload ({} of a master; {} with one weight changed)",
        reload::RELOADS,
        reload::ROUNDS
    );
    let what = format!("longest gap of adverts, advert_int {}", seconds(reload::INTERVAL));
    row(text, &what, "ms", &|daemon| figures.greatest(reload::GAP, daemon));
    let interval = f64::from(reload::INTERVAL);
    row(text, "  late by at most", "ms", &|daemon| {
        Some(figures.greatest(reload::GAP, daemon)? - interval)
    });
    let what = format!("{} real servers: weight in the kernel after", pool::ALL);
    row(text, &what, "ms", &median(reload::WRITE));
    row(text, "  CPU of the reload", "ms", &median(reload::CPU));
    row(text, "  CPU at rest, a second", "ms", &median(reload::REST));
}

/// Between the adverts of a master.
fn gaps(text: &mut String, figures: &Figures) {
    let _ = writeln!(
        text,
        "Longest gap between adverts in {} s, advert_int {}",
        burden::SECONDS,
        seconds(burden::INTERVAL)
    );
    for (what, name) in [
        ("in peace", burden::GAP_CALM),
        ("namespaces and routes come and go", burden::GAP_KERNEL),
        ("nobody reads the log", burden::GAP_LOG),
    ] {
        row(text, what, "ms", &|daemon| figures.greatest(name, daemon));
    }
}

/// What speaks against the figures: a master that did not send what it should, a backup that sent.
pub fn doubts(figures: &Figures) -> Vec<String> {
    let mut doubts = Vec::new();
    for interval in INTERVALS {
        let due = f64::from(ROUTERS) * 1000.0 / f64::from(interval);
        for daemon in DAEMONS {
            let sent = |name| figures.median(&format!("{name}{interval}"), daemon);
            let (Some(master), Some(backup)) = (sent(SENT_MASTER), sent(SENT_BACKUP)) else {
                continue;
            };
            let much = 0.05 * due;
            if (master - due).abs() > much || backup > much {
                doubts.push(format!(
                    "{daemon:?}, advert_int {}: {due:.0} adverts a second are due, but the master sent {master:.0} \
                     frames a second, the backup {backup:.0}: its CPU figures do not compare.",
                    seconds(interval)
                ));
            }
        }
    }
    for (kind, _) in checks::KINDS {
        for daemon in DAEMONS {
            let rate = figures.median(&format!("{}{kind}", checks::RATE), daemon);
            let due = checks::DUE as f64;
            if let Some(rate) = rate.filter(|rate| (rate - due).abs() > 0.1 * due) {
                doubts.push(format!(
                    "{daemon:?}, {kind}: {due:.0} checks a second are due, but {rate:.0} were made."
                ));
            }
        }
    }
    doubts
}

fn row(text: &mut String, what: &str, unit: &str, of: Of<'_>) {
    let (ours, theirs) = (of(Daemon::Steadfast), of(Daemon::Keepalived));
    let cell = |value: Option<f64>| match value {
        Some(value) => format!("{value:.2} {unit}"),
        None => "-".into(),
    };
    // Lateness may be below nothing, which nothing is a multiple of.
    let ratio = match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours >= 0.0 && theirs > 0.0 => format!("{:.2}", ours / theirs),
        _ => "-".into(),
    };
    let _ = writeln!(
        text,
        "  {what:<44}{:>14}{:>14}{ratio:>8}",
        cell(ours),
        cell(theirs)
    );
}

/// An interval as `advert_int` has it.
fn seconds(interval: u32) -> f64 {
    f64::from(interval) / 1000.0
}
