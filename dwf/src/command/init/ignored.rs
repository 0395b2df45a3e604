//! Which lines the lists of ignored files lack, so that caches are neither committed nor sent to a builder.

use std::path::Path;

use ignore::gitignore::GitignoreBuilder;

/// What a `.gitignore` lacks.
pub(super) fn by_git(text: Option<&str>, cache: &str) -> String {
    let cache = plain(cache);
    match text.is_some_and(|text| is_ignored(text, &cache)) {
        true => String::new(),
        false => format!("# dwf's caches\n/{}/\n", escaped(&cache)),
    }
}

/// What a `.dockerignore` lacks.
pub(super) fn by_builds(text: Option<&str>, cache: &str) -> String {
    let cache = plain(cache);
    match text {
        None => format!("# What no build reads\n.git\n{}\n", escaped(&cache)),
        Some(text) if is_left_out(text, &cache) => String::new(),
        Some(_) => format!("# dwf's caches\n{}\n", escaped(&cache)),
    }
}

/// Whether git's rules leave a folder of the root out.
fn is_ignored(text: &str, folder: &str) -> bool {
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines() {
        // What git does not understand ignores nothing.
        let _ = builder.add_line(None, line);
    }
    builder.build().is_ok_and(|rules| rules.matched_path_or_any_parents(Path::new(folder), true).is_ignore())
}

/// Whether a line leaves the folder out, or one that it is in, and none takes anything back.
fn is_left_out(text: &str, folder: &str) -> bool {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let holds = |line: &str| {
        let line = plain(line.trim_end_matches("/**"));
        ["*", "**"].contains(&line.as_str())
            || folder.strip_prefix(&line).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let last = lines().rfind(|line| holds(line.strip_prefix('!').unwrap_or(line)));
    last.is_some_and(|line| !line.starts_with('!'))
}

/// A path without what says nothing.
fn plain(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

/// A path as both lists write it.
fn escaped(path: &str) -> String {
    let special = |c: char| "*?[]\\".contains(c);
    path.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
