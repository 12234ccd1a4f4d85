//! Random edits of a configuration: add, remove, change, rename, move, reorder.

use crate::catalogue::{option, setting};
use crate::making::{CHECKERS, TARGETS, any_block, checker, configuration, entry, real_server, vip};
use crate::rng::Rng;
use crate::tree::Node;

/// Edits `all` a few times, and says how.
pub(crate) fn edit(all: &mut Vec<Node>, rng: &mut Rng) -> Vec<String> {
    (0..=rng.below(3)).map(|_| edit_once(all, rng)).collect()
}

fn edit_once(all: &mut Vec<Node>, rng: &mut Rng) -> String {
    match rng.below(16) {
        0 | 1 => add_block(all, rng),
        2 | 3 => remove_block(all, rng),
        4 | 5 => add_setting(all, rng),
        6 | 7 => remove_setting(all, rng),
        8 | 9 => change_setting(all, rng),
        10 => rename(all, rng),
        11 => swap_names(all, rng),
        12 | 13 => move_entry(all, rng),
        14 => reorder(all, rng),
        _ if rng.chance(1, 20) => {
            *all = configuration(rng);
            "another file".into()
        }
        _ => copy_block(all, rng),
    }
}

fn add_block(all: &mut Vec<Node>, rng: &mut Rng) -> String {
    let new = any_block(rng);
    let at = rng.pick(all.len() + 1);
    let told = format!("add {}", new[0].words.join(" "));
    all.splice(at..at, new);
    told
}

fn remove_block(all: &mut Vec<Node>, rng: &mut Rng) -> String {
    if all.is_empty() {
        return "nothing".into();
    }
    let gone = all.remove(rng.pick(all.len()));
    format!("remove {}", gone.words.join(" "))
}

/// One that is the same as another but for its name or number.
fn copy_block(all: &mut Vec<Node>, rng: &mut Rng) -> String {
    if all.is_empty() {
        return "nothing".into();
    }
    let mut copy = all[rng.pick(all.len())].clone();
    let (keyword, name) = (copy.keyword().to_owned(), copy.name().map(str::to_owned));
    if keyword == "vrrp_instance" {
        copy.words[1] = "Z".into();
        for line in copy.inner.iter_mut().flatten() {
            if line.keyword() == "virtual_router_id" {
                line.words[1] = (20 + rng.below(5)).to_string();
            }
        }
    }
    if keyword == "virtual_server" {
        copy.words = Node::line(&format!("virtual_server {}", TARGETS[rng.pick(TARGETS.len())])).words;
    }
    all.push(copy);
    format!("copy {keyword} {name:?}")
}

/// A random block that is some way down, real servers and checkers among them.
fn block<'a>(all: &'a mut [Node], rng: &mut Rng) -> Option<&'a mut Node> {
    let blocks: Vec<usize> = (0..all.len()).filter(|n| all[*n].inner.is_some()).collect();
    if blocks.is_empty() {
        return None;
    }
    let chosen = &mut all[blocks[rng.pick(blocks.len())]];
    let inner = chosen.inner.as_deref_mut()?;
    let deeper = inner.iter().any(|node| node.inner.is_some());
    if deeper && rng.chance(1, 2) {
        let inner = chosen.inner.as_deref_mut()?;
        return block(inner, rng);
    }
    Some(chosen)
}

/// A list of what is tracked and the file that is tracked are called alike.
fn is_list(block: &Node) -> bool {
    block.keyword() != "track_file" || block.words.len() == 1
}

fn add_setting(all: &mut [Node], rng: &mut Rng) -> String {
    let Some(block) = block(all, rng) else {
        return "nothing".into();
    };
    let new = match block.keyword() {
        "virtual_server" if rng.chance(1, 3) => vec![real_server(rng)],
        "real_server" if rng.chance(1, 2) => vec![checker(rng)],
        keyword => {
            let line = entry(keyword, rng).filter(|_| is_list(block));
            match line.map(|line| vec![line]).or_else(|| setting(keyword, rng)) {
                Some(new) => new,
                None => return "nothing".into(),
            }
        }
    };
    let told = format!("add {} to {}", new[0], block.words.join(" "));
    let inner = block.inner.get_or_insert_default();
    let at = rng.pick(inner.len() + 1);
    inner.splice(at..at, new);
    told
}

