//! Counts the lines, words and bytes of a text.

use std::fmt;

use itertools::Itertools;

/// What a text is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Line ends.
    pub lines: usize,
    /// Runs of bytes that are not white space.
    pub words: usize,
    /// Bytes.
    pub bytes: usize,
}

impl Tally {
    /// Counts a text.
    ///
    /// ```
    /// let tally = tally::Tally::of(b"two words\n");
    /// assert_eq!((tally.lines, tally.words, tally.bytes), (1, 2, 10));
    /// ```
    pub fn of(text: &[u8]) -> Self {
        Self {
            lines: memchr::memchr_iter(b'\n', text).count(),
            words: text
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty())
                .count(),
            bytes: text.len(),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [self.lines, self.words, self.bytes];
        write!(f, "{}", counts.iter().format(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_has_nothing() {
        assert_eq!(Tally::of(b""), Tally::default());
    }

    #[test]
    fn a_line_without_an_end_is_not_counted() {
        assert_eq!(Tally::of(b"a\nb").lines, 1);
    }

    #[test]
    fn runs_of_white_space_part_words_once() {
        assert_eq!(Tally::of(b"  a \t b\n\n").words, 2);
    }

    #[test]
    fn counts_are_printed_in_the_order_of_wc() {
        assert_eq!(Tally::of(b"a b\n").to_string(), "1 2 4");
    }
}
