//! What WEB_CHECK asks, and what it wants to hear.

use super::service::{List, Password};

/// A request of `WEB_CHECK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// `path`, with the query when there is one.
    pub path: String,
    /// `method`
    pub method: String,
    /// `header`: names and values, which are nobody else's business.
    pub headers: Vec<(String, Password)>,
    /// `body`
    pub body: Option<String>,
    /// `virtualhost`
    pub virtualhost: Option<String>,
    /// `http2`: otherwise HTTP/1.1.
    pub http2: bool,
    /// `status`: codes that are good, from the first to the last of each range.
    pub status: Vec<(u16, u16)>,
    /// `json`: a pointer (RFC 6901), and what is there.
    pub json: Vec<(String, String)>,
    /// `contains`: text in the body.
    pub contains: Option<String>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            path: "/".into(),
            method: "GET".into(),
            headers: Vec::new(),
            body: None,
            virtualhost: None,
            http2: false,
            status: vec![(200, 299)],
            json: Vec::new(),
            contains: None,
        }
    }
}

impl Web {
    /// Whether what is asked for has to be read.
    pub const fn wants_body(&self) -> bool {
        !self.json.is_empty() || self.contains.is_some()
    }

    pub(super) fn written<'a>(&'a self, out: &mut List<'a>) {
        out.word("path", Some(&self.path));
        out.word("method", Some(&self.method));
        for (name, value) in &self.headers {
            out.secret_pair("header", name, value);
        }
        out.word("body", self.body.as_deref());
        out.word("virtualhost", self.virtualhost.as_deref());
        out.flag("http2", self.http2);
        out.ranges("status", &self.status);
        for (pointer, value) in &self.json {
            out.pair("json", pointer, value);
        }
        out.word("contains", self.contains.as_deref());
    }
}
