//! The space that images take.
//!
//! Invariant: a layer that images share counts once, and where it is not known how large a shared part is, it is taken for
//! as large as it can be: what is said to be freed is never more than what is.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::engine::{Engine, EngineKind};
use crate::hash::is_sha256;
use crate::image::Image;
use crate::invocation::Invocation;

/// Bytes of the layers that only images of `gone` have, when those of `left` stay.
#[must_use]
pub fn freed(gone: &[Image], left: &[Image]) -> u64 {
    let one = |(at, image): (usize, &Image)| {
        // Those before it are gone already.
        let others = || gone[at + 1..].iter().chain(left);
        let shared = others().map(|other| in_common(image, other)).max().unwrap_or(0);
        let has = |other: &&Image| in_common(image, other) >= shared;
        let size = others().filter(has).map(|other| other.size).min().unwrap_or(0);
        if shared == 0 { image.size } else { image.size.saturating_sub(size) }
    };
    gone.iter().enumerate().map(one).sum()
}

/// How many of their lowest layers are the same.
fn in_common(a: &Image, b: &Image) -> usize {
    a.layers.iter().zip(&b.layers).take_while(|(a, b)| a == b).count()
}

/// Asks for the ids of all images that have a name or could have one.
#[must_use]
pub fn ids(engine: &Engine) -> Invocation {
    engine.command(["images", "--quiet", "--no-trunc"])
}

/// Reads what [`ids`] printed, each once.
#[must_use]
pub fn parse_ids(stdout: &str) -> BTreeSet<String> {
    let ids = stdout.lines().map(|line| line.trim().trim_start_matches("sha256:"));
    ids.filter(|id| is_sha256(id)).map(|id| format!("sha256:{id}")).collect()
}

/// Asks what the engine keeps of builds beside its images; `None` where that is images, too.
#[must_use]
pub fn build_cache(engine: &Engine) -> Option<Invocation> {
    let question = || engine.command(["system", "df", "--format={{json .}}"]);
    (engine.kind == EngineKind::Docker).then(question)
}

/// The command by which a person removes what is kept of builds.
#[must_use]
pub fn build_cache_cure(engine: &Engine) -> String {
    format!("{} builder prune", engine.kind)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    r#type: String,
    size: String,
}

/// Reads what [`build_cache`] printed: bytes, as exact as four digits.
#[must_use]
pub fn parse_build_cache(stdout: &str) -> Option<u64> {
    let mut rows = stdout.lines().filter_map(|line| serde_json::from_str::<Row>(line).ok());
    bytes(&rows.find(|row| row.r#type == "Build Cache")?.size)
}

/// `1.5kB` and the like.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..digits].parse().ok()?;
    let power = ["B", "kB", "MB", "GB", "TB", "PB"].iter().position(|unit| *unit == &text[digits..])?;
    let bytes = number * 1000_f64.powi(i32::try_from(power).ok()?);
    // Below the largest number that a float tells from the next.
    (0.0..9e15).contains(&bytes).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::{build_cache, bytes, freed, ids, parse_build_cache, parse_ids};
    use crate::engine::{Engine, EngineKind};
    use crate::image::Image;
    use crate::version::Version;

    fn image(layers: &str, size: u64) -> Image {
        let layers = layers.chars().map(String::from).collect();
        Image { layers, size, ..Image::default() }
    }

    #[test]
    fn layers_count_once() {
        let base = image("b", 70);
        let [one, two, three] = [image("bx", 75), image("bxy", 76), image("bz", 90)];
        let check = |gone: &[&Image], left: &[&Image]| {
            let owned = |list: &[&Image]| list.iter().map(|&image| image.clone()).collect::<Vec<_>>();
            freed(&owned(gone), &owned(left))
        };
        assert_eq!(check(&[], &[&base]), 0);
        assert_eq!(check(&[&one], &[&base]), 5);
        assert_eq!(check(&[&one], &[&base, &two]), 0);
        assert_eq!(check(&[&two], &[&base, &one]), 1);
        assert_eq!(check(&[&one, &two, &three], &[&base]), 26);
        assert_eq!(check(&[&three, &two, &one], &[&base]), 26);
        assert_eq!(check(&[&base, &one], &[]), 75);
        // The same layers by another id.
        assert_eq!(check(&[&one, &one.clone()], &[&base]), 5);
        // Nobody says how large the part is that both have: at least one byte.
        assert_eq!(check(&[&three], &[&two]), 14);
        assert_eq!(check(&[&one], &[&image("c", 3)]), 75);
        assert_eq!(check(&[&image("", 0)], &[&image("", 0)]), 0);
    }

    #[test]
    fn build_caches() {
        let docker = Engine::new(EngineKind::Docker, "docker", Version::default());
        let line = build_cache(&docker).map(|question| question.to_string());
        assert_eq!(line.as_deref(), Some("docker system df '--format={{json .}}'"));
        assert!(build_cache(&Engine { kind: EngineKind::Podman, ..docker.clone() }).is_none());
        let id = "a".repeat(64);
        let found = parse_ids(&format!("sha256:{id}\n{id}\n\nx\n"));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [format!("sha256:{id}")]);
        assert_eq!(ids(&docker).to_string(), "docker images --quiet --no-trunc");
        let text = "{\"Size\":\"1GB\",\"Type\":\"Images\"}\n{\"Active\":\"0\",\"Size\":\"10.5MB\",\"Type\":\"Build Cache\"}\n";
        assert_eq!(parse_build_cache(text), Some(10_500_000));
        for (text, expected) in
            [("0B", Some(0)), ("396B", Some(396)), ("1.5kB", Some(1500)), ("2.473GB", Some(2_473_000_000))]
        {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for text in ["", "B", "1", "1 GB", "-1B", "1e9B", "9999999PB", "1.2.3B"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
