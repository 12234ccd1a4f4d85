//! A configuration as a tree that can be edited: what the generator makes and the language reads.

use std::fmt::{self, Write};

/// A line, or a block with what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Keyword and parameters.
    pub(crate) words: Vec<String>,
    /// What is between its braces.
    pub(crate) inner: Option<Vec<Self>>,
}

impl Node {
    /// One line, which opens no block.
    pub(crate) fn line(text: &str) -> Self {
        Self {
            words: text.split(' ').map(str::to_owned).collect(),
            inner: None,
        }
    }

    /// A block.
    pub(crate) fn block(head: &str, inner: Vec<Self>) -> Self {
        Self {
            inner: Some(inner),
            ..Self::line(head)
        }
    }

    /// A block of lines.
    pub(crate) fn list(head: &str, lines: Vec<String>) -> Self {
        Self::block(head, lines.iter().map(|line| Self::line(line)).collect())
    }

    /// What `text` says: every brace ends its line.
    pub(crate) fn read(text: &str) -> Vec<Self> {
        let mut open = vec![(String::new(), Vec::new())];
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line == "}" {
                let (head, inner) = open.pop().expect("a block");
                let parent = &mut open.last_mut().expect("a parent").1;
                parent.push(Self::block(&head, inner));
            } else if let Some(head) = line.strip_suffix('{') {
                open.push((head.trim().to_owned(), Vec::new()));
            } else {
                open.last_mut().expect("a block").1.push(Self::line(line));
            }
        }
        assert_eq!(open.len(), 1, "unbalanced: {text}");
        open.remove(0).1
    }

    pub(crate) fn keyword(&self) -> &str {
        &self.words[0]
    }

    /// The first parameter.
    pub(crate) fn name(&self) -> Option<&str> {
        self.words.get(1).map(String::as_str)
    }

    /// Replaces a word wherever it stands.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        for word in self.words.iter_mut().filter(|word| *word == from) {
            *word = to.to_owned();
        }
        for node in self.inner.iter_mut().flatten() {
            node.rename(from, to);
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))?;
        let Some(inner) = &self.inner else {
            return f.write_char('\n');
        };
        f.write_str(" {\n")?;
        inner.iter().try_for_each(|node| node.fmt(f))?;
        f.write_str("}\n")
    }
}

/// The whole file.
pub(crate) fn text(blocks: &[Node]) -> String {
    blocks.iter().map(Node::to_string).collect()
}
