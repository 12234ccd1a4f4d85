use super::*;

fn run(line: &str) -> Result<Parsed, Ended> {
    parse(
        line.split(' ')
            .filter(|word| !word.is_empty())
            .map(OsString::from),
    )
}

fn ok(line: &str) -> Options {
    let parsed = run(&format!("steadfast {line}")).unwrap();
    assert_eq!(
        (parsed.stdout.as_str(), parsed.stderr.as_str(), parsed.faulty),
        ("", "", false),
        "{line}"
    );
    parsed.options
}

fn exit(line: &str) -> Exit {
    match run(&format!("steadfast {line}")).unwrap_err() {
        Ended::Exit(exit) => exit,
        other @ Ended::Genhash { .. } => panic!("{other:?}"),
    }
}

fn bad(line: &str, stderr: &str) {
    let want = Exit {
        code: 1,
        stdout: String::new(),
        stderr: stderr.to_owned(),
    };
    assert_eq!(exit(line), want, "{line}");
}

#[test]
fn nothing_given() {
    let options = ok("");
    assert_eq!(options.config, Path::new("/etc/keepalived/keepalived.conf"));
    assert!(options.vrrp && options.check && options.bfd);
    assert!(!options.all && !options.dont_fork && !options.log_console && !options.dump_conf);
    assert_eq!(
        (options.log_detail, options.log_facility, options.umask),
        (0, 3, None)
    );
    assert_eq!((options.config_test, options.core_dump_pattern), (None, None));
    assert_eq!(parse(std::iter::empty()).unwrap().options, ok(""));
    assert_eq!(Options::default(), ok(""));
}

#[test]
fn every_flag_in_both_forms() {
    type Read = fn(&Options) -> bool;
    let flags: [(&str, &str, Read); 20] = [
        ("-P", "--vrrp", |o| o.vrrp && !o.check && o.bfd),
        ("-C", "--check", |o| !o.vrrp && o.check && o.bfd),
        ("-B", "--no_bfd", |o| !o.bfd),
        ("--all", "--all", |o| o.all),
        ("-l", "--log-console", |o| o.log_console),
        ("-D", "--log-detail", |o| o.log_detail == 1),
        ("-G", "--no-syslog", |o| o.no_syslog),
        ("-X", "--release-vips", |o| o.release_vips),
        ("-V", "--dont-release-vrrp", |o| o.dont_release_vrrp),
        ("-I", "--dont-release-ipvs", |o| o.dont_release_ipvs),
        ("-R", "--dont-respawn", |o| o.dont_respawn),
        ("-n", "--dont-fork", |o| o.dont_fork),
        ("-d", "--dump-conf", |o| o.dump_conf),
        ("-a", "--address-monitoring", |o| o.address_monitoring),
        ("-x", "--snmp", |o| o.snmp),
        ("-m", "--core-dump", |o| {
            o.core_dump && o.core_dump_pattern.is_none()
        }),
        ("-M", "--core-dump-pattern", |o| {
            o.core_dump && o.core_dump_pattern.as_deref() == Some("core")
        }),
        ("-e", "--all-config", |o| o.all_config),
        ("--ignore-sigint", "--ignore-sigint", |o| o.ignore_sigint),
        ("-t", "--config-test", |o| o.config_test == Some(None)),
    ];
    for (short, long, read) in flags {
        assert!(!read(&ok("")), "{short}");
        assert!(read(&ok(short)), "{short}");
        assert!(read(&ok(long)), "{long}");
        assert_ne!(ok(short), ok(""), "{short}");
    }
}

#[test]
fn every_value_in_every_form() {
    type Read = fn(&Options) -> Option<&str>;
    fn path(path: &Option<PathBuf>) -> Option<&str> {
        path.as_deref().and_then(Path::to_str)
    }
    let values: [(&str, &str, Read); 8] = [
        ("-f", "--use-file", |o| o.config.to_str()),
        ("-p", "--pid", |o| path(&o.pid_file)),
        ("-r", "--vrrp_pid", |o| path(&o.vrrp_pid_file)),
        ("-c", "--checkers_pid", |o| path(&o.checkers_pid_file)),
        ("-b", "--bfd_pid", |o| path(&o.bfd_pid_file)),
        ("-A", "--snmp-agent-socket", |o| o.snmp_agent_socket.as_deref()),
        ("-s", "--namespace", |o| o.namespace.as_deref()),
        ("-i", "--config-id", |o| o.config_id.as_deref()),
    ];
    for (short, long, read) in values {
        for line in [
            format!("{short} X"),
            format!("{short}X"),
            format!("{long} X"),
            format!("{long}=X"),
        ] {
            assert_eq!(read(&ok(&line)), Some("X"), "{line}");
        }
        assert_eq!(
            read(&ok(&format!("{short} -t"))),
            Some("-t"),
            "the next word is the value, whatever it is"
        );
        bad(short, &format!("Missing parameter for option {short}\n"));
        bad(long, &format!("Missing parameter for option {long}\n"));
        bad(
            &format!("{long}="),
            &format!("Missing parameter for option {long}\n"),
        );
    }
}

