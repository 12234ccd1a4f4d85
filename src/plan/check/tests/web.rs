//! HTTP_GET and SSL_GET: names that are inherited, urls and checkers that are left out.

use super::*;
use crate::check::config::{HttpConfig, ProbeConfig, Regex};

/// The checkers of a real server whose checker is `checker`, in a virtual server with `vs` and a real server with `rs`,
/// where patterns that begin with `(` cannot be compiled; and what was said, with its class.
fn checkers(vs: &str, rs: &str, checker: &str) -> (Vec<HttpConfig>, Vec<(Class, String)>) {
    let text = server(
        "192.0.2.9 443",
        &format!("protocol TCP\n{vs}"),
        &format!("real_server 198.51.100.1 443 {{\n{rs}\n{checker}\n}}"),
    );
    let reading = read_str(Path::new("t.conf"), &text, &ReadOptions::default());
    let wrong = |regex: &Regex| regex.pattern.starts_with('(');
    let host = Host {
        refused_regexes: regexes(&reading.config)
            .into_iter()
            .filter(wrong)
            .map(|regex| (regex, "at offset 1: wrong".to_owned()))
            .collect(),
        ..Host::default()
    };
    let (plan, said) = build(&reading.config, &host);
    let all = plan.check.services[0].real_servers[0].checkers.iter();
    let web = all.filter_map(|checker| match &*checker.probe {
        ProbeConfig::Http(http) => Some(http.clone()),
        _ => None,
    });
    let said = reading.diagnostics.into_iter().chain(said);
    let said = said.filter(|found| found.class != Class::Note);
    (
        web.collect(),
        said.map(|found| (found.class, found.message)).collect(),
    )
}

/// LVS facts: 3.8, 10.19
#[test]
fn host_and_server_name_come_from_the_nearest_that_has_one() {
    let name = |at: &str| format!("virtualhost {at}.example.com");
    let host = |at: &str| Some(format!("{at}.example.com"));
    // What the url, the checker, the real server and the virtual server say; Host header and SNI of it.
    for (said, wanted_host, wanted_sni) in [
        (["url", "checker", "rs", "vs"], host("url"), host("url")),
        (["", "checker", "rs", "vs"], host("checker"), host("checker")),
        // That of the real server is none for SNI.
        (["", "", "rs", "vs"], host("rs"), host("vs")),
        (["", "", "rs", ""], host("rs"), None),
        (["", "", "", "vs"], host("vs"), host("vs")),
        (["", "", "", ""], None, None),
    ] {
        let [url, checker, rs, vs] = said.map(|at| if at.is_empty() { String::new() } else { name(at) });
        for (keyword, sni, wanted_sni) in [
            ("SSL_GET", "enable_sni", wanted_sni),
            ("SSL_GET", "", None),
            ("HTTP_GET", "enable_sni", None),
        ] {
            let block = format!("{keyword} {{\n{sni}\n{checker}\nurl {{\npath /\n{url}\n}}\n}}");
            let (found, _) = checkers(&vs, &rs, &block);
            let url = &found[0].urls[0];
            assert_eq!(
                (&url.host, &url.sni),
                (&wanted_host, &wanted_sni),
                "{keyword} {sni} {said:?}"
            );
        }
    }
}

/// LVS facts: 10.10
#[test]
fn a_url_whose_pattern_is_no_good_stays_and_is_named() {
    let good = "url {\npath /good\nregex fine\n}\n";
    let bad = "url {\npath /bad\nregex (\n}\n";
    let invalid = (
        Class::Unheeded,
        "Invalid regex: '(' at offset 1: wrong".to_owned(),
    );
    // Alone too: without its checker the server would count as always up.
    for (urls, wanted) in [
        ([bad, good].as_slice(), &["/bad", "/good"][..]),
        (&[bad], &["/bad"]),
    ] {
        let (found, said) = checkers("", "", &format!("HTTP_GET {{\n{}}}", urls.concat()));
        let paths: Vec<&str> = found[0].urls.iter().map(|url| url.path.as_str()).collect();
        assert_eq!(paths, wanted);
        assert_eq!(found[0].urls[0].regex.as_ref().unwrap().pattern, "(");
        assert_eq!(said, std::slice::from_ref(&invalid));
    }
}

/// LVS facts: 10.16
#[test]
fn urls_without_path_and_checkers_without_urls_are_left_out() {
    let general = |message: &str| (Class::General, message.to_owned());
    let no_path = general("HTTP/SSL_GET checker url has no path - ignoring");
    let (found, said) = checkers(
        "",
        "",
        "SSL_GET {\nurl {\nstatus_code 200\n}\nurl {\npath /\n}\n}",
    );
    assert_eq!(found[0].urls.len(), 1);
    assert_eq!((said.len(), &said[0]), (1, &no_path));
    let (found, said) = checkers("", "", "SSL_GET {\nurl {\nstatus_code 200\n}\n}");
    assert_eq!((found.len(), said.first()), (0, Some(&no_path)));
    let (found, said) = checkers("", "", "SSL_GET {\n}");
    let no_urls = general("HTTP/SSL_GET checker has no urls specified - ignoring");
    assert_eq!((found.len(), said.first()), (0, Some(&no_urls)));
}

#[test]
fn settings_of_a_url_reach_its_checker() {
    let regex = "regex \"a b\"\nregex_no_match\nregex_options utf caseless\nregex_min_offset 3\nregex_max_offset 9\n\
        regex_stack 1000 2000";
    let block = format!("SSL_GET {{\nurl {{\npath /a\ntls_compliant\n{regex}\n}}\nurl {{\npath /b\n}}\n}}");
    let (found, said) = checkers("", "", &block);
    let [first, second] = &found[0].urls[..] else {
        panic!("{found:?}");
    };
    assert_eq!((first.tls_compliant, second.tls_compliant), (true, false));
    let wanted = Regex {
        pattern: "a b".to_owned(),
        no_match: true,
        options: ["caseless", "utf"].into(),
        min_offset: 3,
        max_offset: Some(9),
        stack: Some((1000, 2000)),
    };
    assert_eq!((first.regex.as_ref(), &second.regex), (Some(&wanted), &None));
    assert_eq!(said, []);
    assert!(!found[0].tls.as_ref().unwrap().compliant);
}
