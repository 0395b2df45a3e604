//! What an image for a member needs.
//!
//! Invariant: pure; every version is one that the project names, or a default that stands here.

use devflow_protocol::message::{Copy, Image, ImageOption, ImageStep};

use crate::facts::Facts;
use crate::manager::Manager;

/// The major version of Node where the project does not ask for one.
const NODE: u32 = 22;
/// The one that Debian 12 has.
const DEBIAN: u32 = 18;

/// The image.
pub(crate) fn image(facts: &Facts) -> Image {
    let wanted = wanted(facts);
    let mut extra = Vec::new();
    if facts.lock.as_ref().is_some_and(|lock| lock.git) {
        extra.push("git".to_owned());
    }
    if facts.names.contains("binding.gyp") {
        extra.extend(["g++", "make", "python3"].map(str::to_owned));
    }
    let npm = "/usr/local/lib/node_modules/npm/bin";
    let probe = |programs: &[&str]| {
        programs.iter().map(|name| vec![(*name).to_owned(), "--version".to_owned()]).collect()
    };
    let link = |name: &str| [format!("{npm}/{name}-cli.js"), format!("/usr/local/bin/{name}")];
    let mut programs = vec!["node", "npm"];
    if facts.manager != Manager::Npm {
        programs.push(facts.manager.program());
    }
    let steps: Vec<ImageStep> = manager(facts)
        .map(|package| ImageStep {
            run: ["npm", "install", "--global", "--no-audit", "--no-fund", &package]
                .map(str::to_owned)
                .to_vec(),
            user: Some("root".to_owned()),
        })
        .into_iter()
        .collect();
    let mut options = vec![ImageOption {
        source: "images".to_owned(),
        packages: [vec!["libstdc++6".to_owned()], extra.clone()].concat(),
        copy: vec![Copy {
            from: format!("docker.io/library/node:{}-bookworm-slim", wanted.tag),
            paths: ["/usr/local/bin/node", "/usr/local/lib/node_modules/npm"].map(str::to_owned).to_vec(),
        }],
        links: vec![link("npm"), link("npx")],
        steps: steps.clone(),
        probe: probe(&programs),
        ..ImageOption::default()
    }];
    if wanted.debian {
        options.push(ImageOption {
            source: "distribution".to_owned(),
            packages: [vec!["nodejs".to_owned(), "npm".to_owned()], extra].concat(),
            steps,
            probe: probe(&programs),
            ..ImageOption::default()
        });
    }
    Image { base: vec!["debian:bookworm".to_owned()], options }
}

/// A version of Node.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    /// The tag of the official image, without its suffix.
    tag: String,
    /// Whether Debian's own will do.
    debian: bool,
}

fn wanted(facts: &Facts) -> Wanted {
    let file = facts.node.as_deref().map(|text| text.trim_start_matches('v'));
    if let Some(version) = file.filter(|text| is_version(text)) {
        return Wanted { tag: version.to_owned(), debian: version == DEBIAN.to_string() };
    }
    let range = facts.packages_json().find_map(|package| package.node.as_deref()).unwrap_or_default();
    let digits = range.trim_start_matches(['^', '~', '=', '>', 'v', ' ']);
    let major =
        digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse::<u32>().ok());
    let open = range.starts_with(">=");
    match major {
        None => Wanted { tag: NODE.to_string(), debian: true },
        Some(major) if open => {
            // Debian's minor version is not the newest either.
            Wanted { tag: major.max(NODE).to_string(), debian: (major, minor(digits)) <= (DEBIAN, 20) }
        }
        Some(major) => Wanted { tag: major.to_string(), debian: major == DEBIAN && minor(digits) <= 20 },
    }
}

fn minor(version: &str) -> u32 {
    let digits = version.split('.').nth(1).unwrap_or_default().split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|minor| minor.parse().ok()).unwrap_or(0)
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() <= 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.len() < 5 && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The package of npm that brings the manager.
fn manager(facts: &Facts) -> Option<String> {
    let named =
        facts.top.as_ref().or(facts.package.as_ref()).and_then(|package| package.package_manager.as_deref());
    let version = named
        .and_then(|text| text.strip_prefix(facts.manager.program())?.strip_prefix('@'))
        .filter(|version| version.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)));
    let (package, default) = match facts.manager {
        Manager::Npm => return version.map(|version| format!("npm@{version}")),
        Manager::Pnpm { .. } => ("pnpm", "10"),
        Manager::YarnClassic => ("yarn", "1.22.22"),
        Manager::YarnBerry { .. } => ("@yarnpkg/cli-dist", "4"),
        Manager::Bun => ("bun", "1"),
    };
    Some(format!("{package}@{}", version.unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::facts;

    #[test]
    fn versions_of_node() {
        for (file, engines, tag, debian) in [
            (Some("v20.11.1"), ">=18", "20.11.1", false),
            (Some("18"), "", "18", true),
            (Some("lts/*"), "", "22", true),
            (None, ">=18.18", "22", true),
            (None, ">=18.21", "22", false),
            (None, ">=24.1", "24", false),
            (None, "^18.0.0 || >=20", "18", true),
            (None, "20.x", "20", false),
        ] {
            let mut facts = facts(&format!(r#"{{"engines":{{"node":"{engines}"}}}}"#));
            facts.node = file.map(str::to_owned);
            assert_eq!(wanted(&facts), Wanted { tag: tag.to_owned(), debian }, "{file:?} {engines}");
        }
    }

    #[test]
    fn managers() {
        let with = |manager, named: &str| {
            manager_of(Facts { manager, ..facts(&format!(r#"{{"packageManager":"{named}"}}"#)) })
        };
        fn manager_of(facts: Facts) -> String {
            manager(&facts).unwrap_or_default()
        }
        assert_eq!(with(Manager::Npm, ""), "");
        assert_eq!(with(Manager::Pnpm { major: Some(9) }, "pnpm@9.15.0+sha512.x"), "pnpm@9.15.0");
        assert_eq!(with(Manager::YarnBerry { pnp: false }, "yarn@4.5.0"), "@yarnpkg/cli-dist@4.5.0");
        assert_eq!(with(Manager::YarnClassic, ""), "yarn@1.22.22");
        assert_eq!(with(Manager::Bun, "bun@1;rm"), "bun@1");
    }
}
