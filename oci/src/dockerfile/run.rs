//! What a RUN sees of the context: nothing, unless it mounts it.

use super::{Unclear, flags};

/// Fails unless it sees nothing.
pub(super) fn check(text: &str) -> Result<(), Unclear> {
    let (flags, command) = flags(text);
    for flag in flags {
        match flag.split_once('=') {
            Some(("mount", mount)) => check_mount(mount)?,
            Some(("network" | "security" | "device", _)) => {}
            _ => return Err(Unclear(format!("RUN has the flag --{flag}"))),
        }
    }
    match command.contains("<<") {
        true => Err("RUN may have a here-document".into()),
        false => Ok(()),
    }
}

fn check_mount(mount: &str) -> Result<(), Unclear> {
    if mount.contains(['"', '$']) {
        return Err("RUN has a mount with a variable or quotes".into());
    }
    let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
    let kind =
        fields.clone().find(|(key, _)| key.eq_ignore_ascii_case("type")).map_or("bind", |(_, kind)| kind);
    match kind.to_ascii_lowercase().as_str() {
        "cache" | "tmpfs" | "secret" | "ssh" => Ok(()),
        "bind" if fields.any(|(key, from)| key.eq_ignore_ascii_case("from") && !from.is_empty()) => Ok(()),
        _ => Err("RUN mounts the context".into()),
    }
}