#[test]
fn bundled_repeated_and_cut() {
    let options = ok("-nlDdD -S local2 -Rf/a/b");
    assert!(options.dont_fork && options.log_console && options.dump_conf && options.dont_respawn);
    assert_eq!((options.log_detail, options.log_facility), (2, 18));
    assert_eq!(options.config, Path::new("/a/b"));
    assert_eq!(ok("-f a -n -f b -n").config, Path::new("b"));
    assert_eq!(
        ok("--dont-f --log-d --log-d --use=x --no_ --core-dump-p"),
        ok("-n -D -D -f x -B -M")
    );
    assert_eq!(
        ok("--vrrp"),
        ok("-P"),
        "a whole name wins over the longer --vrrp_pid"
    );
    bad("--dont", "Unknown option --dont\n");
    bad("--core", "Unknown option --core\n");
    bad("--vrr", "Unknown option --vrr\n");
}

#[test]
fn optional_values_are_glued_or_absent() {
    let test = |line| ok(line).config_test.unwrap();
    assert_eq!(test("-t/var/log/x"), Some("/var/log/x".into()));
    assert_eq!(test("--config-test=/var/log/x"), Some("/var/log/x".into()));
    assert_eq!(test("-nt"), None);
    assert_eq!(test("-tn"), Some("n".into()));
    assert_eq!(test("--config-test="), None);
    assert_eq!(ok("-Mx").core_dump_pattern.as_deref(), Some("x"));
    let parsed = run("steadfast -t /var/log/x").unwrap();
    assert_eq!(parsed.options.config_test, Some(None));
    assert_eq!(parsed.stdout, "Unexpected argument(s): /var/log/x \n");
}

#[test]
fn words_that_are_no_options() {
    let parsed = run("steadfast a -n - b -- -Z").unwrap();
    assert_eq!(parsed.stdout, "Unexpected argument(s): a - b -Z \n");
    assert!(parsed.options.dont_fork);
}

#[test]
fn all_bad_options_are_named() {
    bad(
        "-Z --foo -q",
        "Unknown option -Z\nUnknown option --foo\nUnknown option -q\n",
    );
    bad(
        "-nZl --foo=bar --vrrp=1",
        "Unknown option -Z\nUnknown option --foo=bar\nUnknown option --vrrp=1\n",
    );
    bad("-Z -f", "Unknown option -Z\nMissing parameter for option -f\n");
    bad("-G=3", "Unknown option -=\nUnknown option -3\n");
    for other_builds in [
        "-L",
        "-O",
        "--debug",
        "--perf",
        "--no-mem-check",
        "--flush-log-file",
    ] {
        bad(other_builds, &format!("Unknown option {other_builds}\n"));
    }
    bad("-g", "-g requires configure option --enable-log-file\n");
    bad("--log-file=x", "-g requires configure option --enable-log-file\n");
}

/// LVS facts: 21.1
#[test]
fn genhash_in_all_its_ways() {
    const PAGE: &str = "-s 192.0.2.1 -p 80 -u /a";
    const SAID: &str = "not used as first option, previous options ignored\n";
    for (line, said) in [
        ("/usr/bin/genhash", String::new()),
        ("genhash", String::new()),
        ("steadfast genhash", String::new()),
        ("steadfast -T", String::new()),
        ("steadfast --genhash", String::new()),
        ("steadfast --genh", String::new()),
        ("steadfast -l -T", format!("Warning -- `-T` {SAID}")),
        ("steadfast -nlT", format!("Warning -- `-T` {SAID}")),
        ("steadfast -n --gen", format!("Warning -- `genhash` {SAID}")),
        (
            "steadfast -Z -n -T",
            format!("Unknown option -Z\nWarning -- `-T` {SAID}"),
        ),
    ] {
        let Err(Ended::Genhash { wanted, stderr }) = run(&format!("{line} {PAGE}")) else {
            panic!("{line}")
        };
        assert_eq!((wanted.url.as_str(), stderr), ("/a", said), "{line}");
    }
    let Err(Ended::Genhash { wanted, .. }) = run(&format!("steadfast -Tv {PAGE}")) else {
        panic!()
    };
    assert!(wanted.verbose);
    for (line, usage) in [
        ("-T", "Usage: steadfast --genhash COMMAND"),
        ("genhash -h", "Usage: steadfast genhash COMMAND"),
        ("-T -n", "Unknown option -n\nUsage: "),
        ("-n -T", "Warning -- `-T` not"),
    ] {
        let exit = exit(line);
        assert_eq!((exit.code, exit.stdout.as_str()), (1, ""), "{line}");
        assert!(exit.stderr.starts_with(usage), "{line}: {}", exit.stderr);
    }
    // Only as the first word.
    assert_eq!(
        run("steadfast -n genhash").unwrap().stdout,
        "Unexpected argument(s): genhash \n"
    );
}

