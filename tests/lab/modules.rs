//! Kernel modules of the guest, loaded from where `user-mode-linux` ships them: neither `kmod` nor /lib/modules needed.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::{File, read_to_string};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};

/// Needed before the guest has its private root.
pub const ROOT: &[&str] = &["overlay"];

/// What the site and the daemons use.
pub const SITE: &[&str] = &[
    "ipv6",
    "bridge",
    "veth",
    "dummy",
    "macvlan",
    "ipvlan",
    "vrf",
    "8021q",
    "bonding",
    "sch_ingress",
    "cls_matchall",
    "act_gact",
    "sch_netem",
    "nf_tables",
    "ip_vs",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_lc",
    "ip_vs_wlc",
    "ip_vs_sh",
    "ip_vs_mh",
    "ip_vs_dh",
    "ip_vs_sed",
    "ip_vs_nq",
    "ip_vs_fo",
    "ip_vs_ovf",
    "ip_vs_lblc",
    "ip_vs_lblcr",
    "ip_vs_pe_sip",
    "xt_mark",
    "ip_tables",
    "iptable_mangle",
    "ip6_tables",
    "ip6table_mangle",
    "xt_tcpudp",
];

/// What traffic through virtual servers needs: the servers' ends of tunnels, and marks.
pub const TRAFFIC: &[&str] = &[
    "ipip",
    "sit",
    "ip6_tunnel",
    "ip_gre",
    "ip6_gre",
    "fou",
    "fou6",
    "cls_u32",
    "act_skbedit",
];

/// Loads `names` where the kernel is a guest's; that of the host loads its modules itself.
pub fn bring(names: &[&str]) {
    if is_guest() {
        load(names);
    }
}

/// Takes `names` away, in their order, where the kernel is a guest's, which cannot load them again by itself. Whether it is.
pub fn remove(names: &[&str]) -> bool {
    if !is_guest() {
        return false;
    }
    for name in names {
        let module = CString::new(*name).expect("a name");
        delete_module(&module, DeleteModuleFlags::empty()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    true
}

fn is_guest() -> bool {
    Path::new("/usr/lib/uml/modules").join(release()).exists()
}

/// Loads `names` and what they depend on.
pub fn load(names: &[&str]) {
    let directory = Path::new("/usr/lib/uml/modules").join(release());
    let table = read_to_string(directory.join("modules.dep")).expect("modules of user-mode-linux");
    let paths: HashMap<String, Vec<&str>> = table.lines().filter_map(entry).collect();
    for name in names {
        let wanted = paths
            .get(*name)
            .unwrap_or_else(|| panic!("no kernel module {name}"));
        // A line names the module, then what it needs, the most basic last.
        wanted.iter().rev().for_each(|path| insert(&directory.join(path)));
    }
}

fn entry(line: &str) -> Option<(String, Vec<&str>)> {
    let (module, needs) = line.split_once(':')?;
    let name = Path::new(module).file_stem()?.to_str()?.replace('-', "_");
    Some((
        name,
        std::iter::once(module).chain(needs.split_whitespace()).collect(),
    ))
}

fn insert(path: &PathBuf) {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    match finit_module(&file, c"", ModuleInitFlags::empty()) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

fn release() -> String {
    nix::sys::utsname::uname()
        .expect("uname")
        .release()
        .to_string_lossy()
        .into_owned()
}
