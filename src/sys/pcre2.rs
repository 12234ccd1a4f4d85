//! Patterns of PCRE2, compiled and searched for: as much of the library as a body that comes in parts needs.
//!
//! Owns the library's objects, and the limits of one search. Which parts a subject is made of is the caller's.

#![expect(unsafe_code, reason = "a library in C")]

use pcre2_sys as ffi;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// How often one search may try again: PCRE2's own usual limit, whatever the library was built with.
const MATCH_LIMIT: u32 = 10_000_000;
/// How deep it may nest its tries.
const DEPTH_LIMIT: u32 = 1_000_000;
/// What it may remember meanwhile, in KiB.
const HEAP_LIMIT: u32 = 16 << 10;

/// The options by their names, as `pcre2api(3)` has them after `PCRE2_`.
const OPTIONS: [(&str, u32); 24] = [
    ("allow_empty_class", ffi::PCRE2_ALLOW_EMPTY_CLASS),
    ("alt_bsux", ffi::PCRE2_ALT_BSUX),
    ("alt_circumflex", ffi::PCRE2_ALT_CIRCUMFLEX),
    ("alt_verbnames", ffi::PCRE2_ALT_VERBNAMES),
    ("auto_callout", ffi::PCRE2_AUTO_CALLOUT),
    ("caseless", ffi::PCRE2_CASELESS),
    ("dollar_endonly", ffi::PCRE2_DOLLAR_ENDONLY),
    ("dotall", ffi::PCRE2_DOTALL),
    ("dupnames", ffi::PCRE2_DUPNAMES),
    ("extended", ffi::PCRE2_EXTENDED),
    ("firstline", ffi::PCRE2_FIRSTLINE),
    ("match_unset_backref", ffi::PCRE2_MATCH_UNSET_BACKREF),
    ("multiline", ffi::PCRE2_MULTILINE),
    ("never_backslash_c", ffi::PCRE2_NEVER_BACKSLASH_C),
    ("never_ucp", ffi::PCRE2_NEVER_UCP),
    ("never_utf", ffi::PCRE2_NEVER_UTF),
    ("no_auto_capture", ffi::PCRE2_NO_AUTO_CAPTURE),
    ("no_auto_possess", ffi::PCRE2_NO_AUTO_POSSESS),
    ("no_dotstar_anchor", ffi::PCRE2_NO_DOTSTAR_ANCHOR),
    ("no_start_optimize", ffi::PCRE2_NO_START_OPTIMIZE),
    ("ucp", ffi::PCRE2_UCP),
    ("ungreedy", ffi::PCRE2_UNGREEDY),
    ("use_offset_limit", ffi::PCRE2_USE_OFFSET_LIMIT),
    ("utf", ffi::PCRE2_UTF),
];

/// A compiled pattern.
pub struct Pattern {
    code: NonNull<ffi::pcre2_code_8>,
    utf: bool,
    lookbehind: usize,
}

// SAFETY: a compiled pattern is not changed by searching for it (pcre2api(3), "Multithreading"), and nothing else is done
// with it before it is dropped.
unsafe impl Send for Pattern {}
// SAFETY: as above.
unsafe impl Sync for Pattern {}

/// A pattern that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset}: {text}")]
pub struct CompileError {
    /// Where in the pattern, in octets.
    pub offset: usize,
    /// PCRE2's words.
    pub text: String,
}