#[test]
fn some_options_end_the_program_where_they_stand() {
    let version = exit("-nv -Z");
    assert_eq!((version.code, version.stdout.as_str()), (0, ""));
    assert!(version.stderr.starts_with("Keepalived v2.4.3 ("));
    let late = exit("-Z -v");
    assert_eq!(late.code, 0);
    assert!(late.stderr.starts_with("Unknown option -Z\nKeepalived v"));
    let help = exit("--help");
    assert_eq!((help.code, help.stdout.as_str()), (0, ""));
    for option in [
        "-f, --use-file",
        "-t, --config-test",
        "--ignore-sigint",
        "--signum",
    ] {
        assert!(help.stderr.contains(option), "{option}");
    }
    let number = |line| (exit(line).code, exit(line).stdout, exit(line).stderr);
    assert_eq!(number("--signum=DATA"), (0, "10\n".into(), String::new()));
    assert_eq!(number("--sig RELOAD -Z"), (0, "1\n".into(), String::new()));
    assert_eq!(
        number("--signum=data"),
        (1, String::new(), "Unknown sigfunc data\n".into())
    );
    bad("--signum", "Missing parameter for option --signum\n");
}

#[test]
fn halves() {
    let halves = |line| {
        let options = ok(line);
        (options.vrrp, options.check, options.bfd, options.all)
    };
    assert_eq!(halves("-P -C"), (false, false, true, false));
    assert_eq!(halves("-P -C -B --all"), (true, true, true, true));
    assert_eq!(halves("-P --all -C"), (false, true, true, true));
}

#[test]
fn facilities() {
    for (word, number) in [
        ("0", 16),
        ("7", 23),
        ("local0", 16),
        ("local7", 23),
        ("user", 1),
        ("daemon", 3),
    ] {
        assert_eq!(ok(&format!("-S {word}")).log_facility, number, "{word}");
    }
    for word in ["8", "local8", "local", "mail", "-1", "00", "Daemon"] {
        let parsed = run(&format!("steadfast -S {word}")).unwrap();
        assert_eq!(parsed.stderr, format!("Invalid log facility '{word}'\n"));
        assert!(parsed.faulty);
        assert_eq!(parsed.options.log_facility, 3);
    }
}

#[test]
fn masks() {
    for (word, number) in [
        ("022", 0o22),
        ("0177", 0o177),
        ("0x3f", 0x3f),
        ("77", 77),
        ("0", 0),
        ("0777", 0o777),
    ] {
        assert_eq!(ok(&format!("-u {word}")).umask, Some(number), "{word}");
    }
    for word in ["1777", "0778", "12x", "-1", "+1", "0x", "01000", "0x+1"] {
        let parsed = run(&format!("steadfast -u {word}")).unwrap();
        assert_eq!(parsed.stderr, format!("Invalid --umask option {word}\n"));
        assert_eq!(parsed.options.umask, None);
        assert!(!parsed.faulty);
    }
}

#[test]
fn what_has_no_effect_is_known() {
    assert_eq!(
        ok("-n -m -D -Mz --all -X -a").without_effect(),
        Vec::<&str>::new()
    );
    let all = ok("-x -A y --config-fd 3").without_effect();
    assert_eq!(all.len(), 3);
    // The help says the same.
    let help = table::help();
    let said = help.lines().filter(|line| line.contains("no effect yet")).count();
    assert_eq!(said, all.len() - 1, "--config-fd is not in the help");
}

#[test]
fn what_only_we_have_goes_with_the_test() {
    let options = ok("-t --format json --strict");
    assert_eq!((options.format, options.strict), (Format::Json, true));
    assert_eq!(ok("-t --format=text"), ok("-t"));
    bad("-t --format=xml", "Unknown format 'xml': it is text or json\n");
    bad("--format=json", "--format needs -t\n");
    bad("--strict", "--strict needs -t\n");
    bad("--handover=me", "Unknown handover 'me': it is peer or none\n");
    // To keepalived, and so to us, these are no options.
    bad("-t --form=json", "Unknown option --form=json\n");
    bad("-t --stri", "Unknown option --stri\n");
    assert_eq!(exit("--sig=STOP").code, 0);
}

#[test]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(b"/a\xff".to_vec());
    let parsed = parse([OsString::from("x"), "-f".into(), odd.clone()]).unwrap();
    assert_eq!(parsed.options.config.as_os_str(), odd);
    let error = parse([OsString::from("x"), "-s".into(), odd]).unwrap_err();
    assert!(matches!(error, Ended::Exit(Exit { code: 1, .. })));
}

/// keepalived's list (facts cli 2), so that an option cannot be lost.
#[test]
fn the_table_is_complete() {
    let command = command();
    let shorts: std::collections::BTreeSet<char> =
        command.get_arguments().filter_map(clap::Arg::get_short).collect();
    assert_eq!(
        shorts.into_iter().collect::<String>(),
        "ABCDGIMPRSTVXabcdefghilmnprstuvx"
    );
    let long_only: Vec<_> = command
        .get_arguments()
        .filter(|arg| arg.get_short().is_none())
        .filter_map(clap::Arg::get_long)
        .collect();
    assert_eq!(
        long_only,
        [
            "all",
            "ignore-sigint",
            "handover",
            "config-fd",
            "format",
            "strict",
            "signum"
        ]
    );
}