fn remove_setting(all: &mut [Node], rng: &mut Rng) -> String {
    let Some(block) = block(all, rng) else {
        return "nothing".into();
    };
    let head = block.words.join(" ");
    match &mut block.inner {
        Some(inner) if !inner.is_empty() => {
            let gone = inner.remove(rng.pick(inner.len()));
            format!("remove {} of {head}", gone.words.join(" "))
        }
        _ => "nothing".into(),
    }
}

/// Another value for a keyword that is there.
fn change_setting(all: &mut [Node], rng: &mut Rng) -> String {
    let Some(block) = block(all, rng) else {
        return "nothing".into();
    };
    let (keyword, head) = (block.keyword().to_owned(), block.words.join(" "));
    let list = is_list(block);
    let Some(inner) = block.inner.as_mut().filter(|inner| !inner.is_empty()) else {
        return "nothing".into();
    };
    let at = rng.pick(inner.len());
    let inner_is_line = inner[at].inner.is_none();
    let old = inner[at].words.join(" ");
    let is_option = |keyword: &str| list && inner_is_line && option(keyword, &mut Rng::new(0)).is_some();
    let number = |words: &mut Vec<String>, value: u64| words[1] = value.to_string();
    match inner[at].keyword() {
        "virtual_router_id" => number(&mut inner[at].words, 1 + rng.below(9)),
        "interface" => inner[at].words[1] = ["eth0", "eth1", "eth2"][rng.pick(3)].into(),
        "weight" => number(&mut inner[at].words, rng.below(20)),
        _ if is_option(&keyword) && rng.chance(1, 2) => {
            let most = if keyword.starts_with("track") { 1 } else { 3 };
            inner[at].words.truncate(most);
            inner[at].words.extend(option(&keyword, rng).unwrap_or_default());
        }
        _ if keyword == "virtual_ipaddress" => {
            let mut words = Node::line(&vip(rng)).words;
            words[0].clone_from(&inner[at].words[0]);
            inner[at].words = words;
        }
        _ => {
            let known = inner[at].keyword().to_owned();
            let tries = (0..20).filter_map(|_| setting(&keyword, rng));
            let fit = tries.into_iter().find(|new| new[0].keyword() == known);
            let Some(new) = fit else { return "nothing".into() };
            inner.splice(at..=at, new);
        }
    }
    format!("change {old} of {head} to {}", inner[at].words.join(" "))
}

fn named<'a>(all: &'a [Node], rng: &mut Rng) -> Option<&'a Node> {
    const NAMED: [&str; 8] = [
        "virtual_server_group",
        "vrrp_instance",
        "vrrp_instance",
        "vrrp_sync_group",
        "vrrp_script",
        "track_file",
        "vrrp_track_process",
        "bfd_instance",
    ];
    let keyword = NAMED[rng.pick(NAMED.len())];
    let mine: Vec<_> = all.iter().filter(|node| node.keyword() == keyword).collect();
    (!mine.is_empty()).then(|| mine[rng.pick(mine.len())])
}

fn rename(all: &mut [Node], rng: &mut Rng) -> String {
    let Some(from) = named(all, rng).and_then(|node| node.name().map(str::to_owned)) else {
        return "nothing".into();
    };
    let to = ["A", "B", "Y1", "Y2"][rng.pick(4)];
    if all.iter().any(|node| node.name() == Some(to)) {
        return "nothing".into();
    }
    all.iter_mut().for_each(|node| node.rename(&from, to));
    format!("rename {from} to {to}")
}