impl Pattern {
    /// Compiles `pattern` with options by their names; others are ignored. `limited`: the place of a match may be limited.
    ///
    /// # Errors
    /// When PCRE2 does not take it.
    pub fn compile<'o>(
        pattern: &str,
        options: impl IntoIterator<Item = &'o str>,
        limited: bool,
    ) -> Result<Self, CompileError> {
        let bits = options.into_iter().filter_map(bit).fold(0, |all, bit| all | bit);
        let limited = if limited { ffi::PCRE2_USE_OFFSET_LIMIT } else { 0 };
        let mut compiled = Self::with(pattern, bits | limited)?;
        // A pattern can also ask for it itself.
        if compiled.utf {
            // What is no UTF-8 matches nothing, rather than ends the search.
            compiled = Self::with(pattern, bits | limited | ffi::PCRE2_MATCH_INVALID_UTF)?;
        }
        // SAFETY: the pattern is ours alone until we return. Where code cannot be made (the library has none for this
        // processor, or memory may not be executed), the pattern is interpreted.
        unsafe {
            ffi::pcre2_jit_compile_8(
                compiled.code.as_ptr(),
                ffi::PCRE2_JIT_COMPLETE | ffi::PCRE2_JIT_PARTIAL_HARD,
            );
        }
        Ok(compiled)
    }

    fn with(pattern: &str, options: u32) -> Result<Self, CompileError> {
        let (mut error, mut offset) = (0, 0);
        // SAFETY: pointer and length are those of `pattern`; the library keeps neither.
        let code = unsafe {
            ffi::pcre2_compile_8(
                pattern.as_ptr(),
                pattern.len(),
                options,
                &raw mut error,
                &raw mut offset,
                ptr::null_mut(),
            )
        };
        let Some(code) = NonNull::new(code) else {
            return Err(CompileError {
                offset,
                text: message(error),
            });
        };
        let mut compiled = Self {
            code,
            utf: false,
            lookbehind: 0,
        };
        compiled.utf = compiled.info(ffi::PCRE2_INFO_ALLOPTIONS) & ffi::PCRE2_UTF != 0;
        compiled.lookbehind =
            usize::try_from(compiled.info(ffi::PCRE2_INFO_MAXLOOKBEHIND)).unwrap_or(usize::MAX);
        Ok(compiled)
    }

    /// One of those informations that are 32 bits long.
    fn info(&self, what: u32) -> u32 {
        let mut value = 0_u32;
        // SAFETY: the pattern is valid, and what is asked for here is written as an `u32`.
        let result = unsafe { ffi::pcre2_pattern_info_8(self.code.as_ptr(), what, (&raw mut value).cast()) };
        if result == 0 { value } else { 0 }
    }

    /// Whether characters may be several octets.
    pub const fn is_utf(&self) -> bool {
        self.utf
    }

    /// How many characters it looks back at most.
    pub const fn lookbehind(&self) -> usize {
        self.lookbehind
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        // SAFETY: made by the library, and nobody has it any more.
        unsafe { ffi::pcre2_code_free_8(self.code.as_ptr()) }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pattern")
    }
}

/// What is there of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All of it.
    Whole,
    /// More may come.
    Part,
}

/// What a search has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A match.
    Match,
    /// What may become a match, from there on.
    Partial(usize),
    /// None begins in what is there.
    Nothing,
}

/// Why a search was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It tries too much.
    #[error("match limit exceeded")]
    Matches,
    /// It remembers too much.
    #[error("depth or heap limit exceeded")]
    Memory,
    /// Anything else, by PCRE2's number.
    #[error("PCRE2 error {0}")]
    Other(i32),
}

/// Searches for a pattern in one subject after the other.
pub struct Searcher {
    pattern: Arc<Pattern>,
    data: NonNull<ffi::pcre2_match_data_8>,
    context: NonNull<ffi::pcre2_match_context_8>,
    stack: Option<NonNull<ffi::pcre2_jit_stack_8>>,
}

// SAFETY: all of it belongs to the searcher alone.
unsafe impl Send for Searcher {}

impl Searcher {
    /// Prepares searches; nothing when there is no memory for them. `stack`: least and greatest size, in octets, of the
    /// stack for compiled code.
    pub fn new(pattern: Arc<Pattern>, stack: Option<(usize, usize)>) -> Option<Self> {
        // SAFETY: the pattern is valid; without a context of ours the library allocates as it does always.
        let data = unsafe {
            NonNull::new(ffi::pcre2_match_data_create_from_pattern_8(
                pattern.code.as_ptr(),
                ptr::null_mut(),
            ))
        }?;
        // SAFETY: as above.
        let Some(context) = NonNull::new(unsafe { ffi::pcre2_match_context_create_8(ptr::null_mut()) })
        else {
            // SAFETY: just made, and nobody else has it.
            unsafe { ffi::pcre2_match_data_free_8(data.as_ptr()) }
            return None;
        };
        let mut searcher = Self {
            pattern,
            data,
            context,
            stack: None,
        };
        // SAFETY: the context is valid.
        unsafe {
            ffi::pcre2_set_match_limit_8(context.as_ptr(), MATCH_LIMIT);
            ffi::pcre2_set_depth_limit_8(context.as_ptr(), DEPTH_LIMIT);
            ffi::pcre2_set_heap_limit_8(context.as_ptr(), HEAP_LIMIT);
        }
        if let Some((start, most)) = stack {
            // SAFETY: without a context of ours the library allocates as it does always; nothing is a stack that is
            // not assigned.
            searcher.stack =
                NonNull::new(unsafe { ffi::pcre2_jit_stack_create_8(start, most, ptr::null_mut()) });
        }
        if let Some(stack) = searcher.stack {
            // SAFETY: without a callback the argument is the stack itself, which lives as long as the context.
            unsafe { ffi::pcre2_jit_stack_assign_8(context.as_ptr(), None, stack.as_ptr().cast()) }
        }
        Some(searcher)
    }

