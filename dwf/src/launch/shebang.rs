//! The `#!` line of a script: dwf follows it itself, so that nothing else decides what runs.

use std::path::PathBuf;

/// Bytes of the line that every system reads.
const LONGEST: usize = 255;

/// What a `#!` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The interpreter.
    pub program: Wanted,
    /// What it gets before the script's path.
    pub args: Vec<String>,
}

/// An interpreter as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By its absolute path.
    At(PathBuf),
    /// The first of that name on `PATH`.
    Named(String),
}

/// Whether a file that begins like this is a script.
pub fn is_script(head: &[u8]) -> bool {
    head.starts_with(b"#!")
}

/// Reads the line; the error says what the line does wrong.
pub fn parse(head: &[u8]) -> Result<Line, &'static str> {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.len() > LONGEST {
        return Err("is longer than 255 bytes");
    }
    let line = std::str::from_utf8(line).map_err(|_| "is not UTF-8")?;
    if line.ends_with('\r') {
        return Err("ends in a carriage return: save the file with Unix line ends");
    }
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Err("holds a control character");
    }
    let line = line.strip_prefix("#!").unwrap_or(line).trim_matches(BLANK);
    let (program, rest) = line.split_once(BLANK).unwrap_or((line, ""));
    let rest = rest.trim_matches(BLANK);
    if program.is_empty() {
        return Err("names no interpreter");
    }
    if program.rsplit('/').next() == Some("env") && program.starts_with('/') {
        return from_env(rest);
    }
    // One argument, whatever is in it: so does the kernel.
    let args = if rest.is_empty() { Vec::new() } else { vec![rest.to_owned()] };
    match program.starts_with('/') {
        true => Ok(Line { program: Wanted::At(program.into()), args }),
        false => Err("names its interpreter by a relative path"),
    }
}

const BLANK: [char; 2] = [' ', '\t'];

/// What `env` would start: `env NAME`, `env -S NAME ARGS…`.
fn from_env(rest: &str) -> Result<Line, &'static str> {
    let split = ["-S", "--split-string="].iter().find_map(|option| rest.strip_prefix(option));
    let mut words = match split {
        Some(words) if words.contains(['\'', '"', '\\', '$', '#']) => {
            return Err("asks env to take quotes, variables or escapes apart; write plain words after -S");
        }
        Some(words) => words.split(BLANK).filter(|word| !word.is_empty()).collect::<Vec<_>>(),
        None if rest.starts_with('-') => return Err("gives env an option other than -S"),
        None if rest.contains(BLANK) => return Err("gives env more than one word; write env -S"),
        None if rest.is_empty() => Vec::new(),
        None => vec![rest],
    }
    .into_iter();
    let program = match words.next() {
        None => return Err("asks env for no interpreter"),
        Some(word) if word.starts_with('-') => return Err("gives env an option other than -S"),
        Some(word) if word.contains('=') => return Err("asks env to set a variable"),
        Some(word) if word.starts_with('/') => Wanted::At(word.into()),
        Some(word) if word.contains('/') => return Err("names its interpreter by a relative path"),
        Some(word) => Wanted::Named(word.to_owned()),
    };
    Ok(Line { program, args: words.map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<(&str, &[&str]), &str>) {
        let parsed = parse(format!("{line}\nmore\n").as_bytes());
        let shown = parsed.map(|line| match line.program {
            Wanted::At(path) => (path.to_string_lossy().into_owned(), line.args),
            Wanted::Named(name) => (name, line.args),
        });
        match (expected, shown) {
            (Ok((program, args)), Ok((found, given))) => {
                assert_eq!(
                    (found.as_str(), given),
                    (program, args.iter().map(|a| (*a).to_owned()).collect()),
                    "{line}"
                );
            }
            (Err(words), Err(reason)) => assert!(reason.contains(words), "{line}: {reason}"),
            (expected, found) => panic!("{line}: {expected:?}, {found:?}"),
        }
    }

    #[test]
    fn lines_that_can_be_followed() {
        check("#!/bin/sh", Ok(("/bin/sh", &[])));
        check("#! /bin/sh -eu", Ok(("/bin/sh", &["-eu"])));
        check("#!/usr/bin/awk  -v a=b -f ", Ok(("/usr/bin/awk", &["-v a=b -f"])));
        check("#!/usr/bin/env x3", Ok(("x3", &[])));
        check("#!/bin/env\tx3", Ok(("x3", &[])));
        check("#!/usr/bin/env -S x run --script", Ok(("x", &["run", "--script"])));
        check("#!/usr/bin/env -Sx -u", Ok(("x", &["-u"])));
        check("#!/usr/bin/env --split-string=x -u", Ok(("x", &["-u"])));
        check("#!/usr/bin/env /opt/x/bin/x", Ok(("/opt/x/bin/x", &[])));
    }

    #[test]
    fn lines_that_cannot() {
        for (line, words) in [
            ("#!", "no interpreter"),
            ("#!  ", "no interpreter"),
            ("#!bin/x", "relative"),
            ("#!x", "relative"),
            ("#!/bin/sh\r", "carriage return"),
            ("#!/bin/\u{1}sh", "control character"),
            ("#!env x", "relative"),
            ("#!/usr/bin/env", "no interpreter"),
            ("#!/usr/bin/env -S ", "no interpreter"),
            ("#!/usr/bin/env -i x", "option"),
            ("#!/usr/bin/env -S -i x", "option"),
            ("#!/usr/bin/env A=b", "variable"),
            ("#!/usr/bin/env -S A=b x", "variable"),
            ("#!/usr/bin/env x -u", "more than one word"),
            ("#!/usr/bin/env ./x", "relative"),
            ("#!/usr/bin/env tools/x", "relative"),
            ("#!/usr/bin/env -S x 'a b'", "quotes"),
            ("#!/usr/bin/env -S ${X}", "quotes"),
        ] {
            check(line, Err(words));
        }
        check(&format!("#!/{}", "a".repeat(300)), Err("longer"));
        assert_eq!(parse(b"#!/bin/\xff\n"), Err("is not UTF-8"));
    }
}
