//! Classes of messages: keepalived's by the words it uses, ours by the topic of a diagnostic, and what may differ.

use std::collections::BTreeSet;

/// Classes of what keepalived writes: the first row with a part that occurs in a line decides.
const WORDS: &[(&str, &[&str])] = &[
    ("other", &["~SEQ", "~LST", "smtp_con"]),
    ("missing-parameter", &["*** Configuration line starting"]),
    ("include-missing", &["Config files missing", "Configuration file"]),
    (
        "security-violation",
        &["SECURITY VIOLATION", "Unsafe permissions"],
    ),
    ("iptables-unsupported", &["iptables not supported"]),
    ("smtp-server-unresolved", &["Invalid smtp server"]),
    ("email-block", &["empty notification_email block"]),
    (
        "brace",
        &[
            "Unexpected '{'",
            "Extra '}'",
            "missing '}'s",
            "Missing '{'",
            "'{' missing",
        ],
    ),
    ("unknown-keyword", &["Unknown keyword"]),
    ("bfd", &["BFD instance", "BFD_CHECK", "BFD name"]),
    ("extra-parameters", &["has extra parameters"]),
    ("block-name", &["must have a name"]),
    ("deprecated", &["deprecated", "Please use global lvs_sync_daemon"]),
    (
        "lvs-group",
        &[
            "virtual server group",
            "Virtual server group",
            "Address range end",
        ],
    ),
    (
        "address-option",
        &["Unknown configuration entry", "for IPv6 addresses"],
    ),
    ("ip-family-conflict", &["Cannot specify native_ipv6"]),
    (
        "address-family-mismatch",
        &["address family", "Address family", "of the same family"],
    ),
    ("address-family-mismatch", &["Cannot mix IPv4 and IPv6"]),
    (
        "route-rule",
        &[
            "unknown route",
            "Unknown rule",
            "preference specified",
            "Route must",
            "for route",
            "track route",
            "track rule",
        ],
    ),
    ("vmac-unicast", &["vmac_xmit_base"]),
    ("name-too-long", &["too long", "more than 15 characters"]),
    (
        "invalid-address",
        &[
            "parsed invalid IP",
            "malformed",
            "Invalid virtual server IP",
            "Invalid real server ip",
            "Invalid rule from address",
            "is not multicast",
            "Invalid bindto",
            "Invalid connect_ip",
        ],
    ),
    (
        "duplicate-definition",
        &[
            "already defined",
            "already specified",
            "Duplicate",
            "duplicate ",
            "is duplicated",
            "already been specified",
        ],
    ),
    ("track-own-interface", &["since own interface"]),
    (
        "track-weight-ignored",
        &["due to SYNC group", "due to address_owner"],
    ),
    ("script-user", &["script uid/gid", "set uid/gid", "default user"]),
    (
        "script-not-found",
        &["not found/accessible", "Invalid startup script"],
    ),
    (
        "track-object-empty",
        &["No script set", "No file set", "realpath()"],
    ),
    (
        "track-object-missing",
        &["not found", "not configured", "has no track_file"],
    ),
    (
        "interface-missing",
        &[
            "WARNING - interface",
            "tracked interface",
            "Non-existent interface",
            "Unknown interface!",
        ],
    ),
    ("vrid-missing", &["virtual router id must be set", "VRID '"]),
    ("vrid-duplicate", &["both use VRID"]),
    ("priority-invalid", &["Priority not valid"]),
    ("state-unknown", &["unknown state", "previously set as MASTER"]),
    ("address-owner", &["address owner"]),
    ("preempt-state", &["nopreempt", "preempt delay", "preempt_delay"]),
    ("garp", &["must be greater than 0, setting to 1", "any delay set"]),
    ("no-vip", &["No VIP specified", "Number of VIPs"]),
    ("version-strict", &["advertisement interval"]),
    ("auth-truncated", &["Truncating auth_pass"]),
    ("auth-unsupported", &["support authentication"]),
    ("auth-type-unknown", &["unknown authentication type"]),
    ("unicast-without-peers", &["without unicast peers"]),
    ("sync-group", &["Sync group", "sync group"]),
    ("lvs-port-mismatch", &["ports don't match", "has port specified"]),
    (
        "lvs-defaults",
        &["setting default", "defaulting to UDP", "zero port only"],
    ),
    ("lvs-no-real-server", &["has no real servers"]),
    ("lvs-quorum", &["Warning - quorum", "hysteresis"]),
    ("lvs-scheduler", &["lvs_scheduler", "applies to sh scheduler"]),
    ("lvs-routing-method", &["routing method", "tunnel"]),
    ("lvs-fwmark-protocol", &["protocol specified for fwmark"]),
    ("misc-checker-empty", &["No script path has been specified"]),
    (
        "bool-invalid",
        &["Invalid value", "Invalid inhibit_on_failure parameter"],
    ),
    (
        "invalid-number",
        &[
            "invalid number",
            "negative number",
            "outside range",
            "outside unsigned",
            "outside integer",
            "invalid umask value",
        ],
    ),
];