    /// Looks for a match that begins at `from` or later, and at `limit` or before, if there is one. The pattern may look
    /// at what is before `from`. With a limit it must have been compiled for one.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn search(
        &mut self,
        text: &[u8],
        from: usize,
        limit: Option<usize>,
        subject: Subject,
    ) -> Result<Found, SearchError> {
        if from > text.len() {
            return Ok(Found::Nothing);
        }
        // SAFETY: the context is valid.
        unsafe {
            ffi::pcre2_set_offset_limit_8(self.context.as_ptr(), limit.unwrap_or(ffi::PCRE2_UNSET));
        }
        let options = match subject {
            Subject::Whole => 0,
            Subject::Part => ffi::PCRE2_PARTIAL_HARD,
        };
        let mut result = self.run(text, from, options);
        if result == ffi::PCRE2_ERROR_JIT_STACKLIMIT {
            // The interpreter has no stack that could be too small.
            result = self.run(text, from, options | ffi::PCRE2_NO_JIT);
        }
        match result {
            0.. => Ok(Found::Match),
            ffi::PCRE2_ERROR_NOMATCH => Ok(Found::Nothing),
            ffi::PCRE2_ERROR_PARTIAL => Ok(Found::Partial(self.start(from, text.len()))),
            ffi::PCRE2_ERROR_MATCHLIMIT => Err(SearchError::Matches),
            ffi::PCRE2_ERROR_DEPTHLIMIT | ffi::PCRE2_ERROR_HEAPLIMIT => Err(SearchError::Memory),
            other => Err(SearchError::Other(other)),
        }
    }

    fn run(&mut self, text: &[u8], from: usize, options: u32) -> i32 {
        // SAFETY: pointer and length are those of `text`, in which `from` is; pattern, data and context are valid, and
        // data and context are ours alone. The library keeps the pointer in `data`, where only the offsets are read.
        unsafe {
            ffi::pcre2_match_8(
                self.pattern.code.as_ptr(),
                text.as_ptr(),
                text.len(),
                from,
                options,
                self.data.as_ptr(),
                self.context.as_ptr(),
            )
        }
    }

    /// Where the partial match of the last search begins: with `\K` later than what it has looked at.
    fn start(&self, from: usize, length: usize) -> usize {
        // SAFETY: data is valid and that of a search, and always has room for one pair of offsets.
        let (first, looked) = unsafe {
            let offsets = ffi::pcre2_get_ovector_pointer_8(self.data.as_ptr());
            (*offsets, ffi::pcre2_get_startchar_8(self.data.as_ptr()))
        };
        first.min(looked).clamp(from, length)
    }
}

impl Drop for Searcher {
    fn drop(&mut self) {
        // SAFETY: made by the library, and nobody else has them; the context goes before the stack that it names.
        unsafe {
            ffi::pcre2_match_data_free_8(self.data.as_ptr());
            ffi::pcre2_match_context_free_8(self.context.as_ptr());
            if let Some(stack) = self.stack {
                ffi::pcre2_jit_stack_free_8(stack.as_ptr());
            }
        }
    }
}

impl fmt::Debug for Searcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Searcher")
    }
}

fn bit(name: &str) -> Option<u32> {
    let found = OPTIONS.iter().find(|(known, _)| *known == name);
    found.map(|(_, bit)| *bit)
}

