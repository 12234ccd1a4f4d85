//! Is every keyword one, and does it have what it takes? (grammar 5.7, 6)
//!
//! Walks the whole tree against the table of keywords: unknown ones (one message for a whole block), deprecated
//! ones, missing arguments, and those that are known but that nothing comes of yet. What is lowered is checked there, not
//! here: see [`LOWERED`].

use super::ReadOptions;
use super::diag::{Class, Diagnostic, Topic};
use super::keyword::{self, Args, Block, Keyword, Status};
use super::number;
use super::tree::Statement;
use std::collections::HashMap;
use std::net::IpAddr;

/// Blocks of which lowering reads every keyword, whether anything comes of it or not.
const LOWERED: &[Block] = &[
    Block::GlobalDefs,
    Block::TrackGroup,
    Block::GarpGroup,
    Block::BfdInstance,
    Block::Ssl,
    Block::VirtualServer,
    Block::RealServer,
    Block::HttpGet,
    Block::HttpUrl,
    Block::SslGet,
    Block::SslUrl,
    Block::UdpCheck,
    Block::SmtpCheck,
    Block::SmtpHost,
    Block::DnsCheck,
    Block::FileCheck,
    Block::BfdCheck,
    Block::SyncGroup,
    Block::Instance,
    Block::Authentication,
    Block::AuthHmac,
    Block::VrrpScript,
    Block::TrackProcess,
    Block::TrackFile,
    Block::TrackEntry,
];
/// The same for single keywords of other blocks.
const LOWERED_KEYWORDS: &[(Block, &str)] = &[
    (Block::Root, "SSL"),
    (Block::Root, "bfd_instance"),
    (Block::Root, "child_wait_time"),
    (Block::Root, "garp_group"),
    (Block::Root, "linkbeat_use_polling"),
    (Block::Root, "namespace_with_ipsets"),
    (Block::Root, "net_namespace_ipvs"),
    (Block::Root, "track_file"),
    (Block::Root, "track_group"),
    (Block::Root, "use_pid_dir"),
    (Block::Root, "virtual_server_group"),
    (Block::Root, "vrrp_track_file"),
    (Block::Root, "vrrp_track_process"),
];

/// Whether lowering reads `keyword` and judges its arguments; those of all others are only looked at here.
fn is_lowered(keyword: &Keyword) -> bool {
    keyword.status == Status::Acted
        || LOWERED.contains(&keyword.block)
        || LOWERED_KEYWORDS.contains(&(keyword.block, keyword.name))
}

/// What becomes of the block around a keyword.
#[derive(Clone, Copy)]
struct Around {
    /// Something comes of it.
    acted: bool,
    /// Its keywords are read by lowering.
    lowered: bool,
}

/// Walks the statements.
pub(super) struct Audit<'o> {
    options: &'o ReadOptions,
    /// All that is wrong with their keywords.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What was guessed already: a mistake is often made more than once.
    guesses: HashMap<(Block, String), Option<String>>,
}

impl<'o> Audit<'o> {
    pub(super) fn new(options: &'o ReadOptions) -> Self {
        Self {
            options,
            diagnostics: Vec::new(),
            guesses: HashMap::new(),
        }
    }

    /// One statement of the top level.
    pub(super) fn statement(&mut self, statement: &Statement) {
        let around = Around {
            acted: true,
            lowered: true,
        };
        self.block(Block::Root, std::slice::from_ref(statement), around);
    }

    fn block(&mut self, block: Block, statements: &[Statement], around: Around) {
        let checked = |statement: &Statement| {
            keyword::find(block, statement.keyword())
                .is_some_and(|keyword| keyword::is_checker(keyword) && keyword.status == Status::Acted)
        };
        // What is never checked is never taken out: whoever wrote the checker must know.
        let unchecked = block == Block::RealServer && !statements.iter().any(checked);
        for statement in statements {
            match keyword::find(block, statement.keyword()) {
                Some(keyword) => {
                    let always_up = unchecked && keyword::is_checker(keyword);
                    self.known(block, keyword, statement, around, always_up);
                }
                None => self.unknown(block, statement),
            }
        }
    }

    fn unknown(&mut self, block: Block, statement: &Statement) {
        let name = statement.keyword();
        let mut diagnostic = Diagnostic::new(
            Class::UnknownKeyword,
            Some(statement.place()),
            format!("Unknown keyword '{name}'"),
        );
        let guess = self
            .guesses
            .entry((block, name.to_owned()))
            .or_insert_with(|| guess(block, name));
        diagnostic.help.clone_from(guess);
        self.diagnostics.push(diagnostic);
    }

