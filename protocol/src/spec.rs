//! SPEC.md, and where in it each rule stands.
//!
//! A rule ends with a mark: a letter and a number in brackets.
//!
//! Invariant: a mark stands once, and keeps its rule.

/// The whole text.
pub const TEXT: &str = include_str!("../SPEC.md");

/// A rule of SPEC.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its mark, such as `W8`.
    pub mark: &'static str,
    /// The heading above it.
    pub heading: &'static str,
    /// The number of its line, from 1.
    pub line: usize,
    /// That line.
    pub text: &'static str,
}

/// Every rule, in order.
pub fn rules() -> impl Iterator<Item = Rule> {
    let mut heading = "";
    let mut is_code = false;
    TEXT.lines().enumerate().flat_map(move |(index, text)| {
        is_code ^= text.starts_with("```");
        if !is_code && text.starts_with('#') {
            heading = text;
        }
        let marks = text.split('[').skip(1).filter_map(|rest| rest.split_once(']')).map(|(mark, _)| mark);
        let (heading, is_code) = (heading, is_code);
        marks.filter(move |mark| !is_code && is_mark(mark)).map(move |mark| Rule {
            mark,
            heading,
            line: index + 1,
            text,
        })
    })
}

/// The rule with this mark.
pub fn rule(mark: &str) -> Option<Rule> {
    rules().find(|rule| rule.mark == mark)
}

fn is_mark(text: &str) -> bool {
    let mut chars = text.chars();
    let is_letter = chars.next().is_some_and(|first| first.is_ascii_uppercase());
    is_letter && !chars.as_str().is_empty() && chars.all(|c| c.is_ascii_digit())
}
