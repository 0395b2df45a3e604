//! What must not be shown: secrets are replaced by `***` wherever dwf passes text on.
//!
//! Invariant: however a text is cut into pieces, no byte of a secret that is in it comes out; what
//! is kept back is never longer than the longest secret.

mod events;
mod writer;

pub use events::Events;
pub use writer::Writer;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::AhoCorasick;

/// What stands in the place of a secret.
pub const MASK: &[u8] = b"***";
/// Characters below which a text is not hidden: it would be found where nobody meant it.
pub const SHORTEST: usize = 6;
/// Characters of a word in a file of credentials from which it is taken for a credential.
const WORD: usize = 12;

/// The secrets of a run. Clones know what any of them is told.
#[derive(Clone, Default)]
pub struct Hidden(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    texts: BTreeSet<String>,
    finder: Option<Arc<Finder>>,
}

/// The secrets, ready to be found.
#[derive(Debug)]
struct Finder {
    texts: Vec<Vec<u8>>,
    longest: usize,
    automaton: AhoCorasick,
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(***)")
    }
}

impl Hidden {
    /// Hides a value from now on: each of its lines. False when a part of it that is not empty is too
    /// short to be hidden.
    pub fn hide(&self, value: &str) -> bool {
        let lines = || value.lines().map(str::trim).filter(|line| !line.is_empty());
        self.add(lines().filter(|line| is_long_enough(line)));
        lines().any(is_long_enough) || lines().next().is_none()
    }

    /// Hides the content of a file of credentials: its lines, and in them the words that look like
    /// credentials, which programs may print without the line around them.
    pub fn hide_file(&self, content: &str) -> bool {
        let hidden = self.hide(content);
        let part_of_word = |c: char| c.is_ascii_alphanumeric() || "_-.+/".contains(c);
        let credential = |word: &&str| {
            word.len() >= WORD
                && word.contains(|c: char| c.is_ascii_digit())
                && word.contains(|c: char| c.is_ascii_alphabetic())
        };
        self.add(content.split(|c| !part_of_word(c)).filter(credential));
        hidden
    }

    /// Hides the password in an address such as `http://user:password@host`; the address itself may be shown.
    pub fn hide_password(&self, address: &str) {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@') {
            self.add([user]);
            self.add(user.split_once(':').map(|(_, password)| password).filter(|text| is_long_enough(text)));
        }
    }

    fn add<'a>(&self, texts: impl IntoIterator<Item = &'a str>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.texts.len();
        known.texts.extend(texts.into_iter().filter(|text| !text.is_empty()).map(str::to_owned));
        if known.texts.len() > before {
            known.finder = Finder::new(&known.texts).map(Arc::new);
        }
    }

    fn finder(&self) -> Option<Arc<Finder>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).finder.clone()
    }

    /// A stream of bytes in which they are to be found.
    pub fn stream(&self) -> Stream {
        Stream { hidden: self.clone(), kept: Vec::new(), covered: 0, masked: false }
    }

    /// A text without them.
    pub fn text(&self, text: &str) -> String {
        let mut stream = self.stream();
        let mut out = stream.push(text.as_bytes());
        out.extend(stream.end());
        String::from_utf8_lossy(&out).into_owned()
    }
}

fn is_long_enough(text: &str) -> bool {
    text.len() >= SHORTEST
}

impl Finder {
    fn new(texts: &BTreeSet<String>) -> Option<Self> {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let longest = texts.iter().map(Vec::len).max()?;
        // Fails only for more patterns than memory has room for.
        let automaton = AhoCorasick::new(&texts).ok()?;
        Some(Self { texts, longest, automaton })
    }

    /// Where the end of these bytes may be the beginning of a secret.
    fn tail(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest - 1);
        let begins = |at: &usize| {
            let rest = &bytes[*at..];
            self.texts.iter().any(|text| text.len() > rest.len() && text.starts_with(rest))
        };
        (from..bytes.len()).find(begins).unwrap_or(bytes.len())
    }

    /// The ranges of these bytes that belong to a secret, in order, none touching the next.
    fn ranges(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> =
            self.automaton.find_overlapping_iter(bytes).map(|found| (found.start(), found.end())).collect();
        found.sort_unstable();
        let mut out: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match out.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => out.push((start, end)),
            }
        }
        out
    }
}

/// Bytes that come in pieces.
#[derive(Debug)]
pub struct Stream {
    hidden: Hidden,
    /// What may be the beginning of a secret.
    kept: Vec<u8>,
    /// How much of that belongs to a secret already.
    covered: usize,
    /// Whether what went out last was a mask whose secret may go on.
    masked: bool,
}

impl Stream {
    /// Takes a piece, and gives what may be shown by now.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let Some(finder) = self.hidden.finder() else {
            let mut out = std::mem::take(&mut self.kept);
            out.extend_from_slice(piece);
            return out;
        };
        let mut bytes = std::mem::take(&mut self.kept);
        bytes.extend_from_slice(piece);
        let until = finder.tail(&bytes);
        let out = self.show(&finder, &bytes, until);
        bytes.drain(..until);
        self.kept = bytes;
        out
    }

    /// Gives what was kept back: nothing follows.
    pub fn end(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.kept);
        let Some(finder) = self.hidden.finder() else { return bytes };
        let out = self.show(&finder, &bytes, bytes.len());
        (self.covered, self.masked) = (0, false);
        out
    }

    /// The bytes before `until`, masked; remembers how far a secret goes on behind it.
    fn show(&mut self, finder: &Finder, bytes: &[u8], until: usize) -> Vec<u8> {
        let before = (self.covered > 0).then_some((0, self.covered));
        let mut out = Vec::with_capacity(until);
        let mut at = 0;
        self.covered = self.covered.saturating_sub(until);
        for (start, end) in before.into_iter().chain(finder.ranges(bytes)) {
            if start >= until {
                break;
            }
            if start > at {
                out.extend_from_slice(&bytes[at..start]);
                self.masked = false;
            }
            if !self.masked {
                out.extend_from_slice(MASK);
                self.masked = true;
            }
            at = at.max(end.min(until));
            self.covered = self.covered.max(end.saturating_sub(until));
        }
        if until > at {
            out.extend_from_slice(&bytes[at..until]);
            self.masked = false;
        }
        out
    }
}

#[cfg(test)]
mod tests;
