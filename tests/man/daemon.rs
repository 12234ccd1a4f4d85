//! steadfast(8): the options from their table, and what an operator looks up.

use super::{Page, Writer};
use clap_mangen::Man;
use clap_mangen::roff::{bold, italic, roman};
use steadfast::cli;

pub(crate) fn page() -> Page {
    let man = Man::new(cli::command())
        .title("STEADFAST")
        .section("8")
        .date(super::date())
        .source(format!("steadfast {}", env!("CARGO_PKG_VERSION")))
        .manual("System administration");
    let mut out = Vec::new();
    man.render_title(&mut out).unwrap();
    man.render_name_section(&mut out).unwrap();
    man.render_synopsis_section(&mut out).unwrap();
    let mut page = Writer::new();
    page.section("DESCRIPTION");
    page.text(
        "Keeps the address of a service alive on a pair (or more) of hosts by VRRP, and spreads its load over real \
         servers by IPVS with health checks. It is a drop-in successor of keepalived: configuration, options, signals, \
         pid files, scripts and the protocol are keepalived's, as of 2.4.3. The configuration is described in \
         `steadfast.conf`(5).\n\nLong options may be cut to a unique beginning, short ones may be bundled. An optional \
         value is glued to its option.",
    );
    out.extend(page.finish().into_bytes());
    man.render_options_section(&mut out).unwrap();
    let mut page = Writer::new();
    commands(&mut page);
    rest(&mut page);
    out.extend(page.finish().into_bytes());
    ("steadfast.8", String::from_utf8(out).unwrap())
}

fn commands(page: &mut Writer) {
    page.section("COMMANDS");
    page.text("They start nothing. `config`, `plan` and `reload` are commands only as the very first word.");
    let mut config = cli::config::command();
    config.build();
    for command in config.get_subcommands() {
        describe(page, command, &format!("steadfast config {}", command.get_name()));
    }
    let mut plan = cli::plan::command();
    plan.build();
    describe(page, &plan, "steadfast plan");
    page.text(
        "Its exit status is 0 where nothing is interrupted, 3 where something would be or needs a restart, 1 where it could \
         not be done, and that of `-t` where something is wrong with the new file.",
    );
    let mut reload = cli::reload::command();
    reload.build();
    describe(page, &reload, "steadfast reload");
}

fn describe(page: &mut Writer, command: &clap::Command, name: &str) {
    let arguments: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    let mut term = vec![bold(name)];
    for arg in &arguments {
        let name = match arg.get_long() {
            Some(long) => format!(" [--{long}]"),
            None if arg.is_required_set() => " FILE...".to_owned(),
            None if matches!(arg.get_action(), clap::ArgAction::Set) => " [FILE]".to_owned(),
            None => " [FILE...]".to_owned(),
        };
        term.push(roman(name));
    }
    page.item(
        term,
        &format!(
            "{}.",
            command.get_about().map(ToString::to_string).unwrap_or_default()
        ),
    );
    if arguments.iter().all(|arg| arg.is_positional()) {
        return;
    }
    page.roff.control("RS", []);
    for arg in arguments.iter().filter(|arg| !arg.is_positional()) {
        let mut term = Vec::new();
        if let Some(short) = arg.get_short() {
            term.extend([bold(format!("-{short}")), roman(", ")]);
        }
        term.push(bold(format!("--{}", arg.get_long().unwrap_or_default())));
        let takes = arg.get_action().takes_values();
        if let Some(names) = arg.get_value_names().filter(|_| takes) {
            term.extend([roman(" "), italic(names.join(" "))]);
        }
        page.item(
            term,
            &format!("{}.", arg.get_help().map(ToString::to_string).unwrap_or_default()),
        );
    }
    page.roff.control("RE", []);
}

fn rest(page: &mut Writer) {
    page.section("SIGNALS");
    for (signal, name, effect) in [
        (
            "SIGTERM, SIGINT",
            "STOP",
            "Hand over, remove what was added, end; with `--handover=none` leave all that, for a start that follows within the master down interval: without one the addresses stay. `--ignore-sigint` spares SIGINT.",
        ),
        (
            "SIGHUP",
            "RELOAD",
            "Read the configuration again. One that cannot be run is refused and the old one stays.",
        ),
        ("SIGUSR1", "DATA", "Write the data dumps."),
        ("SIGUSR2", "STATS", "Write the statistics."),
        (
            "SIGRTMAX-1",
            "STATS_CLEAR",
            "Write the statistics, then set them to zero.",
        ),
        ("SIGRTMIN+2", "JSON", "Write the JSON dump."),
    ] {
        page.item(vec![bold(signal), roman(format!(" ({name})"))], effect);
    }
    page.text("`steadfast --signum=`NAME prints the number of a signal on this system.");
    page.section("FILES");
    for (file, what) in [
        ("/etc/keepalived/keepalived.conf", "The configuration."),
        (
            "/run/keepalived.pid, vrrp.pid, checkers.pid, bfd.pid",
            "The pid of the one process. In /run/keepalived/ with an instance, a network namespace or `use_pid_dir`.",
        ),
        (
            "/run/keepalived.state, keepalived.checks",
            "What the next start takes over after a kill or with `--handover=none`; beside the pid file, with its name.",
        ),
        (
            "/run/keepalived.sock",
            "Where commands ask the daemon: the name of the main pid file, with another extension.",
        ),
        (
            "/tmp/keepalived.data, keepalived_check.data, keepalived_parent.data, keepalived.stats",
            "Dumps; in $TMPDIR if that is an absolute path of a directory.",
        ),
    ] {
        page.item(vec![italic(file)], what);
    }
    page.section("EXIT STATUS");
    page.text("Of the daemon:");
    for (status, meaning) in [
        ("0", "It was told to stop, or another one runs already."),
        ("1", "A fatal error, or a bad option."),
        ("2", "The configuration cannot be run."),
        ("4", "A capability is missing."),
        ("6", "The configuration file is missing."),
        ("70", "A defect of this program; what it held was handed over."),
    ] {
        page.item(vec![bold(status)], meaning);
    }
    page.text("Of `-t`:");
    for (status, meaning) in [
        ("0", "Nothing is wrong; or there is no file, without `-e`."),
        ("1", "The file for the messages cannot be opened."),
        ("2", "A keyword lacks its argument."),
        (
            "4",
            "A missing file with `-e`, an interface that cannot be used, a fatal mistake.",
        ),
        (
            "5",
            "Mistakes, unknown keywords; with `--strict` anything that is said.",
        ),
        (
            "6",
            "Scripts without `enable_script_security`, or an include that counts.",
        ),
    ] {
        page.item(vec![bold(status)], meaning);
    }
    page.text("Of `reload`:");
    for (status, meaning) in [
        (
            "0",
            "The new configuration runs; with `--wait`, it has been carried out.",
        ),
        (
            "1",
            "Nobody can be asked; or it was refused for another reason than a mistake in it; or the kernel has refused a \
             part of it.",
        ),
        ("2, 4, 5, 6", "It was refused: the status that `-t` has for it."),
        (
            "3",
            "With `--require-hitless`: something would flap or needs a restart, and nothing was done.",
        ),
    ] {
        page.item(vec![bold(status)], meaning);
    }
    page.section("SEE ALSO");
    page.text("`steadfast.conf`(5), `ipvsadm`(8), `ip`(8)");
}
