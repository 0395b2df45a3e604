//! What an image for a member needs.
//!
//! Invariant: pure; every version is one that the project names, or a default that stands in a
//! constant. A manager lies in a folder that has its version in its name, so that two members that
//! ask for two versions contradict each other instead of overwriting each other.

use devflow_protocol::message::{Copy, Image, ImageOption, ImageStep};

use crate::facts::Facts;
use crate::manager::Manager;
use crate::node::{self, Node};

/// Managers of projects that do not name a version: the last that writes the lock that is there.
const PNPM: [(u32, &str); 3] = [(9, "10.34.9"), (6, "8.15.9"), (0, "7.33.7")];
const YARN: [(u32, &str); 4] = [(9, "4.18.1"), (8, "4.12.0"), (5, "3.8.7"), (0, "2.4.2")];
const YARN_CLASSIC: &str = "1.22.22";
const BUN: &str = "1.4.5";

/// The image.
pub(crate) fn image(facts: &Facts, node: &Node) -> Image {
    let manager = Package::of(facts);
    let packaged = node.debian && manager.as_ref().is_none_or(Package::runs_on_debian);
    let options = [
        node.tag.as_deref().map(|tag| images(tag, facts, manager.as_ref())),
        packaged.then(|| distribution(facts, manager.as_ref())),
    ];
    Image { base: words(["debian:bookworm"]), options: options.into_iter().flatten().collect() }
}

/// Why there is no image, or none from Debian's packages, if so.
pub(crate) fn lacks(facts: &Facts, node: &Node) -> Option<String> {
    let too_new = || {
        let Package { name, version, .. } = Package::of(facts).filter(|package| !package.runs_on_debian())?;
        Some(format!("no image from packages of Debian: {name} {version} does not run on its Node"))
    };
    node::lacks(node).or_else(too_new)
}

fn images(tag: &str, facts: &Facts, manager: Option<&Package>) -> ImageOption {
    let npm = "node /usr/local/lib/node_modules/npm/bin/npm-cli.js";
    let mut option = finish(facts, manager, npm, &["libatomic1", "libstdc++6"]);
    if manager.is_none_or(|package| package.name != "npm") {
        let link = |name| {
            let target = format!("../lib/node_modules/npm/bin/{name}-cli.js");
            [target, format!("/usr/local/bin/{name}")]
        };
        option.links.extend(["npm", "npx"].map(link));
    }
    // Node's own list of authorities knows none that a company added to the system's.
    let authorities = "/etc/ssl/certs/ca-certificates.crt".to_owned();
    let env = "NODE_EXTRA_CA_CERTS".parse().map(|name| (name, authorities)).into_iter().collect();
    ImageOption {
        source: "images".to_owned(),
        env,
        copy: vec![Copy {
            from: format!("docker.io/library/node:{tag}-bookworm-slim"),
            paths: words(["/usr/local/bin/node", "/usr/local/lib/node_modules/npm"]),
        }],
        ..option
    }
}

fn distribution(facts: &Facts, manager: Option<&Package>) -> ImageOption {
    let option = finish(facts, manager, "/usr/bin/npm", &["nodejs", "npm"]);
    ImageOption { source: "distribution".to_owned(), ..option }
}

/// What both ways share: more packages, the manager, and the proof.
fn finish(facts: &Facts, manager: Option<&Package>, npm: &str, packages: &[&str]) -> ImageOption {
    let mut packages = packages.to_vec();
    let lock = facts.lock.as_ref();
    let from_git = |range: &String| range.starts_with("git") || range.contains("git+");
    let mut ranges = facts.packages_json().flat_map(|package| package.dependencies.values());
    if lock.is_some_and(|lock| lock.git) || ranges.any(from_git) {
        packages.push("git");
    }
    // Compiled while it is installed, with node-gyp.
    if facts.names.contains("binding.gyp") || lock.is_some_and(|lock| lock.compiles) {
        packages.extend(["g++", "make", "python3"]);
    }
    packages.sort_unstable();
    let mut programs = vec!["node", "npm"];
    programs.extend(manager.map(|package| package.program).filter(|program| *program != "npm"));
    ImageOption {
        packages: packages.into_iter().map(str::to_owned).collect(),
        steps: manager.map(|package| package.step(npm)).into_iter().collect(),
        links: manager.map(Package::links).unwrap_or_default(),
        probe: programs.into_iter().map(|name| words([name, "--version"])).collect(),
        ..ImageOption::default()
    }
}

