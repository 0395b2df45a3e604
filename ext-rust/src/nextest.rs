//! What `.config/nextest.toml` says about reports.

use toml::Table;

use crate::manifest;

/// The profile that cargo-nextest takes when none is named.
pub(crate) const DEFAULT: &str = "default";

/// Where the profile's JUnit report is written, relative to the workspace's root. It does not
/// follow `CARGO_TARGET_DIR`.
pub(crate) fn junit(config: &Table, profile: &str) -> Option<String> {
    let profiles = manifest::table(config, &["profile"])?;
    let own = |name: &str| {
        let junit = manifest::table(profiles, &[name, "junit"])?;
        manifest::text(junit, "path").map(str::to_owned)
    };
    let mut name = profile;
    let mut path = own(name);
    for _ in 0..16 {
        if path.is_some() {
            break;
        }
        let parent = manifest::table(profiles, &[name]).and_then(|table| manifest::text(table, "inherits"));
        name = parent.unwrap_or(DEFAULT);
        path = own(name);
    }
    let store = manifest::table(config, &["store"]).and_then(|store| manifest::text(store, "dir"));
    Some(format!("{}/{profile}/{}", store.unwrap_or("target/nextest"), path?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_profiles() {
        let plain = "[profile.ci.junit]\npath = 'j.xml'\n[profile.child]\ninherits = 'ci'\n[profile.other]\n";
        let default = "[store]\ndir = 'out'\n[profile.default]\njunit = { path = 'd/j.xml' }\n";
        for (text, profile, path) in [
            (plain, "ci", Some("target/nextest/ci/j.xml")),
            (plain, "child", Some("target/nextest/child/j.xml")),
            (plain, "other", None),
            (plain, "default", None),
            (default, "default", Some("out/default/d/j.xml")),
            (default, "ci", Some("out/ci/d/j.xml")),
            ("", "default", None),
        ] {
            assert_eq!(junit(&text.parse().unwrap(), profile).as_deref(), path, "{profile} of {text}");
        }
    }
}
