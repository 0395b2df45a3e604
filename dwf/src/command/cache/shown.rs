//! How caches are shown.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use crate::cache::{Entry, Slot};
use crate::command::image::size;
use crate::error::printable;

/// One line: size, last use, place, owner, and words behind it.
pub(super) fn line(entry: &Entry, now: u64, words: &str) -> String {
    let least = if entry.size.whole { " " } else { ">" };
    let bytes = size(entry.size.bytes);
    let ago = ago(now.saturating_sub(entry.used));
    let place = entry.slot.to_string();
    format!("{least}{bytes:>8}  {ago:>14}  {place:<40}  {}  {words}", owner(entry)).trim_end().to_owned()
}

/// Whose it is.
fn owner(entry: &Entry) -> String {
    let Some(owner) = &entry.owner else { return "-".to_owned() };
    let mut text = owner.workspace.clone().unwrap_or_else(|| "-".to_owned());
    if let Some(member) = owner.member.as_ref().filter(|member| *member != ".") {
        text.push_str(&format!("#{member}"));
    }
    if let Some(stack) = &owner.stack {
        text.push_str(&format!(" {stack}"));
    }
    printable(&text, 200)
}

/// As data.
pub(super) fn json(entry: &Entry) -> Value {
    let owner = entry.owner.clone().unwrap_or_default();
    let name = match &entry.slot {
        Slot::Shared(name) | Slot::Environment(_, name) => Some(name.as_str()),
        Slot::Layers(_) => None,
    };
    let used = i64::try_from(entry.used).ok().and_then(|used| DateTime::from_timestamp(used, 0));
    json!({
        "entry": entry.slot.to_string(),
        "name": name,
        "scope": entry.slot.scope(),
        "size": entry.size.bytes,
        "size_is_least": !entry.size.whole,
        "used": used.map(|used| used.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "in_use": entry.in_use,
        "workspace": owner.workspace,
        "workspace_gone": entry.gone,
        "member": owner.member,
        "stack": owner.stack,
        "environment": owner.environment,
        "managed": owner.managed,
        "volumes": entry.volumes.as_ref().map(|volumes| json!({ "engine": volumes.engine, "names": volumes.names })),
    })
}

/// A span of time in the largest unit that it fills.
fn ago(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}

/// `1 cache`, `2 caches`.
pub(super) fn count(number: usize) -> String {
    format!("{number} cache{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::ago;

    #[test]
    fn spans() {
        for (seconds, expected) in
            [(59, "just now"), (60, "1 minute ago"), (7_300, "2 hours ago"), (86_400 * 400, "400 days ago")]
        {
            assert_eq!(ago(seconds), expected);
        }
    }
}