/// The package of npm that brings the manager.
#[derive(Debug, PartialEq, Eq)]
struct Package {
    name: &'static str,
    version: String,
    /// The manager, and the program beside it that runs packages.
    program: &'static str,
    beside: &'static str,
}

impl Package {
    /// That of a member's manager; nothing for the npm that comes with Node.
    fn of(facts: &Facts) -> Option<Self> {
        let top = facts.top.as_ref().or(facts.package.as_ref());
        let named = top
            .and_then(|package| package.package_manager.as_deref())
            .and_then(|text| text.strip_prefix(facts.manager.program())?.strip_prefix('@'))
            .filter(|version| is_plain(version));
        let format = facts.lock.as_ref().and_then(|lock| lock.version);
        let of_lock = |table: &[(u32, &'static str)]| {
            let row = table.iter().find(|(least, _)| format.is_none_or(|format| format >= *least));
            row.map_or("latest", |(_, version)| *version)
        };
        let (name, default, beside) = match facts.manager {
            Manager::Npm => ("npm", named?, "npx"),
            Manager::Pnpm { .. } => ("pnpm", of_lock(&PNPM), "pnpx"),
            Manager::YarnClassic => ("yarn", YARN_CLASSIC, "yarnpkg"),
            Manager::YarnBerry { .. } => ("@yarnpkg/cli-dist", of_lock(&YARN), "yarnpkg"),
            Manager::Bun => ("bun", BUN, "bunx"),
        };
        let version = named.unwrap_or(default).to_owned();
        Some(Self { name, version, program: facts.manager.program(), beside })
    }

    fn folder(&self) -> String {
        format!("/opt/{}-{}", self.program, self.version)
    }

    /// The installation by npm. One step is one layer: what it leaves behind stays in the image.
    fn step(&self, npm: &str) -> ImageStep {
        let options = "--global --no-audit --no-fund --cache /tmp/npm";
        let (folder, package) = (self.folder(), format!("{}@{}", self.name, self.version));
        let line = format!("{npm} install {options} --prefix {folder} {package} && rm -rf /tmp/npm");
        ImageStep { run: words(["sh", "-c", &line]), user: Some("root".to_owned()) }
    }

    fn links(&self) -> Vec<[String; 2]> {
        let link = |name| [format!("{}/bin/{name}", self.folder()), format!("/usr/local/bin/{name}")];
        [self.program, self.beside].map(link).into()
    }

    /// Whether it runs on Debian's Node.
    fn runs_on_debian(&self) -> bool {
        let major = self.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        match self.name {
            "npm" => major.is_none_or(|major| major < 11),
            "pnpm" => major.is_none_or(|major| major != 11),
            _ => true,
        }
    }
}

fn is_plain(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Lock;
    use crate::samples::facts;

    fn of(package: &str, manager: Manager, version: Option<u32>) -> String {
        let lock = Some(Lock { version, ..Lock::default() });
        let package = Package::of(&Facts { manager, lock, ..facts(package) });
        package.map(|package| format!("{}@{}", package.name, package.version)).unwrap_or_default()
    }

    #[test]
    fn managers() {
        let pnpm = Manager::Pnpm { major: None };
        let berry = Manager::YarnBerry { pnp: false };
        for (named, manager, version, expected) in [
            ("", Manager::Npm, Some(3), ""),
            ("npm@10.9.0", Manager::Npm, None, "npm@10.9.0"),
            ("pnpm@9.15.0", pnpm, Some(9), "pnpm@9.15.0"),
            ("", pnpm, Some(9), "pnpm@10.34.9"),
            ("", pnpm, Some(6), "pnpm@8.15.9"),
            ("", pnpm, Some(5), "pnpm@7.33.7"),
            ("", pnpm, None, "pnpm@10.34.9"),
            ("yarn@4.5.0", berry, Some(8), "@yarnpkg/cli-dist@4.5.0"),
            ("", berry, Some(8), "@yarnpkg/cli-dist@4.12.0"),
            ("", berry, Some(6), "@yarnpkg/cli-dist@3.8.7"),
            ("", berry, Some(10), "@yarnpkg/cli-dist@4.18.1"),
            ("", Manager::YarnClassic, None, "yarn@1.22.22"),
            ("bun@1;rm", Manager::Bun, None, "bun@1.4.5"),
            ("bun@--x", Manager::Bun, None, "bun@1.4.5"),
        ] {
            let package = format!(r#"{{"packageManager":"{named}"}}"#);
            assert_eq!(of(&package, manager, version), expected, "{named}");
        }
    }

    fn answer(facts: &Facts) -> Vec<ImageOption> {
        image(facts, &node::wanted(facts)).options
    }

    #[test]
    fn npm_alone_is_copied_and_linked() {
        let options = answer(&facts("{}"));
        let [images, debian] = &options[..] else { panic!("{options:?}") };
        assert_eq!(images.copy[0].from, "docker.io/library/node:24.19.0-bookworm-slim");
        let target = "../lib/node_modules/npm/bin/npm-cli.js";
        assert_eq!(images.links[0], [target, "/usr/local/bin/npm"]);
        assert_eq!(images.packages, ["libatomic1", "libstdc++6"]);
        assert!(images.env.contains_key(&"NODE_EXTRA_CA_CERTS".parse().unwrap()) && debian.env.is_empty());
        assert_eq!(debian.packages, ["nodejs", "npm"]);
        assert!(images.steps.is_empty() && debian.steps.is_empty() && debian.links.is_empty());
        assert_eq!(debian.probe, [["node", "--version"], ["npm", "--version"]]);
    }

    #[test]
    fn managers_have_folders_of_their_own() {
        let package = r#"{"packageManager":"pnpm@9.15.0"}"#;
        let options = answer(&Facts { manager: Manager::Pnpm { major: Some(9) }, ..facts(package) });
        let install =
            "install --global --no-audit --no-fund --cache /tmp/npm --prefix /opt/pnpm-9.15.0 pnpm@9.15.0";
        let line = |option: &ImageOption| option.steps[0].run.join(" ");
        assert_eq!(line(&options[1]), format!("sh -c /usr/bin/npm {install} && rm -rf /tmp/npm"));
        assert!(line(&options[0]).contains(&format!("npm-cli.js {install} && ")));
        for option in &options {
            let link = ["/opt/pnpm-9.15.0/bin/pnpm", "/usr/local/bin/pnpm"];
            assert!(option.links.iter().any(|other| *other == link), "{:?}", option.links);
            assert_eq!(option.probe[2], ["pnpm", "--version"]);
        }
        let options = answer(&facts(r#"{"packageManager":"npm@10.9.0"}"#));
        assert_eq!(options[0].links[0], ["/opt/npm-10.9.0/bin/npm", "/usr/local/bin/npm"]);
        assert_eq!(options[0].links.len(), 2);
    }

    #[test]
    fn debian_is_left_out_where_its_node_will_not_do() {
        for (package, manager, options, reason) in [
            (r#"{"engines":{"node":">=20"}}"#, Manager::Npm, 1, "engines.node in package.json says >=20"),
            (r#"{"engines":{"node":"^4"}}"#, Manager::Npm, 0, "no image: "),
            (r#"{"packageManager":"npm@11.1.0"}"#, Manager::Npm, 1, "npm 11.1.0 does not run"),
            (r#"{"packageManager":"pnpm@11.0.0"}"#, Manager::Pnpm { major: Some(11) }, 1, "pnpm 11.0.0"),
            ("{}", Manager::Npm, 2, ""),
        ] {
            let facts = Facts { manager, ..facts(package) };
            assert_eq!(answer(&facts).len(), options, "{package}");
            let told = lacks(&facts, &node::wanted(&facts)).unwrap_or_default();
            assert!(told.contains(reason) && told.is_empty() == reason.is_empty(), "{package}: {told}");
        }
    }

    #[test]
    fn what_is_compiled_needs_a_compiler() {
        let mut facts = facts(r#"{"dependencies":{"a":"github:b/c"}}"#);
        facts.names.insert("binding.gyp".to_owned());
        let options = answer(&facts);
        assert_eq!(options[1].packages, ["g++", "git", "make", "nodejs", "npm", "python3"]);
    }
}