/// PCRE2's words for an error.
fn message(error: i32) -> String {
    let mut buffer = [0_u8; 256];
    // SAFETY: pointer and length are those of the buffer; the text is cut to fit, and ends with a zero.
    let length = unsafe { ffi::pcre2_get_error_message_8(error, buffer.as_mut_ptr(), buffer.len()) };
    let text = usize::try_from(length)
        .ok()
        .and_then(|length| buffer.get(..length));
    text.map_or_else(
        || format!("PCRE2 error {error}"),
        |text| String::from_utf8_lossy(text).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searcher(pattern: &str, options: &[&str]) -> Searcher {
        let pattern = Pattern::compile(pattern, options.iter().copied(), true).unwrap();
        Searcher::new(Arc::new(pattern), None).unwrap()
    }

    #[test]
    fn whole_and_part() {
        let mut it = searcher("ab+c", &[]);
        assert_eq!(it.search(b"xabbc", 0, None, Subject::Part), Ok(Found::Match));
        assert_eq!(it.search(b"xabb", 0, None, Subject::Part), Ok(Found::Partial(1)));
        assert_eq!(it.search(b"xabb", 0, None, Subject::Whole), Ok(Found::Nothing));
        assert_eq!(it.search(b"abc", 1, None, Subject::Part), Ok(Found::Nothing));
        assert_eq!(it.search(b"abc", 4, None, Subject::Part), Ok(Found::Nothing));
        for (limit, found) in [(0, Found::Nothing), (1, Found::Match), (9, Found::Match)] {
            assert_eq!(it.search(b"xabc", 0, Some(limit), Subject::Whole), Ok(found));
        }
    }

    #[test]
    fn every_option_is_its_own() {
        let mut all = 0;
        for (name, bit) in OPTIONS {
            assert_eq!(bit.count_ones(), 1, "{name}");
            assert_eq!(all & bit, 0, "{name}");
            all |= bit;
            Pattern::compile("a", [name], false).unwrap();
        }
        assert_eq!(
            searcher("a B", &["caseless", "extended"]).search(b"Ab", 0, None, Subject::Whole),
            Ok(Found::Match)
        );
    }

    #[test]
    fn what_cannot_be_compiled_is_told() {
        for (pattern, options, offset) in [
            ("a(b", [].as_slice(), 3),
            ("*", &[], 0),
            ("(*UTF)a", &["never_utf"], 6),
        ] {
            let error = Pattern::compile(pattern, options.iter().copied(), false).unwrap_err();
            assert_eq!(error.offset, offset, "{pattern}: {error}");
            assert!(error.text.len() > 5, "{error}");
        }
    }

    #[test]
    fn what_is_no_utf_8_matches_nothing() {
        for mut it in [searcher("é.x", &["utf"]), searcher("(*UTF)é.x", &[])] {
            assert!(it.pattern.is_utf());
            assert_eq!(
                it.search("ééx".as_bytes(), 0, None, Subject::Whole),
                Ok(Found::Match)
            );
            assert_eq!(
                it.search(b"\xff\xc3\xa9\xffx \xc3\xa9ax", 0, None, Subject::Whole),
                Ok(Found::Match)
            );
            assert_eq!(
                it.search(b"\xc3\xa9\xffx", 0, None, Subject::Whole),
                Ok(Found::Nothing)
            );
        }
    }

    #[test]
    fn a_search_without_end_ends() {
        let mut it = searcher("(a+)+$", &[]);
        let text = [b"a".repeat(60), b"b".to_vec()].concat();
        assert_eq!(
            it.search(&text, 0, None, Subject::Whole),
            Err(SearchError::Matches)
        );
    }

    #[test]
    fn a_stack_that_is_too_small_is_no_obstacle() {
        let pattern = Pattern::compile("^(?:(a)|b)*c", [], false).unwrap();
        let text = [b"ab".repeat(20_000), b"c".to_vec()].concat();
        for stack in [None, Some((1024, 2048)), Some((32 << 10, 8 << 20))] {
            let mut it = Searcher::new(
                Arc::new(Pattern::compile("^(?:(a)|b)*c", [], false).unwrap()),
                stack,
            )
            .unwrap();
            let found = it.search(&text, 0, None, Subject::Whole);
            assert_eq!(found, Ok(Found::Match), "{stack:?}");
        }
        assert_eq!((pattern.lookbehind(), pattern.is_utf()), (0, false));
        assert_eq!(Pattern::compile("(?<=abc)d", [], false).unwrap().lookbehind(), 3);
    }
}
