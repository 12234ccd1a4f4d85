//! `regex` of a url and what belongs to it.

use std::collections::BTreeSet;

/// What is searched for in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Regex {
    /// `regex`: a pattern of PCRE2.
    pub pattern: String,
    /// `regex_no_match`: it must not be found.
    pub no_match: bool,
    /// `regex_options`, by their names.
    pub options: BTreeSet<&'static str>,
    /// `regex_min_offset`: a match begins there or later.
    pub min_offset: u32,
    /// `regex_max_offset`: a match begins there or before.
    pub max_offset: Option<u32>,
    /// `regex_stack`: first and greatest size in octets. The largest of all urls count for each.
    pub stack: Option<(u64, u64)>,
}
