//! From which level the settings of checkers and servers come: every setting, from every level.

use super::*;
use crate::check::config::{CheckerConfig, DnsType};

/// Kinds of checkers, with what they cannot do without.
const KINDS: [(&str, &str); 8] = [
    ("TCP_CHECK", ""),
    ("HTTP_GET", "url {\npath /\n}"),
    ("SSL_GET", "url {\npath /\n}"),
    ("SMTP_CHECK", ""),
    ("DNS_CHECK", ""),
    ("UDP_CHECK", ""),
    ("PING_CHECK", ""),
    ("MISC_CHECK", "misc_path /bin/true"),
];

/// The only checker, with what the virtual server, the real server and the checker say.
fn checker(kind: (&str, &str), [vs, rs, own]: [&str; 3]) -> CheckerConfig {
    let (keyword, needed) = kind;
    let real = format!("real_server 198.51.100.1 80 {{\n{rs}\n{keyword} {{\n{needed}\n{own}\n}}\n}}");
    let (plan, said) = plan(&server("192.0.2.9 80", &format!("protocol TCP\n{vs}"), &real));
    let [vs] = plan.check.services.as_slice() else {
        panic!("{said:#?}");
    };
    let [checker] = vs.real_servers[0].checkers.as_slice() else {
        panic!("{said:#?}");
    };
    checker.clone()
}

/// A setting of a checker, shown.
type Shown = fn(&CheckerConfig) -> String;

const fn no_misc(keyword: &str) -> bool {
    // Scripts have a limit of their own.
    !matches!(keyword.as_bytes(), b"MISC_CHECK")
}

fn timeout(checker: &CheckerConfig) -> String {
    let connection = checker.probe.connection();
    connection.map_or_else(String::new, |to| to.timeout.as_secs().to_string())
}

/// LVS facts: 3.1, 3.2, 3.3, 3.4, 3.5, 3.6
#[test]
fn the_nearest_level_that_says_something_decides() {
    let settings: [(&str, [&str; 3], Shown); 6] = [
        ("alpha", ["on", "off", "on"], |own| {
            if own.alpha { "on" } else { "off" }.to_owned()
        }),
        ("retry", ["2", "4", "7"], |own| own.retry.to_string()),
        ("delay_before_retry", ["2", "4", "7"], |own| {
            own.delay_before_retry.as_secs().to_string()
        }),
        ("connect_timeout", ["2", "4", "7"], timeout),
        ("delay_loop", ["2", "4", "7"], |own| {
            own.delay_loop.as_secs().to_string()
        }),
        ("warmup", ["2", "4", "7"], |own| own.warmup.as_secs().to_string()),
    ];
    for (setting, values, shown) in settings {
        for kind in KINDS {
            if setting == "connect_timeout" && !no_misc(kind.0) {
                continue;
            }
            let lines = values.map(|value| match (setting, value) {
                // That of a virtual server has no value.
                ("alpha", "on") => "alpha".to_owned(),
                _ => format!("{setting} {value}"),
            });
            let [vs, rs, own] = lines.each_ref().map(String::as_str);
            for (levels, wanted) in [
                ([vs, "", ""], values[0]),
                (["", rs, ""], values[1]),
                (["", "", own], values[2]),
                ([vs, rs, ""], values[1]),
                ([vs, "", own], values[2]),
                (["", rs, own], values[2]),
                ([vs, rs, own], values[2]),
            ] {
                assert_eq!(shown(&checker(kind, levels)), wanted, "{kind:?} {levels:?}");
            }
        }
    }
    let own = checker(KINDS[0], ["alpha", "", "alpha off"]);
    assert!(!own.alpha);
}

/// LVS facts: 3.1, 3.2, 3.3, 3.4, 3.5, 3.6
#[test]
fn what_no_level_says_has_its_default() {
    for kind in KINDS {
        let (retry, delay) = match kind.0 {
            "HTTP_GET" | "SSL_GET" => (1, 3),
            "DNS_CHECK" => (3, 60),
            "MISC_CHECK" => (0, 1),
            _ => (1, 1),
        };
        let own = checker(kind, [""; 3]);
        let seconds = [own.delay_before_retry, own.delay_loop, own.warmup].map(|time| time.as_secs());
        assert_eq!(
            (own.alpha, own.retry, seconds),
            (false, retry, [delay, 60, 60]),
            "{kind:?}"
        );
        if no_misc(kind.0) {
            assert_eq!(timeout(&own), "5", "{kind:?}");
        }
        // What follows `delay_loop` follows that of the checker.
        let own = checker(kind, ["delay_loop 2", "delay_loop 4", "delay_loop 7"]);
        assert_eq!(own.warmup.as_secs(), 7, "{kind:?}");
        if kind.0 == "DNS_CHECK" {
            assert_eq!(own.delay_before_retry.as_secs(), 7);
        }
    }
}

