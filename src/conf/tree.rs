//! Blocks with their places: the shape of a configuration (grammar 5).
//!
//! Takes logical lines apart into statements and nests them. Knows no keyword itself: it asks the table only what
//! opens a block, so that a brace that is missing or too many is one mistake and not a hundred.

use super::diag::{Class, Diagnostic, Place};
use super::keyword::{self, Block};
use super::text::{Line, Text};
use super::token::{self, Word};
use std::path::PathBuf;
use std::sync::Arc;

/// Blocks within blocks; deeper braces are taken for mistakes.
const MAX_DEPTH: usize = 32;

/// A keyword or an entry, with its words and, maybe, its block.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Never empty.
    pub(super) words: Vec<Word>,
    /// As typed, for script keywords.
    pub(super) text: String,
    pub(super) file: Arc<PathBuf>,
    pub(super) line: u32,
    /// What stands in its braces.
    pub(super) body: Option<Vec<Self>>,
    /// A quote that has no end, reported where a keyword's quoting is known.
    pub(super) unmatched: Option<token::Unmatched>,
}

impl Statement {
    /// The keyword.
    pub(super) fn keyword(&self) -> &str {
        self.words.first().map_or("", |word| word.text.as_str())
    }

    /// The words after the keyword.
    pub(super) fn args(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The first word after the keyword.
    pub(super) fn arg(&self) -> Option<&Word> {
        self.words.get(1)
    }

    /// The place of `word`.
    pub(super) fn place_of(&self, word: &Word) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: self.line,
            column: word.column,
            length: word.length,
        }
    }

    /// What is said of a quote that has no end.
    pub(super) fn unmatched_quote(&self) -> Option<Diagnostic> {
        let token::Unmatched { column } = self.unmatched?;
        let place = Place {
            column,
            length: 1,
            ..self.place()
        };
        let message = format!("Unmatched quote: '{}'", self.text);
        Some(
            Diagnostic::new(Class::UnmatchedQuote, Some(place), message)
                .with_help("a quoted word ends on its line"),
        )
    }

    /// The place of the keyword.
    pub(super) fn place(&self) -> Place {
        match self.words.first() {
            Some(word) => self.place_of(word),
            None => Place {
                file: Arc::clone(&self.file),
                line: self.line,
                column: 1,
                length: 0,
            },
        }
    }
}

/// What a block that is open holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Keywords or values of this block.
    Known(Block),
    /// Something inside an unknown block.
    Unknown,
    /// A brace that should not be there: what it holds belongs to the block around it.
    Stray(Option<Block>),
}

impl Scope {
    const fn block(self) -> Option<Block> {
        match self {
            Self::Known(block) => Some(block),
            Self::Unknown => None,
            Self::Stray(block) => block,
        }
    }
}

struct Frame {
    header: Option<Statement>,
    scope: Scope,
    children: Vec<Statement>,
}

/// Builds the tree.
#[derive(Default)]
pub(super) struct Builder {
    stack: Vec<Frame>,
    root: Vec<Statement>,
    /// A statement that opens a block and whose brace has not come yet.
    waiting: Option<(Statement, Block)>,
    /// Whether a brace now would belong to the statement just read.
    fresh: bool,
    diagnostics: Vec<Diagnostic>,
}

/// The tree of `lines`.
#[cfg(test)]
pub(super) fn build(lines: impl Iterator<Item = Line>) -> (Vec<Statement>, Vec<Diagnostic>) {
    let mut builder = Builder::default();
    for line in lines {
        builder.line(line);
    }
    builder.finish()
}

fn place(line: &Line, column: u32) -> Place {
    Place {
        file: Arc::clone(&line.file),
        line: line.number,
        column,
        length: 1,
    }
}