/// Two instances exchange names, or their numbers.
fn swap_names(all: &mut [Node], rng: &mut Rng) -> String {
    let mine = all.iter().enumerate();
    let mine = mine.filter(|(_, node)| node.keyword() == "vrrp_instance");
    let mine: Vec<usize> = mine.map(|(at, _)| at).collect();
    if mine.len() < 2 {
        return "nothing".into();
    }
    let (a, b) = (mine[0], mine[1 + rng.pick(mine.len() - 1)]);
    let name = |node: &Node| node.name().unwrap_or_default().to_owned();
    let (first, second) = (name(&all[a]), name(&all[b]));
    if rng.chance(1, 2) {
        for (from, to) in [(&*first, "_"), (&second, &first), ("_", &second)] {
            all.iter_mut().for_each(|node| node.rename(from, to));
        }
        return format!("{first} and {second} exchange names");
    }
    let number = |node: &Node| -> Option<usize> {
        let inner = node.inner.as_ref()?;
        inner
            .iter()
            .position(|line| line.keyword() == "virtual_router_id")
    };
    let (Some(in_a), Some(in_b)) = (number(&all[a]), number(&all[b])) else {
        return "nothing".into();
    };
    let old = all[a].inner.as_ref().map(|inner| inner[in_a].clone()).unwrap();
    let new = all[b]
        .inner
        .as_mut()
        .map(|inner| std::mem::replace(&mut inner[in_b], old));
    all[a].inner.as_mut().unwrap()[in_a] = new.unwrap();
    format!("{first} and {second} exchange numbers")
}

/// What may go from one block to another: by the keywords of the blocks, and of what moves if that is a block, too.
const MOVES: [(&[&str], &[&str]); 8] = [
    (&["virtual_ipaddress"], &[]),
    (
        &[
            "virtual_ipaddress",
            "virtual_ipaddress_excluded",
            "static_ipaddress",
        ],
        &[],
    ),
    (&["group"], &[]),
    (&["virtual_server"], &["real_server"]),
    (&["virtual_server_group"], &[]),
    (&["virtual_routes", "static_routes"], &[]),
    (&["virtual_rules", "static_rules"], &[]),
    (&["real_server"], &["a checker"]),
];

/// An entry goes to another block: a virtual address, a member, a real server, a checker.
fn move_entry(all: &mut [Node], rng: &mut Rng) -> String {
    let (keywords, what) = MOVES[rng.pick(MOVES.len())];
    let movable = |node: &Node| match what {
        [] => true,
        ["a checker"] => CHECKERS.iter().any(|(keyword, _)| *keyword == node.keyword()),
        _ => what.contains(&node.keyword()),
    };
    let mut lists = Vec::new();
    lists_of(all, keywords, &mut lists);
    if lists.len() < 2 {
        return "nothing".into();
    }
    let from = rng.pick(lists.len());
    let to = (from + 1 + rng.pick(lists.len() - 1)) % lists.len();
    let Some(at) = lists[from].iter().position(movable) else {
        return "nothing".into();
    };
    let entry = lists[from].remove(at);
    let told = format!("move {} between two of {keywords:?}", entry.words.join(" "));
    lists[to].push(entry);
    told
}

/// The insides of all blocks with one of these keywords.
fn lists_of<'a>(all: &'a mut [Node], keywords: &[&str], found: &mut Vec<&'a mut Vec<Node>>) {
    for node in all {
        let wanted = keywords.contains(&node.keyword());
        let Some(inner) = &mut node.inner else { continue };
        if wanted {
            found.push(inner);
        } else {
            lists_of(inner, keywords, found);
        }
    }
}

fn reorder(all: &mut Vec<Node>, rng: &mut Rng) -> String {
    let shuffle = |nodes: &mut Vec<Node>, rng: &mut Rng| {
        for n in (1..nodes.len()).rev() {
            nodes.swap(n, rng.pick(n + 1));
        }
    };
    if rng.chance(1, 2) {
        shuffle(all, rng);
        return "reorder the file".into();
    }
    match block(all, rng) {
        Some(block) => {
            let told = format!("reorder {}", block.words.join(" "));
            block.inner.iter_mut().for_each(|inner| shuffle(inner, rng));
            told
        }
        None => "nothing".into(),
    }
}
