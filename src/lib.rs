//! steadfast: VRRP failover and IPVS health checking, a drop-in successor of keepalived.
//!
//! **Deciding is separate from doing.** What the daemon decides (who is master, which real server is healthy,
//! what IPVS should hold) is a pure function of values and a `now` passed in. What it does (sockets, netlink,
//! scripts, files, clocks) is a thin edge that carries out actions. `ARCHITECTURE.md` has the whole map.
//!
//! | layer | rooms | may import |
//! |---|---|---|
//! | 0 | [`change`], [`clock`], [`masters`], [`net`], [`random`] | std, packet structs |
//! | 1 | [`vrrp`] (all but `io`), [`ipvs`] (all but `io`, `keeper`), [`netlink`] (inventory), [`bfd`] (all but `io`), `script::config`, `track::config`, `notify::config` | 0 |
//! | 2 | [`check`] (all but `probe`) | 0, `ipvs::model`, `script::config` |
//! | 3 | [`conf`] (its `source` and `glob` read files) | 0, the `config` and `model` of the rooms above |
//! | 4 | [`plan`] | 0 to 3 |
//! | 5 | [`lint`] | 0 to 4 |
//! | edge | [`sys`], [`script`], `vrrp::io`, `bfd::io`, `check::probe`, `ipvs::{io, keeper}`, `netlink` (monitor, apply), [`track`], [`notify`] | 0, the heart of their own room, `sys` and `script`; [`notify`] also `vrrp::event` |
//! | top | [`daemon`], [`cli`] | everything |
//!
//! # Glossary
//!
//! *Director*: a host that runs this daemon. *Virtual router*: a `vrrp_instance`, named on the wire by its
//! *VRID*. *Advertisement* (advert): the multicast or unicast packet by which a MASTER (RFC 9568: *Active*) says
//! that it lives. *Master down interval*: the silence after which a BACKUP takes over. *Skew time*: the part of
//! it that makes the highest priority act first. *Virtual server*: a service of IPVS. *Real server*: a
//! destination behind it. *Quorum*: the weight of live real servers that a virtual server needs.

pub mod bfd;
pub mod change;
pub mod check;
pub mod cli;
pub mod clock;
pub mod conf;
pub mod daemon;
pub mod ipvs;
pub mod lint;
pub mod masters;
pub mod net;
pub mod netfilter;
pub mod netlink;
pub mod notify;
pub mod plan;
pub mod random;
pub mod script;
pub mod sys;
pub mod track;
pub mod vrrp;