impl Builder {
    fn report(&mut self, class: Class, place: Place, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::new(class, Some(place), message));
    }

    fn scope(&self) -> Scope {
        self.stack
            .last()
            .map_or(Scope::Known(Block::Root), |frame| frame.scope)
    }

    fn children(&mut self) -> &mut Vec<Statement> {
        match self.stack.last_mut() {
            Some(frame) => &mut frame.children,
            None => &mut self.root,
        }
    }

    /// The statements of the top level that are complete: what is done with may go, and a large tree never is in memory
    /// as a whole.
    pub(super) fn complete(&mut self) -> Vec<Statement> {
        // After any other statement a brace could still come.
        let closed = self.root.last().is_some_and(|statement| statement.body.is_some());
        if closed && self.stack.is_empty() && self.waiting.is_none() {
            std::mem::take(&mut self.root)
        } else {
            Vec::new()
        }
    }

    /// A line is cut at its braces (grammar 5.1).
    pub(super) fn line(&mut self, mut line: Line) {
        let mut text = std::mem::take(&mut line.text);
        while let Some((at, brace)) = token::brace(text.as_str()) {
            let rest = text.slice(at + 1..text.as_str().len()).trimmed();
            let place = place(&line, text.column(at));
            if !self.words(&line, text.until(at)) {
                return;
            }
            if brace == '{' {
                self.open(&place);
            } else {
                self.close(&place);
            }
            text = rest;
        }
        self.words(&line, text);
    }

    /// Whether keepalived's parent reads what stands here, its children not (grammar 1.3).
    fn is_global(&self, text: &Text) -> bool {
        match self.stack.first() {
            Some(frame) => frame.scope == Scope::Known(Block::GlobalDefs),
            None => {
                let name = text.as_str().split([' ', '\t']).next().unwrap_or_default();
                keyword::opens(Block::Root, name).is_none_or(|block| block == Block::GlobalDefs)
            }
        }
    }

    /// Words between braces; `false` when the rest of the line turned out to be a comment.
    fn words(&mut self, line: &Line, text: Text) -> bool {
        let kept = !text.as_str().contains('\\') || self.is_global(&text);
        let (text, comment) = token::settle(text, kept);
        if comment {
            let message = "a backslash before `#` or `!` keeps no comment from beginning here";
            let place = place(line, text.column(text.as_str().len()));
            self.diagnostics.push(
                Diagnostic::new(Class::Note, Some(place), message).with_help("put the word in double quotes"),
            );
        }
        if !text.as_str().trim_matches(token::blank).is_empty() {
            self.check_text(line, &text);
            self.statement(line, text);
        }
        !comment
    }

    /// What is wrong with a text before its words are looked at.
    fn check_text(&mut self, line: &Line, text: &Text) {
        if text.as_str().contains('$') {
            for range in token::references(text.as_str()) {
                let name = text.as_str().get(range.clone()).unwrap_or_default();
                let place = line.with(text.clone()).place(&range);
                // To keepalived its braces are braces (grammar 5.2).
                self.report(Class::UnexpectedOpen, place, format!("{name} is not defined"));
            }
        }
        if text.is_damaged() {
            let place = line.with(text.clone()).whole();
            let message = "the line is not UTF-8: what is not is replaced by U+FFFD";
            self.report(Class::Unheeded, place, message);
        }
    }

    fn statement(&mut self, line: &Line, text: Text) {
        self.open_without_brace();
        let (words, unmatched) = token::words(&text);
        let statement = Statement {
            words,
            text: text.into_string(),
            file: Arc::clone(&line.file),
            line: line.number,
            body: None,
            unmatched,
        };
        let Some(block) = self.scope().block() else {
            self.children().push(statement);
            self.fresh = true;
            return;
        };
        let block = self.recover(block, &statement);
        if keyword::holds_values(block) {
            // In a list no word is a keyword that could want another quoting.
            if let Some(diagnostic) = statement.unmatched_quote() {
                self.diagnostics.push(diagnostic);
            }
            self.children().push(statement);
            self.fresh = false;
        } else if let Some(inner) = keyword::opens(block, statement.keyword()) {
            self.waiting = Some((statement, inner));
        } else {
            self.fresh = keyword::find(block, statement.keyword()).is_none();
            self.children().push(statement);
        }
    }

    /// What cannot stand in the open block, but could around it, means that a `}` is missing: the open ones end here.
    fn recover(&mut self, block: Block, statement: &Statement) -> Block {
        let name = statement.keyword();
        let (keep, block) = if begins_top_level(block, statement) {
            (0, Block::Root)
        } else if let Some(outer) = self
            .around()
            .filter(|outer| belongs_around(block, *outer, statement))
        {
            (self.stack.len().saturating_sub(1), outer)
        } else {
            return block;
        };
        if let Some(header) = self.stack.last().and_then(|frame| frame.header.as_ref()) {
            let message = format!("'}}' of {} is missing before {name}", header.keyword());
            let opened = format!("{} is opened here", header.keyword());
            self.diagnostics.push(
                Diagnostic::new(Class::MissingClose, Some(statement.place()), message)
                    .with_related(header.place(), opened),
            );
        }
        while self.stack.len() > keep {
            self.pop();
        }
        block
    }

    /// The block around the open one.
    fn around(&self) -> Option<Block> {
        let at = self.stack.len().checked_sub(2)?;
        self.stack.get(at).and_then(|frame| frame.scope.block())
    }

    /// The brace of the waiting statement did not come (grammar 5.5).
    fn open_without_brace(&mut self) {
        if let Some((statement, inner)) = self.waiting.take() {
            let message = if keyword::holds_values(inner) {
                format!("'{{' missing from beginning of block {}", statement.keyword())
            } else {
                format!(
                    "Missing '{{' at beginning of configuration block {}",
                    statement.keyword()
                )
            };
            self.report(Class::MissingOpen, statement.place(), message);
            self.push(Some(statement), Scope::Known(inner));
        }
    }

    fn push(&mut self, header: Option<Statement>, scope: Scope) {
        self.stack.push(Frame {
            header,
            scope,
            children: Vec::new(),
        });
        self.fresh = false;
    }

    fn open(&mut self, place: &Place) {
        if self.stack.len() >= MAX_DEPTH {
            self.report(Class::UnexpectedOpen, place.clone(), "Unexpected '{' - ignoring");
            return;
        }
        if let Some((statement, inner)) = self.waiting.take() {
            self.push(Some(statement), Scope::Known(inner));
        } else if self.fresh
            && let Some(header) = self.children().pop()
        {
            // An unknown keyword with a block: one mistake, reported where keywords are checked.
            self.push(Some(header), Scope::Unknown);
        } else {
            self.report(Class::UnexpectedOpen, place.clone(), "Unexpected '{' - ignoring");
            let block = self.scope().block();
            self.push(None, Scope::Stray(block));
        }
    }

    fn close(&mut self, place: &Place) {
        self.open_without_brace();
        if self.stack.is_empty() {
            self.report(Class::UnexpectedClose, place.clone(), "Extra '}' found");
        }
        self.pop();
        self.fresh = false;
    }

    fn pop(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        match frame.header {
            Some(mut header) => {
                let mut body = frame.children;
                body.shrink_to_fit();
                header.body = Some(body);
                self.children().push(header);
            }
            None => self.children().extend(frame.children),
        }
    }

    /// The statements that are left, and what was wrong.
    pub(super) fn finish(mut self) -> (Vec<Statement>, Vec<Diagnostic>) {
        self.open_without_brace();
        if !self.stack.is_empty() {
            let message = format!("There are {} missing '}}'s or extra '{{'s", self.stack.len());
            let open = self.stack.iter().rev().find_map(|frame| frame.header.as_ref());
            let diagnostic = Diagnostic::new(Class::MissingClose, open.map(Statement::place), message);
            self.diagnostics.push(match open {
                Some(open) => {
                    diagnostic.with_help(format!("the last that is open at the end is {}", open.keyword()))
                }
                None => diagnostic,
            });
        }
        while !self.stack.is_empty() {
            self.pop();
        }
        (self.root, self.diagnostics)
    }
}

