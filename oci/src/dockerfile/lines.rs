//! The lines of a Dockerfile as its instructions: continued ones joined, comments gone.
//!
//! Invariant: builders that join lines differently do not see other instructions than these.

use super::Unclear;

/// Frontends that read the language as it is known here.
const FRONTENDS: [&str; 2] = ["docker/dockerfile", "docker.io/docker/dockerfile"];

/// The instructions, each in one line.
pub(super) fn logical(text: &str) -> Result<Vec<String>, Unclear> {
    let text = text.trim_start_matches('\u{feff}');
    directives(text)?;
    let (mut lines, mut open) = (Vec::new(), String::new());
    for line in text.lines() {
        let line = line.trim();
        // Neither comments nor empty lines end an instruction that goes on.
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_suffix('\\') {
            Some(before) if before.ends_with('\\') => {
                return Err("a line of it ends in two backslashes".into());
            }
            Some(before) => open.push_str(before),
            None => {
                open.push_str(line);
                lines.push(std::mem::take(&mut open).trim().to_owned());
            }
        }
    }
    if !open.trim().is_empty() {
        lines.push(open.trim().to_owned());
    }
    Ok(lines)
}

/// The comments at the top that say how the rest is to be read.
fn directives(text: &str) -> Result<(), Unclear> {
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|line| line.split_once('=')) else {
            break;
        };
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "syntax" if !is_known(value) => return Err(Unclear(format!("its syntax is {value}"))),
            "escape" if value != "\\" => return Err(Unclear(format!("its escape is {value}"))),
            _ => {}
        }
    }
    Ok(())
}

fn is_known(frontend: &str) -> bool {
    let rest = FRONTENDS.iter().find_map(|known| frontend.strip_prefix(known));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
}
