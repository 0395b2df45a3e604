//! What a COPY or ADD takes from the context, as patterns.

use super::{Unclear, flags};
use crate::fingerprint;

/// Characters that mean something else in one of the builders.
const UNCLEAR: [char; 2] = ['$', '\\'];

/// The patterns of what it takes.
pub(super) fn sources(text: &str) -> Result<Vec<String>, Unclear> {
    let (flags, words) = flags(text);
    for flag in flags {
        match flag.split_once('=').map_or((flag, ""), |pair| pair) {
            ("from", from) if !from.is_empty() && !from.contains(UNCLEAR) => return Ok(Vec::new()),
            (
                "chown" | "chmod" | "link" | "parents" | "exclude" | "checksum" | "keep-git-dir" | "unpack",
                _,
            ) => {}
            _ => return Err(Unclear(format!("COPY or ADD has the flag --{flag}"))),
        }
    }
    if words.contains("<<") {
        return Err("COPY or ADD has a here-document".into());
    }
    let mut words = match words.starts_with('[') {
        true => {
            serde_json::from_str(words).map_err(|_| Unclear::from("COPY or ADD has a list that is none"))?
        }
        false if words.contains(['"', '\'']) => return Err("COPY or ADD has quotes".into()),
        false => words.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
    };
    if words.len() < 2 {
        return Err("COPY or ADD has no source".into());
    }
    words.pop();
    let mut all = Vec::new();
    for source in words {
        // What is fetched is not in the context.
        if !source.starts_with("https://") && !source.starts_with("http://") {
            all.extend(patterns(&source)?);
        }
    }
    Ok(all)
}

fn patterns(source: &str) -> Result<Vec<String>, Unclear> {
    if source.contains(UNCLEAR) || source.chars().any(char::is_control) {
        return Err("a source of COPY or ADD has a variable or an escape".into());
    }
    let parts: Vec<&str> = source.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err("a source of COPY or ADD has `..`".into());
    }
    let mut path = Vec::new();
    let mut is_glob = false;
    for part in &parts {
        if part.contains("**") {
            // Some builders take it for any number of folders.
            path.push("**".to_owned());
            return Ok(vec![path.join("/")]);
        }
        is_glob |= part.contains(['*', '?', '[']);
        path.push(pattern(part));
    }
    match (path.is_empty(), is_glob) {
        (true, _) => Err("COPY or ADD takes the whole context".into()),
        (false, false) => Ok(vec![path.join("/")]),
        // A folder that it matches is taken with all that is in it.
        (false, true) => Ok(vec![path.join("/"), format!("{}/**", path.join("/"))]),
    }
}

/// One part of a path: what the builders' wildcards match, or more.
fn pattern(part: &str) -> String {
    if part.contains('[') {
        return "*".to_owned();
    }
    part.split(['*', '?']).map(fingerprint::literal).collect::<Vec<_>>().join("*")
}
