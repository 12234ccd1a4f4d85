//! What `-v` and the first lines of the log say of this program.
//!
//! Tools parse the first line of `keepalived -v` and its date, and exporters want a line `configure options:`; so
//! we say whose successor we are in that form, and then who we are.

/// The keepalived whose behaviour this program has.
pub const KEEPALIVED: &str = "2.4.3";
/// Our own version.
pub const STEADFAST: &str = env!("CARGO_PKG_VERSION");
/// The day of this version, in keepalived's form.
pub const DATE: &str = "11/21,2026";
/// Parts of keepalived that are in this program, in its words.
const FEATURES: &str = "LVS VRRP VRRP_AUTH SYSTEMD_NOTIFY";

/// `Keepalived v2.4.3 (11/21,2026)`: as in `-v` and in "Starting …", "Stopped …".
pub fn banner() -> String {
    format!("Keepalived v{KEEPALIVED} ({DATE})")
}

/// `steadfast 0.1.0 (as keepalived 2.4.3)`
pub fn own_name() -> String {
    format!("steadfast {STEADFAST} (as keepalived {KEEPALIVED})")
}

/// `Linux 6.1.0 #1 SMP`: the kernel that runs.
pub fn kernel() -> String {
    nix::sys::utsname::uname().map_or_else(
        |error| format!("an unknown kernel ({error})"),
        |name| {
            let part = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
            format!(
                "{} {} {}",
                part(name.sysname()),
                part(name.release()),
                part(name.version())
            )
        },
    )
}

/// All of `-v`.
pub fn text() -> String {
    format!(
        "{}\n\nThis is steadfast {STEADFAST}, a successor of keepalived that shares no code with it.\n\
         Licence: MIT or Apache-2.0\n\nRunning on {}\n\nconfigure options:\n\nConfig options:  {FEATURES}\n",
        banner(),
        kernel()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_can_read_it() {
        let text = text();
        let first = text.lines().next().unwrap();
        let date = first
            .strip_prefix("Keepalived v2.4.3 (")
            .and_then(|rest| rest.strip_suffix(')'));
        let (month_day, year) = date.and_then(|date| date.split_once(',')).unwrap();
        let (month, day) = month_day.split_once('/').unwrap();
        assert!(
            (1..=12).contains(&month.parse::<u8>().unwrap())
                && (1..=31).contains(&day.parse::<u8>().unwrap())
        );
        assert_eq!(year.len(), 4);
        assert!(text.lines().any(|line| line.starts_with("configure options:")));
        assert!(text.contains(STEADFAST));
    }
}