/// Whether a block of the top level begins inside another one.
fn begins_top_level(block: Block, statement: &Statement) -> bool {
    let name = statement.keyword();
    let Some(inner) = keyword::opens(Block::Root, name) else {
        return false;
    };
    block != Block::Root
        && (keyword::holds_values(block) || keyword::find(block, name).is_none())
        && block != Block::Words
        // Some names of the top level are ordinary words; those that open a named block are not.
        && (statement.args().len() == usize::from(keyword::named(inner)) || inner == Block::VirtualServer)
}

/// Whether an entry of the list `block` is rather a keyword of `outer`: one that opens a block, or any where only
/// addresses may stand.
fn belongs_around(block: Block, outer: Block, statement: &Statement) -> bool {
    let name = statement.keyword();
    match block {
        Block::Words | Block::RuleEntry => false,
        Block::AddressEntry => keyword::find(outer, name).is_some(),
        _ => {
            keyword::holds_values(block)
                && statement.args().is_empty()
                && keyword::opens(outer, name).is_some()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn show(statements: &[Statement], out: &mut String) {
        for statement in statements {
            let words: Vec<&str> = statement.words.iter().map(|w| w.text.as_str()).collect();
            let _ = write!(out, "{}", words.join(" "));
            if let Some(body) = &statement.body {
                out.push('{');
                show(body, out);
                out.push('}');
            }
            out.push(';');
        }
    }

    fn tree(text: &str) -> (String, Vec<String>) {
        let file = Arc::new(PathBuf::from("t"));
        let lines = (1..).zip(text.lines()).map(|(number, raw)| Line {
            file: Arc::clone(&file),
            number,
            text: Text::of_line(raw),
        });
        let (statements, diagnostics) = build(lines);
        let mut out = String::new();
        show(&statements, &mut out);
        let messages = diagnostics.iter().map(ToString::to_string).collect();
        (out, messages)
    }

    #[test]
    fn braces_may_stand_anywhere() {
        let wanted = "vrrp_instance A{state MASTER;virtual_ipaddress{1.1.1.1 dev x;};};";
        for text in [
            "vrrp_instance A {\nstate MASTER\nvirtual_ipaddress {\n1.1.1.1 dev x\n}\n}",
            "vrrp_instance A\n{\nstate MASTER\nvirtual_ipaddress\n{ 1.1.1.1 dev x }}",
            "vrrp_instance A{ state MASTER }",
        ] {
            let (out, messages) = tree(text);
            assert_eq!(messages, Vec::<String>::new());
            assert!(out == wanted || text.ends_with("MASTER }"), "{out}");
        }
    }

    #[test]
    fn each_missing_or_extra_brace_is_one_mistake() {
        for (text, wanted, mistakes) in [
            (
                "vrrp_instance A\nstate MASTER\n}\nvrrp_instance B {\n}",
                "vrrp_instance A{state MASTER;};vrrp_instance B{};",
                1,
            ),
            (
                "vrrp_instance A {\nvirtual_ipaddress {\n1.1.1.1\n}\nvrrp_instance B {\n}",
                "vrrp_instance A{virtual_ipaddress{1.1.1.1;};};vrrp_instance B{};",
                1,
            ),
            (
                "vrrp_instance A {\nvirtual_ipaddress {\n1.1.1.1\n\nvrrp_instance B {\n}",
                "vrrp_instance A{virtual_ipaddress{1.1.1.1;};};vrrp_instance B{};",
                1,
            ),
            (
                "vrrp_instance A {\nstate MASTER {\nx\n}\n}",
                "vrrp_instance A{state MASTER;x;};",
                1,
            ),
            ("}\nglobal_defs {\n}", "global_defs{};", 1),
            ("global_defs {\nrouter_id x", "global_defs{router_id x;};", 1),
            (
                "frob x {\na {\nb\n}\n}\nglobal_defs { }",
                "frob x{a{b;};};global_defs{};",
                0,
            ),
        ] {
            let (out, messages) = tree(text);
            assert_eq!(out, wanted, "{messages:?}");
            assert_eq!(messages.len(), mistakes, "{text}: {messages:?}");
        }
    }
}
