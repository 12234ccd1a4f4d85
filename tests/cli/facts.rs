//! keepalived's command line row by row (facts cli): what shows that ours is the same, or where it says that it is not.
//!
//! Every option of the facts' table and every numbered item is here, so that none can be forgotten, and what is named
//! must exist: a test or a scenario by its name, a difference by a text of `docs/compatibility.md`.

use std::path::Path;
use steadfast::cli;

/// What shows it.
enum Shown {
    /// A test of this program.
    Here(&'static str),
    /// A test beside the code: file and name.
    Unit(&'static str, &'static str),
    /// A scenario of the laboratory.
    Lab(&'static str),
    /// It is otherwise, and said so.
    Differs(&'static str),
}

use Shown::{Differs, Here, Lab, Unit};

const CLI: &str = "src/cli/tests.rs";
const LOG: &str = "src/daemon/log/tests.rs";
const PIDFILE: &str = "src/daemon/pidfile.rs";
const SIGNAL: &str = "src/daemon/signal.rs";

/// The options by their long names.
const OPTIONS: &[(&str, &[Shown])] = &[
    (
        "use-file",
        &[
            Here("a_relative_file_is_that_of_the_working_directory"),
            Unit(CLI, "nothing_given"),
        ],
    ),
    ("vrrp", &[Lab("start-halves"), Unit(CLI, "halves")]),
    ("check", &[Lab("start-halves"), Unit(CLI, "halves")]),
    (
        "no_bfd",
        &[Here("bfd_has_a_pid_file_unless_it_is_forbidden"), Differs("`-B`")],
    ),
    (
        "all",
        &[
            Here("bfd_has_a_pid_file_unless_it_is_forbidden"),
            Differs("`--all`"),
        ],
    ),
    (
        "log-console",
        &[Here(
            "the_console_hears_the_log_in_the_foreground_only_and_with_its_date",
        )],
    ),
    (
        "log-detail",
        &[
            Unit(LOG, "identities_levels_and_fields"),
            Unit(LOG, "twice_detailed"),
        ],
    ),
    (
        "log-facility",
        &[Unit(CLI, "facilities"), Unit(LOG, "identities_levels_and_fields")],
    ),
    (
        "log-file",
        &[
            Unit(CLI, "all_bad_options_are_named"),
            Differs("`-g`, `--log-file`"),
        ],
    ),
    (
        "flush-log-file",
        &[
            Unit(CLI, "all_bad_options_are_named"),
            Differs("`--flush-log-file`"),
        ],
    ),
    ("no-syslog", &[Unit(LOG, "where_lines_go")]),
    (
        "umask",
        &[Here("dumps_are_created_with_the_mask"), Unit(CLI, "masks")],
    ),
    ("release-vips", &[Lab("start-halves"), Differs("`-X`")]),
    ("dont-release-vrrp", &[Lab("start-halves")]),
    ("dont-release-ipvs", &[Lab("start-halves")]),
    (
        "dont-respawn",
        &[
            Here("what_has_no_effect_is_named_at_the_start"),
            Differs("`-R` changes nothing"),
        ],
    ),
    (
        "dont-fork",
        &[
            Here("the_starter_of_a_background_daemon_returns"),
            Lab("start-background"),
        ],
    ),
    (
        "dump-conf",
        &[
            Lab("start-dump"),
            Here("what_dump_conf_prints_is_a_configuration_that_prints_the_same"),
        ],
    ),
    ("pid", &[Here("one_daemon_for_each_pid_file")]),
    ("vrrp_pid", &[Here("one_daemon_for_each_pid_file")]),
    ("checkers_pid", &[Here("one_daemon_for_each_pid_file")]),
    ("bfd_pid", &[Here("bfd_has_a_pid_file_unless_it_is_forbidden")]),
    (
        "genhash",
        &[
            Here("genhash_by_its_name"),
            Unit(CLI, "genhash_in_all_its_ways"),
            Differs("`--genhash`"),
        ],
    ),
    ("address-monitoring", &[Lab("start-halves"), Differs("`-a`")]),
    (
        "snmp",
        &[Here("what_has_no_effect_is_named_at_the_start"), Differs("`-x`")],
    ),
    (
        "snmp-agent-socket",
        &[Here("what_has_no_effect_is_named_at_the_start"), Differs("`-A`")],
    ),
    (
        "namespace",
        &[Here(
            "a_namespace_of_the_command_line_is_entered_or_nothing_is_done",
        )],
    ),
    ("core-dump", &[Here("core_dumps_are_allowed_on_demand")]),
    (
        "core-dump-pattern",
        &[Unit("src/daemon/core_pattern.rs", "the_one_before_comes_back")],
    ),
    ("all-config", &[Here("missing_files_count_with_all_config")]),
    ("config-id", &[Here("lines_are_for_an_identity")]),
    (
        "ignore-sigint",
        &[Here("an_interrupt_stops_unless_it_is_to_be_ignored")],
    ),
    ("signum", &[Here("signal_numbers_are_those_of_this_system")]),
    (
        "config-test",
        &[Here("the_test_appends_to_its_log_file"), Lab("config-test")],
    ),
    (
        "config-fd",
        &[
            Here("what_has_no_effect_is_named_at_the_start"),
            Differs("`--config-fd`"),
        ],
    ),
    (
        "mem-check-log",
        &[Unit(CLI, "all_bad_options_are_named"), Differs("`-L`")],
    ),
    (
        "no-mem-check",
        &[
            Unit(CLI, "all_bad_options_are_named"),
            Differs("`--no-mem-check`"),
        ],
    ),
    (
        "openssl-mem-check",
        &[Unit(CLI, "all_bad_options_are_named"), Differs("`-O`")],
    ),
    (
        "perf",
        &[Unit(CLI, "all_bad_options_are_named"), Differs("`--perf`")],
    ),
    (
        "debug",
        &[Unit(CLI, "all_bad_options_are_named"), Differs("`--debug`")],
    ),
    (
        "version",
        &[Here("tools_can_read_the_version"), Differs("`-v`: copyright")],
    ),
    ("help", &[Here("the_help_names_options")]),
];

/// Options of builds that we do not have: unknown.
const OTHER_BUILDS: &[&str] = &[
    "flush-log-file",
    "mem-check-log",
    "no-mem-check",
    "openssl-mem-check",
    "perf",
    "debug",
];
/// Options of ours.
const OURS: &[&str] = &["format", "handover", "strict"];

/// The numbered items.
const ITEMS: &[(&str, &[Shown])] = &[
    (
        "1.1 spelling",
        &[
            Unit(CLI, "bundled_repeated_and_cut"),
            Unit(CLI, "optional_values_are_glued_or_absent"),
        ],
    ),
    (
        "1.2 bad options",
        &[
            Here("bad_options_are_named_on_standard_error"),
            Differs("lacks its argument is named by chance"),
        ],
    ),
    ("1.3 left-over words", &[Unit(CLI, "words_that_are_no_options")]),
    (
        "1.4 exits at once",
        &[Unit(CLI, "some_options_end_the_program_where_they_stand")],
    ),
    (
        "1.5 genhash by name",
        &[Here("genhash_by_its_name"), Lab("genhash")],
    ),
    ("2.1 subsystems", &[Unit(CLI, "the_table_is_complete")]),
    (
        "2.2 nothing to run",
        &[
            Here("one_daemon_for_each_pid_file"),
            Differs("there are no children to start"),
        ],
    ),
    (
        "3.1 starts nothing",
        &[Here("the_test_starts_and_writes_nothing")],
    ),
    (
        "3.2 said several times",
        &[Differs(
            "prints a message that concerns several processes several times",
        )],
    ),
    (
        "3.3 where messages go",
        &[
            Here("the_test_appends_to_its_log_file"),
            Differs("prints one line a message"),
        ],
    ),
    (
        "3.4 exit status",
        &[Here("the_test_has_keepaliveds_exit_status"), Lab("config-test")],
    ),
    (
        "3.5 several kinds",
        &[Here("the_test_has_keepaliveds_exit_status")],
    ),
    ("3.6 no file", &[Here("missing_files_count_with_all_config")]),
    (
        "3.7 trailing characters",
        &[Here(
            "a_number_with_something_behind_it_is_refused_by_the_test_alone",
        )],
    ),
    ("3.8 -d with -t", &[Differs("`-t` with `-d` prints nothing")]),
    ("3.9 reload_check_config", &[Lab("reload-check")]),
    (
        "4 exit status",
        &[
            Here("what_cannot_be_run_gives_keepaliveds_exit_status"),
            Lab("start-exit-codes"),
            Lab("start-privileges"),
            Lab("plane-panic"),
        ],
    ),
    (
        "4.1 the starter",
        &[
            Here("what_cannot_be_run_gives_keepaliveds_exit_status"),
            Differs("so the starter's exit code tells"),
        ],
    ),
    (
        "4.2 a child's end",
        &[Lab("plane-panic"), Differs("there are no children")],
    ),
    (
        "5 signals",
        &[
            Unit(SIGNAL, "every_signal_arrives_and_a_stop_comes_first"),
            Lab("reload"),
            Lab("dumps"),
            Lab("dump-statistics"),
        ],
    ),
    ("5.1 to the parent only", &[Differs("every signal goes to it")]),
    ("5.2 numbers", &[Here("signal_numbers_are_those_of_this_system")]),
    ("6.1 dump to the log", &[Lab("start-dump")]),
    (
        "6.2 dump files",
        &[Lab("dumps"), Here("dumps_are_created_with_the_mask")],
    ),
    ("6.3 line shape", &[Lab("dump-labels")]),
    ("6.4 headings", &[Lab("dump-labels")]),
    (
        "6.5 global definitions",
        &[
            Lab("dump-labels"),
            Differs("lines of what steadfast does not have"),
        ],
    ),
    (
        "6.6 SSL and LVS topology",
        &[
            Lab("dump-labels"),
            Unit("src/check/dump/tests.rs", "what_has_failed_is_shown"),
        ],
    ),
    ("6.7 checkers", &[Lab("dump-labels")]),
    ("6.8 VRRP", &[Lab("dump-labels")]),
    ("7.1 statistics", &[Lab("dump-statistics")]),
    (
        "7.2 their names",
        &[Lab("dump-statistics"), Differs("`stats_dump_file`")],
    ),
    ("7.3 no LVS in them", &[Lab("dump-statistics")]),
    ("8.1 places", &[Unit(PIDFILE, "the_names_are_keepaliveds")]),
    ("8.2 content", &[Unit(PIDFILE, "content_mode_and_removal")]),
    (
        "8.3 locks",
        &[
            Unit(PIDFILE, "the_lock_tells_of_a_running_daemon"),
            Differs("counts as \"already running\""),
        ],
    ),
    (
        "8.4 second start",
        &[Here("one_daemon_for_each_pid_file"), Lab("start-once")],
    ),
    (
        "8.5 removal",
        &[
            Here("one_daemon_for_each_pid_file"),
            Unit(
                "src/daemon/reload_mark.rs",
                "it_exists_while_it_is_held_and_is_no_link",
            ),
        ],
    ),
    (
        "8.6 private directory",
        &[Differs("a private directory is mounted over")],
    ),
    ("9.1 environment", &[Here("dumps_are_created_with_the_mask")]),
    ("9.2 identities", &[Unit(LOG, "identities_levels_and_fields")]),
    ("9.3 levels", &[Unit(LOG, "identities_levels_and_fields")]),
    (
        "9.4 lines at the start",
        &[Here(
            "the_console_hears_the_log_in_the_foreground_only_and_with_its_date",
        )],
    ),
    (
        "9.5 log-only differences",
        &[Differs("the date of console lines")],
    ),
    ("10.1 systemd", &[Lab("start-manager")]),
    ("10.2 its messages", &[Lab("start-manager")]),
    ("10.3 the unit", &[Lab("start-manager")]),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the project")
}

#[test]
fn what_is_named_exists() {
    let here = ["tests/cli/main.rs", "tests/cli/options.rs"].map(read).concat();
    let rooms =
        ["vrrp", "lvs", "daemon", "tools"].map(|room| read(&format!("tests/lab/scenarios/list/{room}.rs")));
    let scenarios = rooms.concat();
    let differences = read("docs/compatibility.md");
    for (name, shown) in OPTIONS.iter().chain(ITEMS) {
        assert!(!shown.is_empty(), "{name}");
        for one in *shown {
            let (place, wanted, text) = match one {
                Here(test) => ("tests/cli", format!("#[test]\nfn {test}()"), here.clone()),
                Unit(file, test) => (*file, format!("fn {test}()"), read(file)),
                Lab(scenario) => ("tests/lab", format!("\"{scenario}\""), scenarios.clone()),
                Differs(text) => ("docs/compatibility.md", (*text).to_owned(), differences.clone()),
            };
            assert!(text.contains(&wanted), "{name}: `{wanted}` is not in {place}");
        }
    }
}

#[test]
fn every_option_has_its_row() {
    let command = cli::command();
    let ours: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    for long in &ours {
        let known = OPTIONS.iter().any(|(name, _)| name == long) || OURS.contains(long);
        assert!(known, "--{long} has no row");
    }
    for (name, _) in OPTIONS {
        assert_ne!(ours.contains(name), OTHER_BUILDS.contains(name), "--{name}");
    }
    assert_eq!(OPTIONS.len(), 42, "the rows of the facts' table");
}