/// The classes of everything that keepalived has written. Beside a number that it refuses it often says what the
/// number was for: that is not a class of its own.
pub fn of_text(text: &str) -> BTreeSet<String> {
    let mut classes = BTreeSet::new();
    let mut refused = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        let placed = line.starts_with('(').then(|| line.split_once(") ")).flatten();
        let (place, message) = placed
            .filter(|(place, _)| place.contains("Line "))
            .unwrap_or(("", line));
        let named = |part: &&str| message.contains(part);
        let found = WORDS.iter().find(|(_, parts)| parts.iter().any(named));
        match found {
            Some(("invalid-number", _)) => refused = place,
            None if !place.is_empty() && place == refused && !message.starts_with("Unknown") => continue,
            _ => {}
        }
        classes.insert(found.map_or("other", |(class, _)| class).to_owned());
    }
    classes
}

/// The topics of what steadfast has found, in the document of `-t --format json`. What only steadfast says (remarks,
/// and what is without effect yet) is no class of keepalived's; a missing include is one, although it is harmless, and so is
/// a default that follows from what was misread.
pub fn of_document(document: &str) -> BTreeSet<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let found = document["diagnostics"].as_array().cloned().unwrap_or_default();
    let classes = found.iter().filter_map(|found| {
        let topic = found["topic"].as_str()?;
        let class = found["class"].as_str()?;
        let ours_alone = matches!(class, "note" | "unheeded")
            && !["include-missing", "lvs-defaults", "net-namespace-absent"].contains(&topic);
        (!ours_alone).then(|| topic.to_owned())
    });
    classes.collect()
}

/// Starts of keywords of features that the corpus's keepalived was built without.
const LACKING: &[&str] = &[
    "enable_snmp",
    "enable_traps",
    "snmp_",
    "enable_dbus",
    "dbus_",
    "vrrp_iptables",
    "vrrp_ipsets",
];

/// Whether the file uses a feature that keepalived's build lacked.
fn uses_lacking(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.any(|word| LACKING.iter().any(|start| word.starts_with(start)))
}

/// Whether a build without iptables takes `vrrp_iptables` for `nftables`, and what says `nftables` for a second one.
fn replaces_iptables(text: &str) -> bool {
    let has = |wanted: &str| text.split_whitespace().any(|word| word == wanted);
    has("vrrp_iptables") && has("nftables")
}

/// Whether keepalived complained only of keywords of features that its build lacked: it knows no other unknown
/// keyword than those, and neither do we.
pub fn only_lacking(theirs: &BTreeSet<String>, text: &str, ours: &BTreeSet<String>) -> bool {
    let excused = |class: &String| match class.as_str() {
        "iptables-unsupported" | "unknown-keyword" => true,
        "duplicate-definition" => replaces_iptables(text),
        _ => false,
    };
    uses_lacking(text) && !theirs.is_empty() && theirs.iter().all(excused) && ours.is_empty()
}

/// Both sets without what may differ by a rule of docs/compatibility.md.
pub fn comparable(
    theirs: &BTreeSet<String>,
    ours: &BTreeSet<String>,
    text: &str,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut theirs, mut ours) = (theirs.clone(), ours.clone());
    // Nothing was tested: what keepalived had said by then depends on the order in which its processes read.
    if theirs.contains("net-namespace-absent") {
        theirs.retain(|class| class == "net-namespace-absent");
    }
    // keepalived reads no further.
    if theirs.contains("missing-parameter") {
        ours.retain(|class| theirs.contains(class) || class == "unmatched-quote");
    }
    theirs.remove("iptables-unsupported");
    if replaces_iptables(text) && !ours.contains("duplicate-definition") {
        theirs.remove("duplicate-definition");
    }
    if uses_lacking(text) && !ours.contains("unknown-keyword") {
        theirs.remove("unknown-keyword");
    }
    // A script, file or process that was removed is said where it is defined, and not again where it is tracked.
    let removed = ["script-user", "track-object-empty", "unmatched-quote"];
    if removed.iter().any(|class| ours.contains(*class)) && !ours.contains("track-object-missing") {
        theirs.remove("track-object-missing");
    }
    // No class of the corpus's: an unmatched quote is among the rest. What it swallowed is not said to be missing.
    if ours.remove("unmatched-quote") {
        for swallowed in ["missing-parameter", "track-object-empty"] {
            if !ours.contains(swallowed) {
                theirs.remove(swallowed);
            }
        }
        ours.insert("other".to_owned());
    }
    // An unknown block is one message, and so is a brace that is missing or too much: keepalived goes on and takes
    // what follows for unknown keywords and stray braces, or the other way round.
    if theirs.contains("brace") && ours.contains("brace") && !ours.contains("invalid-address") {
        theirs.remove("invalid-address");
    }
    let cascade = ["brace", "unknown-keyword"];
    if cascade.iter().all(|class| theirs.contains(*class))
        && cascade.iter().any(|class| ours.contains(*class))
    {
        for class in cascade {
            theirs.remove(class);
            ours.remove(class);
        }
    }
    // A default that follows from a refused value is not said again.
    let refused = ["lvs-scheduler", "lvs-routing-method"];
    if refused.iter().any(|class| ours.contains(*class)) && !ours.contains("lvs-defaults") {
        theirs.remove("lvs-defaults");
    }
    // One message a refused priority or VRID, of one class.
    let named = ["priority-invalid", "vrid-missing"];
    if named.iter().any(|class| ours.contains(*class)) && !ours.contains("invalid-number") {
        theirs.remove("invalid-number");
    }
    // One message a refused number: keepalived adds a line on what the number was for.
    if ours.contains("invalid-number") && theirs.contains("invalid-number") {
        for second in ["other", "bool-invalid", "invalid-address", "lvs-group"] {
            if !ours.contains(second) {
                theirs.remove(second);
            }
        }
    }
    (theirs, ours)
}
