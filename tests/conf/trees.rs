//! Configurations that nobody has typed: random blocks of random keywords of the table with arguments that mostly fit,
//! in a random hand.

use std::fmt::Write as _;
use steadfast::conf::keyword::{self, Args, Block, Keyword, help};

/// The configuration of a seed.
pub(crate) fn text(seed: u64) -> String {
    let mut tree = Tree {
        seed: seed | 1,
        out: String::new(),
        names: 0,
    };
    let definitions = [
        "$PLAIN=10",
        "$QUOTED=\"a b\"",
        "$LINES= delay_loop 5 \\\n  quorum 1",
        "@lb1 $PLAIN=20",
    ];
    for definition in definitions {
        if tree.one_in(3) {
            tree.out.push_str(definition);
            tree.line_end();
        }
    }
    for _ in 0..=tree.below(5) {
        tree.statement_of(Block::Root, 0);
    }
    tree.out
}

struct Tree {
    seed: u64,
    out: String,
    names: u32,
}

impl Tree {
    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % limit.max(1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).unwrap()]
    }

    fn blank(&mut self) {
        let blank = self.pick(&[" ", " ", " ", "  ", "\t"]);
        self.out.push_str(blank);
    }

    fn line_end(&mut self) {
        let end = self.pick(&[
            "\n",
            "\n",
            "\n",
            "\n",
            "  \n",
            "\r\n",
            "\n\n",
            "\n\n\n",
            " # a comment {\n",
            "!}\n",
            "\n   ! \"\n",
        ]);
        self.out.push_str(end);
    }

    fn begin(&mut self, depth: usize) {
        let indent = self.pick(&["    ", "    ", "\t", " ", ""]);
        for _ in 0..depth {
            self.out.push_str(indent);
        }
        if self.one_in(25) {
            let condition = self.pick(&["@lb1 ", "@^lb1  ", "@other "]);
            self.out.push_str(condition);
        }
    }

    /// A statement with one of the keywords of `block`.
    fn statement_of(&mut self, block: Block, depth: usize) {
        let fits = |keyword: &&Keyword| keyword.block == block || block.includes().contains(&keyword.block);
        let keywords: Vec<&Keyword> = keyword::all()
            .filter(fits)
            .filter(|keyword| !keyword.name.starts_with("include"))
            .collect();
        if keywords.is_empty() {
            return;
        }
        let keyword = self.pick(&keywords);
        if let Args::Block(inner) | Args::Values(inner) = keyword.args {
            // A condition on one of its braces alone would not fit.
            let indent = "    ".repeat(depth);
            self.out.push_str(&indent);
            self.out.push_str(keyword.name);
            self.heading(keyword);
            self.body(keyword, inner, depth);
        } else {
            self.begin(depth);
            self.out.push_str(keyword.name);
            self.arguments(keyword);
        }
        self.line_end();
    }

    fn heading(&mut self, keyword: &Keyword) {
        let arguments = help::of(keyword).map_or("", |help| help.arguments);
        if arguments.starts_with("NAME") {
            self.names += 1;
            let name = format!("N{}", self.names);
            self.blank();
            self.out.push_str(&name);
        } else if arguments.starts_with("IP") {
            let server = self.pick(&["192.0.2.1 80", "192.0.2.2", "2001:db8::1 443", "fwmark 7"]);
            self.blank();
            self.out.push_str(server);
        }
    }

    fn body(&mut self, keyword: &Keyword, inner: Block, depth: usize) {
        let open = self.pick(&[
            " {",
            " {",
            " {",
            "{",
            "  {",
            "\n{",
            " # why\n\n  {",
            "\n! one\n# two\n{",
        ]);
        self.out.push_str(open);
        let short = self.one_in(6);
        if short {
            self.out.push(' ');
        } else {
            self.line_end();
        }
        let lines = if short { 1 } else { self.below(6) };
        for _ in 0..lines {
            match keyword.args {
                Args::Values(_) => self.entry(inner, depth + 1),
                _ if short => self.short(inner),
                _ if depth < 5 => self.statement_of(inner, depth + 1),
                _ => {}
            }
        }
        if !self.out.ends_with('\n') {
            self.out.push(' ');
        }
        self.begin(0);
        let close = self.out.len();
        // A condition that slipped in before the brace would not fit either.
        let start = self.out[..close].rfind('\n').map_or(0, |at| at + 1);
        if self.out[start..].starts_with('@') {
            self.out.truncate(start);
        }
        self.out.push('}');
    }

    /// A keyword without block, on the line of the braces.
    fn short(&mut self, block: Block) {
        let simple: Vec<&Keyword> = keyword::all()
            .filter(|keyword| {
                keyword.block == block && !matches!(keyword.args, Args::Block(_) | Args::Values(_))
            })
            .filter(|keyword| !keyword.name.starts_with("include"))
            .collect();
        if !simple.is_empty() {
            let keyword = self.pick(&simple);
            self.out.push_str(keyword.name);
            self.arguments(keyword);
        }
    }

    fn entry(&mut self, block: Block, depth: usize) {
        self.begin(depth);
        let repeat = self.pick(&["", "", "", "", "", "", "", "~SEQ(I, 1, 3) ", "~LST(B, 2, 3)  "]);
        self.out.push_str(repeat);
        let first = match block {
            Block::AddressEntry => self.pick(&[
                "192.0.2.9/24",
                "192.0.2.10",
                "2001:db8::9/64",
                "198.51.100.${I}",
                "$PLAIN",
            ]),
            Block::RouteEntry => self.pick(&["192.0.2.0/24", "default", "blackhole 198.51.100.0/24"]),
            Block::RuleEntry => self.pick(&["from 192.0.2.0/24", "to 198.51.100.0/24"]),
            Block::GroupEntry => self.pick(&["192.0.2.1 80", "192.0.2.1-9", "fwmark 3"]),
            _ => self.pick(&["eth0", "eth1", "N1", "N2", "admin@example.com", "\"a  b\""]),
        };
        self.out.push_str(first);
        for _ in 0..self.below(3) {
            let options: Vec<&Keyword> = keyword::all().filter(|keyword| keyword.block == block).collect();
            if options.is_empty() {
                break;
            }
            let option = self.pick(&options);
            self.blank();
            self.out.push_str(option.name);
            self.arguments(option);
        }
        self.line_end();
    }

    fn arguments(&mut self, keyword: &Keyword) {
        let optional = matches!(
            keyword.args,
            Args::Free | Args::OptionalWord | Args::Bool | Args::OptionalInt(..) | Args::OptionalStrict(..)
        );
        if keyword.args == Args::Nothing || (optional && self.one_in(3)) {
            return;
        }
        self.blank();
        let choices = help::of(keyword).and_then(help::Help::choices);
        match (keyword.args, choices) {
            (
                Args::Int(least, most)
                | Args::Strict(least, most)
                | Args::OptionalInt(least, most)
                | Args::OptionalStrict(least, most),
                _,
            ) => {
                let small = i64::try_from(self.below(300)).unwrap();
                let number = self.pick(&[least, most, least + 1, small, small, small]);
                write!(self.out, "{number}").unwrap();
            }
            (Args::Seconds(..) | Args::Millis(..), _) => {
                let time = self.pick(&["1", "3", "0.5", "2.25", "100", "${PLAIN}"]);
                self.out.push_str(time);
            }
            (Args::Bool, _) => {
                let word = self.pick(&["true", "false", "on", "off", "yes", "no"]);
                self.out.push_str(word);
            }
            (Args::Script, _) => {
                let script = self.pick(&[
                    "/usr/bin/true",
                    "\"/usr/bin/true  a 'b  c'\"",
                    "'/usr/bin/true  x'  nobody",
                    "\"/usr/bin/test \\\"q  q\\\"\"  root root",
                    "/usr/bin/true\t\tnobody",
                ]);
                self.out.push_str(script);
            }
            (Args::Address, _) => {
                let address = self.pick(&["192.0.2.77", "2001:db8::77", "${QUOTED}"]);
                self.out.push_str(address);
            }
            (_, Some(choices)) => {
                let choice = self.pick(&choices);
                self.out.push_str(choice);
            }
            _ => {
                let words = self.pick(&[
                    "word",
                    "\"two  words\"",
                    "a  b",
                    "eth0",
                    "7",
                    "$PLAIN",
                    "x\\#y",
                    "\"{\"",
                    "$LINES",
                    "a\"b  c\"d",
                ]);
                self.out.push_str(words);
            }
        }
    }
}