    fn known(
        &mut self,
        block: Block,
        keyword: &Keyword,
        statement: &Statement,
        around: Around,
        always_up: bool,
    ) {
        let name = keyword.name;
        if let Some(instead) = keyword::replacement(block, name) {
            let class = match keyword::is_quietly_old(name) {
                true => Class::Note,
                false => Class::Deprecated,
            };
            let message = format!("{name} is deprecated - please use '{instead}'");
            let diagnostic = Diagnostic::new(class, Some(statement.place()), message);
            self.diagnostics.push(diagnostic.about(Topic::Deprecated));
        }
        // A quote without end is the only mistake of its line; a MISC_CHECK without a command is said as a whole.
        let checks_itself = (keyword.block, name) == (Block::MiscCheck, "misc_path");
        if keyword.args.mandatory()
            && !checks_itself
            && statement.arg().is_none()
            && statement.unmatched.is_none()
        {
            let message = format!(
                "*** Configuration line starting `{name}` is missing a parameter after keyword `{name}` at word position 2"
            );
            self.report(Class::MissingParameter, statement, message);
        }
        if keyword.args != Args::Script
            && let Some(mut diagnostic) = statement.unmatched_quote()
        {
            // The rest of the line is dropped: what must stand there is missing.
            if keyword.args.mandatory() && statement.arg().is_none() {
                diagnostic.class = Class::MissingParameter;
            }
            self.diagnostics.push(diagnostic);
        }
        let status = keyword.status;
        if around.acted && status == Status::NotYet {
            let consequence = if always_up {
                " - no checker of this real server works yet, so it counts as always up"
            } else {
                ""
            };
            let message = format!("accepted, no effect yet: {name}{consequence}");
            self.report(Class::Unheeded, statement, message);
        }
        let inside = Around {
            acted: around.acted && status == Status::Acted,
            lowered: around.lowered && is_lowered(keyword),
        };
        let body = statement.body.as_deref().unwrap_or_default();
        match keyword.args {
            Args::Block(inner) | Args::Values(inner) if self.nameless(inner, statement) => {}
            Args::Block(inner) => {
                self.extra_parameters(inner, statement);
                self.block(inner, body, inside);
            }
            Args::Values(inner) => self.extra_parameters(inner, statement),
            args if !inside.lowered => self.argument(args, statement),
            _ => {}
        }
    }

    /// A block without the name that it must have is skipped as a whole (grammar 5.8); so is one of some kinds that
    /// has two.
    fn nameless(&mut self, inner: Block, statement: &Statement) -> bool {
        let names = statement.args().len();
        let wrong = match inner {
            Block::Instance | Block::SyncGroup | Block::TrackGroup => names != 1,
            _ => keyword::named(inner) && names == 0,
        };
        if wrong && keyword::find(Block::Root, statement.keyword()).is_some_and(|k| !k.args.mandatory()) {
            let name = statement.keyword();
            let message = format!("{name} must have a name - skipping");
            let mut diagnostic =
                Diagnostic::new(Class::General, Some(statement.place()), message).about(Topic::BlockName);
            if let Some(second) = statement.args().get(1) {
                let help = "the name is one word; in double quotes it may hold blanks";
                diagnostic.place = Some(statement.place_of(second));
                diagnostic = diagnostic.with_help(help);
            }
            self.diagnostics.push(diagnostic);
        }
        wrong
    }

    /// Words between a block's keyword or name and its brace: lists do without (grammar 5.4), others overlook them.
    fn extra_parameters(&mut self, inner: Block, statement: &Statement) {
        if matches!(inner, Block::VirtualServer | Block::RealServer) {
            return;
        }
        let Some(first) = statement.args().get(usize::from(keyword::named(inner))) else {
            return;
        };
        let extra: Vec<&str> = statement
            .args()
            .iter()
            .skip(usize::from(keyword::named(inner)))
            .map(|word| word.text.as_str())
            .collect();
        let class = match keyword::holds_values(inner) {
            true => Class::General,
            false => Class::Note,
        };
        let message = format!(
            "Block {} has extra parameters {}",
            statement.keyword(),
            extra.join(" ")
        );
        let place = Some(statement.place_of(first));
        self.diagnostics
            .push(Diagnostic::new(class, place, message).about(Topic::ExtraParameters));
    }

    /// The first argument of a keyword that nothing is lowered from.
    fn argument(&mut self, args: Args, statement: &Statement) {
        let Some(word) = statement.arg() else { return };
        let lenient = !self.options.test;
        let name = statement.keyword();
        let text = word.text.as_str();
        let read = match args {
            Args::Int(least, most) | Args::OptionalInt(least, most) => {
                number::int(text, least, most, lenient).err()
            }
            Args::Strict(least, most) | Args::OptionalStrict(least, most) => {
                number::int(text, least, most, false).err()
            }
            Args::Seconds(least, most) => number::decimal(text, 6, least, most).err(),
            Args::Millis(least, most) => {
                number::decimal(text, 3, least.saturating_mul(1000), most.saturating_mul(1000)).err()
            }
            Args::Bool => {
                if number::boolean(text).is_none() {
                    let message = format!("Invalid value '{text}' for boolean {name} specified");
                    let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
                    let help = "one of true, on, yes, false, off, no";
                    self.diagnostics
                        .push(diagnostic.about(Topic::BoolInvalid).with_help(help));
                }
                None
            }
            Args::Address => {
                if text.parse::<IpAddr>().is_err() {
                    let message = format!("{name}: malformed address {text}");
                    let diagnostic = Diagnostic::new(Class::General, Some(statement.place_of(word)), message);
                    self.diagnostics.push(diagnostic.about(Topic::InvalidAddress));
                }
                None
            }
            Args::Nothing
            | Args::Free
            | Args::OneOrMore
            | Args::Word
            | Args::OptionalWord
            | Args::Script
            | Args::Block(_)
            | Args::Values(_) => None,
        };
        if let Some(error) = read {
            let place = statement.place_of(word);
            let message = format!("{name}: {error}");
            self.diagnostics
                .push(Diagnostic::new(Class::InvalidNumber, Some(place), message));
        }
    }

    fn report(&mut self, class: Class, statement: &Statement, message: String) {
        self.diagnostics
            .push(Diagnostic::new(class, Some(statement.place()), message));
    }
}

/// What was meant by a word that is no keyword of `block`.
fn guess(block: Block, name: &str) -> Option<String> {
    let nearest = keyword::nearest(block, name).map(|nearest| format!("did you mean `{nearest}`?"));
    nearest.or_else(|| keyword::elsewhere(name).map(|place| format!("`{name}` belongs to {place}")))
}
