//! Lines of addresses.

use super::Spanned;
use crate::net::{Cidr, Scope};
use std::net::Ipv4Addr;

/// A line of `virtual_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as the keywords")]
pub struct AddressLine {
    pub cidr: Cidr,
    pub dev: Option<Spanned<String>>,
    pub scope: Scope,
    pub label: Option<String>,
    pub broadcast: Option<Ipv4Addr>,
}
