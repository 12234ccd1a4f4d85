//! Values of settings in words, for people who read what a reload changes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A value that can be shown in a report.
pub trait Show {
    /// In few words; nothing of a secret.
    fn show(&self) -> String;
}

/// Types whose `Display` is their text in reports.
macro_rules! shown_as_displayed {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::change::Show for $name {
            fn show(&self) -> String {
                self.to_string()
            }
        })+
    };
}
pub(crate) use shown_as_displayed;

shown_as_displayed!(
    u8,
    u16,
    u32,
    u64,
    usize,
    i8,
    i16,
    i32,
    i64,
    String,
    Arc<str>,
    IpAddr,
    Ipv4Addr,
    Ipv6Addr,
    SocketAddr,
);
shown_as_displayed!(
    crate::net::IfName,
    crate::net::Family,
    crate::net::Cidr,
    crate::net::Mac,
    crate::net::AddressSpec,
    crate::net::Route,
    crate::net::Rule,
);

impl Show for bool {
    fn show(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }
}

impl Show for PathBuf {
    fn show(&self) -> String {
        self.display().to_string()
    }
}

/// In seconds, as the configuration has it.
impl Show for Duration {
    fn show(&self) -> String {
        let micros = self.subsec_micros();
        if micros == 0 {
            return format!("{} s", self.as_secs());
        }
        let fraction = format!("{micros:06}");
        format!("{}.{} s", self.as_secs(), fraction.trim_end_matches('0'))
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), Show::show)
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> String {
        if self.is_empty() {
            return "none".to_owned();
        }
        self.iter().map(Show::show).collect::<Vec<_>>().join(" ")
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self) -> String {
        (*self).show()
    }
}

impl<T: Show> Show for Box<T> {
    fn show(&self) -> String {
        self.as_ref().show()
    }
}
