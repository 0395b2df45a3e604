//! What an engine says when it sees nothing at the path that it is to mount.
//!
//! Invariant: only the engine's own words count, at the end of what its client printed.

/// The path, where this line is such a complaint.
#[must_use]
pub fn source(line: &str) -> Option<String> {
    let docker = || line.split_once("bind source path does not exist: ").map(|(_, path)| path);
    let podman = || {
        let path = line.strip_prefix("Error: statfs ").or_else(|| line.strip_prefix("Error: stat "))?;
        path.strip_suffix(": no such file or directory")
    };
    // Docker's client adds where help is to be had, on the same line or the next.
    let path = docker().or_else(podman)?.split("\nSee '").next().unwrap_or_default();
    Some(path.trim_end_matches('.').to_owned()).filter(|path| path.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn words() {
        for (line, path) in [
            (
                "docker: Error response from daemon: invalid mount config for type \"bind\": bind source path does not \
                 exist: /w/a b.",
                Some("/w/a b"),
            ),
            (
                "docker: Error response from daemon: invalid mount config for type \"bind\": bind source path does not \
                 exist: /w/a",
                Some("/w/a"),
            ),
            ("Error: statfs /w/a: no such file or directory", Some("/w/a")),
            ("Error: stat /w/a: no such file or directory", Some("/w/a")),
            ("Error: statfs a: no such file or directory", None),
            ("See 'docker run --help'.", None),
            ("", None),
        ] {
            assert_eq!(source(line).as_deref(), path, "{line}");
        }
    }
}
