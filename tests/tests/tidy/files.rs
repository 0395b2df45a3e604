//! The files of the repository, and their words.

use std::collections::BTreeSet;

use devflow_tests::{Spec, repository};

/// A file of the repository that git would not ignore.
pub struct File {
    /// Relative to the repository.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// One that may not be on disk.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Source code of the workspace's own crates, without their integration tests.
    pub fn is_source(&self) -> bool {
        self.path.ends_with(".rs") && self.path.contains("/src/") && !self.path.starts_with("tests/projects/")
    }

    /// A module that is there for `cargo test` only.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.ends_with("tests.rs")
            || self.path.split("/src/").nth(1).is_some_and(|rest| rest.contains("tests/"))
    }

    /// The lines, with their places.
    pub fn lines(&self) -> impl Iterator<Item = (String, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (format!("{}:{}", self.path, at + 1), line))
    }
}

/// All of them.
pub fn files() -> Vec<File> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let run = Spec::new("git").args(list).cwd(repository()).run();
    let paths: BTreeSet<&str> = run.expect(0).stdout.split('\0').filter(|path| !path.is_empty()).collect();
    let read = |path: &str| Some(File::new(path, &std::fs::read_to_string(repository().join(path)).ok()?));
    let files: Vec<File> = paths.into_iter().filter_map(read).collect();
    assert!(files.len() > 100, "git knows only {} files", files.len());
    files
}

/// Whether this may stand in an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words of a line: each with what stands before and after it.
pub fn words(line: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    let starts = line.char_indices().filter(|(at, c)| is_word(*c) && !line[..*at].ends_with(is_word));
    starts.map(|(at, _)| {
        let rest = &line[at..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        (&line[..at], &rest[..end], &rest[end..])
    })
}

/// `runNpm_TOKEN` is `run`, `npm`, `token`.
pub fn parts(word: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = '_';
    for c in word.chars() {
        if c == '_' || (c.is_uppercase() && before.is_lowercase()) {
            out.push(String::new());
        }
        if let (true, Some(last)) = (c != '_', out.last_mut()) {
            last.extend(c.to_lowercase());
        }
        before = c;
    }
    out
}