/// LVS facts: 3.2
#[test]
fn servers_refuse_to_try_once_only() {
    let refused = |levels: [&str; 3]| {
        let real = format!(
            "real_server 198.51.100.1 80 {{\n{}\nTCP_CHECK {{\n{}\n}}\n}}",
            levels[1], levels[2]
        );
        let (plan, said) = plan(&server(
            "192.0.2.9 80",
            &format!("protocol TCP\n{}", levels[0]),
            &real,
        ));
        let refused = said.iter().any(|found| found.topic == Topic::InvalidNumber);
        (refused, plan.check.services[0].real_servers[0].checkers[0].retry)
    };
    assert_eq!(refused(["retry 0", "", ""]), (true, 1));
    assert_eq!(refused(["", "retry 0", ""]), (true, 1));
    assert_eq!(refused(["", "", "retry 0"]), (false, 0));
}

/// LVS facts: 9.16
#[test]
fn a_dns_check_asks_for_the_root_unless_it_is_told() {
    let asked = |own: &str| match &*checker(("DNS_CHECK", ""), ["", "", own]).probe {
        ProbeConfig::Dns(dns) => (dns.kind, dns.name.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(""), (DnsType::Soa, None));
    let name = "a.example.com".to_owned();
    assert_eq!(asked("type MX\nname a.example.com"), (DnsType::Mx, Some(name)));
}

/// LVS facts: 12.4
#[test]
fn a_file_check_is_never_in_alpha_mode() {
    let real = "real_server 198.51.100.1 80 {\nalpha\nFILE_CHECK {\ntrack_file F\n}\n}";
    let text = server("192.0.2.9 80", "protocol TCP\nalpha", real);
    let (plan, said) = plan(&format!("track_file F {{\nfile /run/f\n}}\n{text}"));
    let [checker] = plan.check.services[0].real_servers[0].checkers.as_slice() else {
        panic!("{said:#?}");
    };
    assert!(matches!(&*checker.probe, ProbeConfig::File(_)));
    assert!(!checker.alpha);
}

/// LVS facts: 3.9
#[test]
fn mails_are_wanted_by_the_nearest_that_says_something() {
    let alerts = |global: &str, vs: &str, rs: &str| {
        let real = format!("real_server 198.51.100.1 80 {{\n{rs}\n}}");
        let text = server("192.0.2.9 80", &format!("protocol TCP\n{vs}"), &real);
        let (plan, _) = plan(&format!("global_defs {{\n{global}\n}}\n{text}"));
        let vs = &plan.check.services[0];
        (vs.smtp_alert, vs.real_servers[0].smtp_alert)
    };
    for (global, vs, rs, wanted) in [
        ("", "", "", (false, true)),
        ("", "smtp_alert", "", (true, true)),
        ("", "", "smtp_alert off", (false, false)),
        ("smtp_alert", "", "", (true, true)),
        ("smtp_alert off", "", "", (false, false)),
        ("smtp_alert off\nsmtp_alert_checker", "", "", (true, true)),
        ("smtp_alert\nsmtp_alert_checker off", "", "", (false, false)),
        (
            "smtp_alert\nsmtp_alert_checker off",
            "smtp_alert",
            "",
            (true, false),
        ),
        ("smtp_alert_checker off", "", "smtp_alert on", (false, true)),
        (
            "smtp_alert_checker",
            "smtp_alert off",
            "smtp_alert off",
            (false, false),
        ),
        // For the other half only.
        ("smtp_alert_vrrp", "", "", (false, true)),
    ] {
        assert_eq!(alerts(global, vs, rs), wanted, "{global:?} {vs:?} {rs:?}");
    }
}

/// LVS facts: 8.5
#[test]
fn all_failures_are_told_of_where_the_checker_or_everybody_says_so() {
    let told = |global: &str, own: &str| {
        let real = format!("real_server 198.51.100.1 80 {{\nTCP_CHECK {{\n{own}\n}}\n}}");
        let text = server("192.0.2.9 80", "protocol TCP", &real);
        let (plan, _) = plan(&format!("global_defs {{\n{global}\n}}\n{text}"));
        plan.check.services[0].real_servers[0].checkers[0].log_all_failures
    };
    assert!(!told("", ""));
    assert!(told("", "log_all_failures"));
    assert!(told("checker_log_all_failures", ""));
    assert!(told("checker_log_all_failures on", ""));
    assert!(!told("checker_log_all_failures off", ""));
}
