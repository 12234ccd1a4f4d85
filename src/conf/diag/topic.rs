//! What a diagnostic is about, as a word for tools: finer than [`super::Class`], which decides exit statuses.

use super::Class;
use std::fmt;

/// What a diagnostic is about. Its text is stable: tools filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named as they are shown")]
pub enum Topic {
    UnknownKeyword,
    Brace,
    UnmatchedQuote,
    MissingParameter,
    ExtraParameters,
    InvalidNumber,
    BoolInvalid,
    InvalidAddress,
    AddressOption,
    AddressFamilyMismatch,
    IpFamilyConflict,
    RouteRule,
    InterfaceMissing,
    TrackOwnInterface,
    TrackObjectMissing,
    TrackObjectEmpty,
    TrackWeightIgnored,
    ScriptNotFound,
    ScriptUser,
    SecurityViolation,
    VridMissing,
    VridDuplicate,
    PriorityInvalid,
    StateUnknown,
    AddressOwner,
    PreemptState,
    Garp,
    VersionStrict,
    NoVip,
    VipDuplicate,
    AuthTruncated,
    AuthUnsupported,
    AuthTypeUnknown,
    UnicastWithoutPeers,
    VmacUnicast,
    SyncGroup,
    DuplicateDefinition,
    Deprecated,
    IptablesUnsupported,
    SmtpServerUnresolved,
    EmailBlock,
    LvsPortMismatch,
    LvsDefaults,
    LvsNoRealServer,
    LvsQuorum,
    LvsScheduler,
    LvsRoutingMethod,
    LvsFwmarkProtocol,
    LvsGroup,
    MiscCheckerEmpty,
    Bfd,
    IncludeMissing,
    NameTooLong,
    BlockName,
    NetNamespaceAbsent,
    NoEffectYet,
    Other,
    /// A finding of the lint, by its code.
    Lint(&'static str),
}

impl Topic {
    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownKeyword => "unknown-keyword",
            Self::Brace => "brace",
            Self::UnmatchedQuote => "unmatched-quote",
            Self::MissingParameter => "missing-parameter",
            Self::ExtraParameters => "extra-parameters",
            Self::InvalidNumber => "invalid-number",
            Self::BoolInvalid => "bool-invalid",
            Self::InvalidAddress => "invalid-address",
            Self::AddressOption => "address-option",
            Self::AddressFamilyMismatch => "address-family-mismatch",
            Self::IpFamilyConflict => "ip-family-conflict",
            Self::RouteRule => "route-rule",
            Self::InterfaceMissing => "interface-missing",
            Self::TrackOwnInterface => "track-own-interface",
            Self::TrackObjectMissing => "track-object-missing",
            Self::TrackObjectEmpty => "track-object-empty",
            Self::TrackWeightIgnored => "track-weight-ignored",
            Self::ScriptNotFound => "script-not-found",
            Self::ScriptUser => "script-user",
            Self::SecurityViolation => "security-violation",
            Self::VridMissing => "vrid-missing",
            Self::VridDuplicate => "vrid-duplicate",
            Self::PriorityInvalid => "priority-invalid",
            Self::StateUnknown => "state-unknown",
            Self::AddressOwner => "address-owner",
            Self::PreemptState => "preempt-state",
            Self::Garp => "garp",
            Self::VersionStrict => "version-strict",
            Self::NoVip => "no-vip",
            Self::VipDuplicate => "vip-duplicate",
            Self::AuthTruncated => "auth-truncated",
            Self::AuthUnsupported => "auth-unsupported",
            Self::AuthTypeUnknown => "auth-type-unknown",
            Self::UnicastWithoutPeers => "unicast-without-peers",
            Self::VmacUnicast => "vmac-unicast",
            Self::SyncGroup => "sync-group",
            Self::DuplicateDefinition => "duplicate-definition",
            Self::Deprecated => "deprecated",
            Self::IptablesUnsupported => "iptables-unsupported",
            Self::SmtpServerUnresolved => "smtp-server-unresolved",
            Self::EmailBlock => "email-block",
            Self::LvsPortMismatch => "lvs-port-mismatch",
            Self::LvsDefaults => "lvs-defaults",
            Self::LvsNoRealServer => "lvs-no-real-server",
            Self::LvsQuorum => "lvs-quorum",
            Self::LvsScheduler => "lvs-scheduler",
            Self::LvsRoutingMethod => "lvs-routing-method",
            Self::LvsFwmarkProtocol => "lvs-fwmark-protocol",
            Self::LvsGroup => "lvs-group",
            Self::MiscCheckerEmpty => "misc-checker-empty",
            Self::Bfd => "bfd",
            Self::IncludeMissing => "include-missing",
            Self::NameTooLong => "name-too-long",
            Self::BlockName => "block-name",
            Self::NetNamespaceAbsent => "net-namespace-absent",
            Self::NoEffectYet => "no-effect-yet",
            Self::Other => "other",
            Self::Lint(code) => code,
        }
    }

    /// Of a diagnostic of `class` that says nothing else.
    pub const fn of(class: Class) -> Self {
        match class {
            Class::UnknownKeyword => Self::UnknownKeyword,
            Class::UnexpectedOpen | Class::MissingOpen | Class::UnexpectedClose | Class::MissingClose => {
                Self::Brace
            }
            Class::UnmatchedQuote => Self::UnmatchedQuote,
            Class::MissingParameter => Self::MissingParameter,
            Class::InvalidNumber => Self::InvalidNumber,
            Class::Deprecated => Self::Deprecated,
            Class::Security => Self::SecurityViolation,
            Class::IncludeFailed | Class::FileNotFound => Self::IncludeMissing,
            Class::BadInterface => Self::InterfaceMissing,
            Class::Unheeded => Self::NoEffectYet,
            Class::Note | Class::Fatal | Class::MultipleFiles | Class::General | Class::Warning => {
                Self::Other
            }
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
