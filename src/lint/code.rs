//! The codes of findings: stable words that tools and operators filter by. `docs/lint.md` has an example of each.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing: legal, and right in some sites.
    Note,
    /// Something does not do what its words say.
    Warning,
    /// The site does not fail over, or has two masters.
    Error,
}

impl Severity {
    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One row a code: its variant, its word, how much it matters.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident,)*) => {
        /// What a finding is of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "docs/lint.md says what each means")]
        pub enum Code {
            $($variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word that is shown and never changes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// How much it matters.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    // A virtual router.
    OwnerByAccident "owner-by-accident" Warning,
    NopreemptWithStateMaster "nopreempt-with-state-master" Warning,
    PreemptDelayWithStateMaster "preempt-delay-with-state-master" Warning,
    NopreemptWithWeight "nopreempt-with-weight" Warning,
    WeightOnOwner "weight-on-owner" Warning,
    WeightIgnoredInSyncGroup "weight-ignored-in-sync-group" Warning,
    WeightClamped "weight-clamped" Warning,
    WeightsCancel "weights-cancel" Warning,
    SyncGroupUnevenWeights "sync-group-uneven-weights" Warning,
    AuthPassTooLong "auth-pass-too-long" Warning,
    AuthWithVersion3 "auth-with-version-3" Warning,
    AdvertIntRounded "advert-int-rounded" Warning,
    UnicastWithoutPeers "unicast-without-peers" Warning,
    PeerIsSelf "peer-is-self" Warning,
    StrictClosesVip "strict-closes-vip" Warning,
    GarpOff "garp-off" Warning,
    // Its addresses.
    VipIsOwnAddress "vip-is-own-address" Error,
    VipIsNetworkAddress "vip-is-network-address" Warning,
    VipOutsidePrefix "vip-outside-prefix" Note,
    VipWiderThanInterface "vip-wider-than-interface" Warning,
    // Scripts.
    ScriptTimeoutOverInterval "script-timeout-over-interval" Note,
    ScriptWithoutTimeout "script-without-timeout" Note,
    ScriptWritable "script-writable" Warning,
    // Virtual servers.
    QuorumOverWeight "quorum-over-weight" Warning,
    QuorumNeverRegained "quorum-never-regained" Error,
    HysteresisOverQuorum "hysteresis-over-quorum" Warning,
    SorryServerMissing "sorry-server-missing" Warning,
    NoCheckers "no-checkers" Warning,
    RealServerDuplicate "real-server-duplicate" Warning,
    CheckSlowerThanInterval "check-slower-than-interval" Note,
    PlainHttpToTlsPort "plain-http-to-tls-port" Warning,
    TlsToStarttlsPort "tls-to-starttls-port" Warning,
    OpsWithPersistence "ops-with-persistence" Warning,
    VirtualServerWithoutVip "virtual-server-without-vip" Note,
    // Between two directors: their virtual routers.
    NothingShared "nothing-shared" Note,
    InstanceMissing "instance-missing" Warning,
    VridCollision "vrid-collision" Error,
    VridDiffers "vrid-differs" Error,
    FamilyDiffers "family-differs" Error,
    VersionDiffers "version-differs" Error,
    AuthDiffers "auth-differs" Error,
    AdvertIntDiffers "advert-int-differs" Error,
    AdvertIntLearned "advert-int-learned" Note,
    TransportDiffers "transport-differs" Error,
    McastGroupDiffers "mcast-group-differs" Error,
    SourceSame "source-same" Error,
    UnicastAsymmetric "unicast-asymmetric" Error,
    InterfacesSwapped "interfaces-swapped" Warning,
    VipsDiffer "vips-differ" Warning,
    VipPrefixDiffers "vip-prefix-differs" Warning,
    VipIsPeerAddress "vip-is-peer-address" Error,
    TwoOwners "two-owners" Error,
    EqualPriorities "equal-priorities" Warning,
    StateContradictsPriority "state-contradicts-priority" Warning,
    NopreemptOnLowerOnly "nopreempt-on-lower-only" Warning,
    NopreemptAfterBoot "nopreempt-after-boot" Note,
    WeightNeverDecides "weight-never-decides" Error,
    SyncGroupDiffers "sync-group-differs" Warning,
    SyncGroupTorn "sync-group-torn" Error,
    // Between two directors: their virtual servers.
    VirtualServerMissing "virtual-server-missing" Warning,
    VirtualServerDiffers "virtual-server-differs" Warning,
}

impl Code {
    /// Whether `-t` says the fact too, in keepalived's words: the finding adds what comes of it.
    pub const fn is_tested_too(self) -> bool {
        matches!(
            self,
            Self::NopreemptWithStateMaster
                | Self::PreemptDelayWithStateMaster
                | Self::WeightOnOwner
                | Self::WeightIgnoredInSyncGroup
                | Self::AuthPassTooLong
                | Self::AuthWithVersion3
                | Self::AdvertIntRounded
                | Self::UnicastWithoutPeers
                | Self::QuorumOverWeight
                | Self::HysteresisOverQuorum
                | Self::RealServerDuplicate
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_kebab_case_and_unique() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{name}"
            );
        }
    }
}
