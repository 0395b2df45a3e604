//! What GitHub takes from a log: commands in lines, and a summary in a file.
//!
//! Invariant: only what is made here is a command; every value in one is escaped.

use std::borrow::Cow;
use std::fmt::Write;

use super::ledger::{Entry, Told};
use super::location::Location;
use super::text;

/// Bytes that a step's summary may have.
pub const SUMMARY: usize = 1 << 20;
/// Annotations of one kind that GitHub shows for a step.
pub const ANNOTATIONS: usize = 10;
/// Characters of an annotation's message.
const MESSAGE: usize = 4_000;

/// A word that nobody can guess.
pub fn token() -> String {
    let mut bytes = [0_u8; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.iter().fold(String::from("dwf-"), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        }),
        // A hasher's keys come from the same place, before there was any trouble with it.
        Err(_) => {
            use std::hash::{BuildHasher, Hasher, RandomState};

            format!("dwf-{:016x}{:016x}", RandomState::new().build_hasher().finish(), {
                RandomState::new().build_hasher().finish()
            })
        }
    }
}

/// A text that is no command: neither `::` begins a line of it, nor does `##[` stand in it.
pub fn inert(text: &str) -> Cow<'_, str> {
    let begins = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.lines().any(begins) {
        return text.into();
    }
    let line = |line: &str| {
        let line = line.replace("##[", "## [");
        if begins(&line) { line.replacen("::", ": :", 1) } else { line }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n").into()
}

/// The command that begins a group.
pub fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// The command that annotates a place, or the whole run.
pub fn error(title: &str, at: Option<&Location>, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(at) = at {
        properties.push(format!("file={}", property(&at.file)));
        properties.extend(at.line.map(|line| format!("line={line}")));
        properties.extend(at.column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(title)));
    let message: String = message.chars().take(MESSAGE).collect();
    format!("::error {}::{}", properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    // What else drives a terminal has no name in commands.
    let text: String = text::plain(text.as_bytes());
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary of a run as Markdown, in at most this many bytes.
pub fn summary(title: &str, entries: &[&Entry], most: usize) -> String {
    let mut out = format!("### {}\n\n", markdown(title));
    out.push_str("| | action | time | |\n|---|---|---:|---|\n");
    let mut rows = entries.iter().map(|entry| row(entry));
    let mut shown = 0;
    for row in rows.by_ref() {
        // Room for the line that says what is left out.
        if out.len() + row.len() + 100 > most {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    let rest = entries.len() - shown;
    if rest > 0 {
        out.push_str(&format!("\n{rest} more actions are not shown.\n"));
    }
    let failed = entries.iter().filter(|entry| entry.has_failed());
    for line in failed.filter_map(|entry| entry.reproduce.as_ref()) {
        let line = format!("\n    {}\n", line.replace(['\n', '\r'], " "));
        if out.len() + line.len() > most {
            break;
        }
        out.push_str(&line);
    }
    if out.len() > most { String::new() } else { out }
}

fn row(entry: &Entry) -> String {
    let sign = match entry.told {
        Told::Passed => "✅",
        Told::Failed | Told::TimedOut => "❌",
        Told::Cancelled | Told::NotRun => "⏹️",
        Told::Skipped => "⏭️",
    };
    let time = entry.used.map(|used| format!("{:.2} s", used.elapsed.as_secs_f64())).unwrap_or_default();
    let reason: String = entry.reason.as_deref().unwrap_or_default().chars().take(300).collect();
    let words = format!("{} {reason}", entry.told.word());
    format!("| {sign} | {} | {time} | {} |\n", markdown(&entry.name.to_string()), markdown(words.trim()))
}

/// Text that is nothing but text in Markdown.
fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in text::plain(text.as_bytes()).chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A backslash before the mark of a mention or a link does not undo it; an entity does.
            '@' | '#' | ':' | '|' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c.is_ascii_punctuation() => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        let at = Location { file: "a,b:c%.x".into(), line: Some(7), column: None };
        assert_eq!(
            error("t:1,2", Some(&at), "100 % of\r\n\x1b[31mit: a, b"),
            "::error file=a%2Cb%3Ac%25.x,line=7,title=t%3A1%2C2::100 %25 of%0Ait: a, b"
        );
        assert_eq!(error("t", None, "x"), "::error title=t::x");
        assert_eq!(group("a\n::error::b"), "::group::a%0A::error::b");
        assert!(error("t", None, &"x".repeat(100_000)).len() < 5_000);
    }

    #[test]
    fn what_others_say_is_no_command() {
        for (text, expected) in [
            ("plain ::error::x", "plain ::error::x"),
            ("::error::x", ": :error::x"),
            ("a\n  ::add-mask::x\nb", "a\n  : :add-mask::x\nb"),
            ("a ##[error]x", "a ## [error]x"),
        ] {
            assert_eq!(inert(text), expected);
        }
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(token(), token());
        assert_eq!(token().len(), 36);
    }

    #[test]
    fn markdown_is_text() {
        assert_eq!(markdown("a|b\n<img> *x* @y"), "a&#124;b &lt;img&gt; \\*x\\* &#64;y");
    }

    #[test]
    fn a_summary_is_bounded() {
        let entries: Vec<Entry> = (0..20_000)
            .map(|number| {
                let mut entry = Entry::new(
                    format!("m{number}#a/test:unit").parse::<crate::name::Wanted>().map(full).unwrap(),
                );
                entry.told = Told::Failed;
                entry.reason = Some("|".repeat(400));
                entry.reproduce = Some("dwf run x".repeat(50));
                entry
            })
            .collect();
        let list: Vec<&Entry> = entries.iter().collect();
        let text = summary("x", &list, SUMMARY);
        assert!(text.len() <= SUMMARY && text.contains("more actions are not shown"), "{}", text.len());
        assert_eq!(summary("x", &list, 10), "", "no room at all");
        let short = summary("x", &list[..1], SUMMARY);
        assert_eq!(short.lines().nth(4).unwrap().matches(" | ").count(), 3, "{short}");
    }

    fn full(wanted: crate::name::Wanted) -> crate::name::FullName {
        crate::name::FullName {
            member: wanted.member.unwrap_or_default(),
            stack: wanted.stack,
            command: wanted.command,
        }
    }
}
