//! The Node that a member asks for.
//!
//! Invariant: pure; what is offered is what was asked for, and what nobody can tell is not guessed.

use nodejs_semver::{Range, Version};

use crate::facts::Facts;

/// The Node of members that do not ask for one.
const DEFAULT: &str = "24.19.0";
/// The one of Debian 12.
const DEBIAN: &str = "18.20.4";
/// Major versions that have official images of Debian 12; the first that is in a range is taken.
const MAJORS: [u64; 11] = [24, 22, 20, 18, 26, 25, 23, 21, 19, 16, 17];
/// No major version has that many minor ones, and no minor one that many patches.
const NEWEST: u64 = 9999;

/// What a member gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// The tag of the official image, without its suffix; none where nobody can tell.
    pub(crate) tag: Option<String>,
    /// Whether Debian's own will do.
    pub(crate) debian: bool,
    /// Which file asks for what.
    pub(crate) asked: Option<String>,
}

/// The Node that the files of a member and its workspace ask for: the version that developers use
/// before the range that the package supports.
pub(crate) fn wanted(facts: &Facts) -> Node {
    match text(facts) {
        None => Node { tag: Some(DEFAULT.to_owned()), debian: true, asked: None },
        Some((file, text)) => Node { asked: Some(format!("{file} says {text}")), ..named(text) },
    }
}

/// The version or range that is asked for, and which file does.
pub(crate) fn text(facts: &Facts) -> Option<(&str, &str)> {
    let plain = facts.node.as_ref().map(|(file, text)| (file.as_str(), text.as_str()));
    let volta = facts.packages_json().find_map(|package| package.volta.as_deref());
    let engines = facts.packages_json().find_map(|package| package.node.as_deref());
    let of_package = volta
        .map(|text| ("volta.node in package.json", text))
        .or(engines.map(|text| ("engines.node in package.json", text)));
    plain.or(of_package)
}

fn named(text: &str) -> Node {
    let tag = |tag: &str, debian| Node { tag: Some(tag.to_owned()), debian, asked: None };
    match text {
        "" | "*" | "x" => return tag(DEFAULT, true),
        "lts/*" | "lts" | "--lts" => return tag("lts", false),
        "node" | "current" | "latest" | "stable" => return tag("current", false),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("lts/") {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
        return if plain { tag(&name.to_ascii_lowercase(), false) } else { Node::default() };
    }
    let Ok(range) = text.parse::<Range>() else { return Node::default() };
    let has = |text: &str| text.parse::<Version>().is_ok_and(|version| range.satisfies(&version));
    let debian = has(DEBIAN);
    let version = text.trim_start_matches(['v', '=']);
    if is_version(version) {
        return tag(version, debian);
    }
    if has(DEFAULT) {
        return tag(DEFAULT, debian);
    }
    let newest_of = |major: &&u64| range.satisfies(&Version::from((**major, NEWEST, NEWEST)));
    if let Some(major) = MAJORS.iter().find(newest_of) {
        return tag(&major.to_string(), debian);
    }
    // `~20.11.1` and the like: the newest patch, or the very version.
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    let words: Vec<&str> = words.filter(|word| is_version(word) && word.contains('.')).collect();
    let minor = |word: &&str| word.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let mut newest_of = words.iter().map(minor).filter(|minor| has(&format!("{minor}.{NEWEST}")));
    let version = newest_of.next().or_else(|| words.iter().find(|word| has(word)).map(ToString::to_string));
    Node { tag: version, debian, asked: None }
}

fn is_version(text: &str) -> bool {
    let is_part = |part: &str| (1..5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split('.').count() <= 3 && text.split('.').all(is_part)
}

/// Why there is no image, or none from Debian's packages, if so.
pub(crate) fn lacks(node: &Node) -> Option<String> {
    let asked = node.asked.as_deref().filter(|_| !node.debian)?;
    Some(match node.tag {
        Some(_) => format!("no image from packages of Debian: {asked}, and Debian has Node {DEBIAN}"),
        None => format!("no image: {asked}, and no version is known that this means"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::facts;

    #[test]
    fn versions_of_node() {
        for (text, tag, debian) in [
            ("", "24.19.0", true),
            ("*", "24.19.0", true),
            ("20.11.1", "20.11.1", false),
            ("v18.20.4", "18.20.4", true),
            ("=18.20.4", "18.20.4", true),
            ("18.20.5", "18.20.5", false),
            ("18", "18", true),
            ("20.11", "20.11", false),
            ("lts/*", "lts", false),
            ("lts/Jod", "jod", false),
            ("node", "current", false),
            (">=18.18", "24.19.0", true),
            (">= 18.21.0", "24.19.0", false),
            (">=24.20", "24", false),
            (">=18 <21", "20", true),
            (">=18 <24", "22", true),
            ("<=20", "20", true),
            ("18 - 20.10", "18", true),
            ("^18.0.0 || ^20.0.0", "20", true),
            ("^20.9.0", "20", false),
            ("20.x", "20", false),
            ("20.11.x", "20.11", false),
            ("~20.11.1", "20.11", false),
            ("20.11.1 || 20.11.0", "20.11.1", false),
            (">=26.1", "26", false),
            ("^14", "", false),
            ("lts/../x", "", false),
            ("iojs-3", "", false),
            ("system", "", false),
        ] {
            let expected = Node { tag: (!tag.is_empty()).then(|| tag.to_owned()), debian, asked: None };
            assert_eq!(named(text), expected, "{text}");
        }
        let version = DEFAULT.parse::<Version>().unwrap();
        assert_eq!(version.major(), MAJORS[0]);
    }

    #[test]
    fn the_version_in_use_counts_before_the_range_that_is_supported() {
        let package = r#"{"engines":{"node":">=18"},"volta":{"node":"20.11.1"}}"#;
        let mut facts = facts(package);
        assert_eq!(wanted(&facts).tag.as_deref(), Some("20.11.1"));
        facts.node = Some((".nvmrc".to_owned(), "22".to_owned()));
        let node = wanted(&facts);
        assert_eq!(node.tag.as_deref(), Some("22"));
        let told = "no image from packages of Debian: .nvmrc says 22, and Debian has Node 18.20.4";
        assert_eq!(lacks(&node).as_deref(), Some(told));
        facts.node = Some((".nvmrc".to_owned(), "what".to_owned()));
        let told = "no image: .nvmrc says what, and no version is known that this means";
        assert_eq!(lacks(&wanted(&facts)).as_deref(), Some(told));
    }
}
