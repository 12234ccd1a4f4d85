//! Names of hosts as requests name them: `www.example.org`, `www.example.org:8080`.

use std::net::IpAddr;

/// Name and port, when it is a name.
pub fn parts(host: &str) -> Option<(&str, Option<u16>)> {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port.parse().ok()?)),
        None => (host, None),
    };
    is_name(name).then_some((name, port))
}

/// Whether it is a name and no address. An address may be written in many ways; the last part of a name is no number.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let number = last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit());
    text.len() <= 253 && text.chars().all(fits) && text.parse::<IpAddr>().is_err() && !number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        assert_eq!(parts("www.example.org"), Some(("www.example.org", None)));
        assert_eq!(parts("a:8080"), Some(("a", Some(8080))));
        assert!(is_name("1.example") && is_name("a-b_c"));
        for address in [
            "192.0.2.1",
            "2001:db8::1",
            "127.1",
            "0x7f000001",
            "a.0x1",
            "",
            ".",
            "a b",
            "ä",
        ] {
            assert!(!is_name(address), "{address}");
            assert_eq!(parts(address), None, "{address}");
        }
        assert_eq!(parts("192.0.2.1:80"), None);
        assert_eq!(parts("a:b"), None);
    }
}
