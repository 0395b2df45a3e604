//! The Dockerfile's text.
//!
//! Invariant: what all stacks share comes first, then a part for each stack, so that a change of one stack leaves the text
//! of the others, and the layers before it, as they were.

use std::fmt::Write;

use devflow_oci::ImageRef;

use super::error::ComposeError;
use super::part::{Part, Work};
use super::quote::{json, value};

/// Where the files are that steps read.
const FILES: &str = "/opt/devflow";

/// The user `dwf`, by a number that a host can compare.
const USER: u32 = 1001;

/// Writes the text.
pub(super) fn dockerfile(
    base: &ImageRef,
    packages: &[String],
    parts: &[Part<'_>],
    pinned: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ComposeError> {
    let mut text = String::from(
        "# Composed by dwf of what the extensions say that their stacks need.\n\
         # hadolint global ignore=DL3008,DL3059\n\
         # DL3008: mirrors forget old versions of packages; what is pinned is the image, by its fingerprint.\n\
         # DL3059: each step is a list of words of its own, so that no shell comes between.\n",
    );
    for part in parts {
        for (number, from) in (1..).zip(part.images()) {
            let (comment, name) = pin(from, pinned)?;
            let _ = write!(text, "\n{comment}FROM {name} AS {}\n", stage(part, number));
        }
    }
    let (comment, name) = pin(base, pinned)?;
    let _ = write!(text, "\n{comment}FROM {name}\n\n");
    text.push_str(&common(packages));
    for part in parts {
        let body = body(part);
        if !body.is_empty() {
            let _ = write!(text, "\n# {}\n{body}", part.stack);
        }
    }
    let _ = write!(text, "\nUSER {USER}\n");
    for part in parts {
        for probe in &part.probes {
            let _ = writeln!(text, "RUN {}", json(*probe));
        }
    }
    // These names are what tools look for, and hold for every checkout: nothing of the project is in them.
    let mut label = format!("LABEL org.opencontainers.image.base.name={}", quoted(&base_name(base)));
    if let Some((_, digest)) = name.split_once('@') {
        let _ = write!(label, " \\\n      org.opencontainers.image.base.digest={}", quoted(digest));
    }
    let _ = write!(
        text,
        "\n{label}\nWORKDIR /workspace\nENTRYPOINT [\"/usr/bin/tini\", \"--\"]\nCMD [\"bash\"]\n"
    );
    Ok(text)
}

/// An image as `FROM` takes it, after a comment with its name where a digest hides that.
fn pin(image: &ImageRef, pinned: &dyn Fn(&str) -> Option<String>) -> Result<(String, String), ComposeError> {
    let name = image.to_string();
    let pinned = match image.digest() {
        Some(_) => image.clone(),
        None => match pinned(&name) {
            Some(digest) => {
                image.with_digest(&digest).map_err(|_| ComposeError::Digest { image: name, digest })?
            }
            None => return Ok((String::new(), name)),
        },
    };
    Ok((format!("# {}\n", base_name(image)), pinned.for_engine()))
}

/// The image's name without a digest.
fn base_name(image: &ImageRef) -> String {
    match image.tag() {
        Some(tag) => format!("{}:{tag}", image.repository()),
        None => image.repository().to_owned(),
    }
}

/// Names of images have nothing in them that needs more than quotes.
fn quoted(text: &str) -> String {
    value(text).unwrap_or_default()
}

fn stage(part: &Part<'_>, number: usize) -> String {
    format!("from-{}-{number}", part.stack)
}

fn common(packages: &[String]) -> String {
    let mut text = String::from(
        "RUN apt-get update \\\n && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\\n",
    );
    for package in packages {
        let _ = writeln!(text, "      {package} \\");
    }
    text.push_str(" && rm -rf /var/lib/apt/lists/* \\\n");
    let _ = writeln!(text, " && useradd --uid {USER} --create-home --shell /bin/bash dwf");
    text
}

fn body(part: &Part<'_>) -> String {
    let mut text = String::new();
    for (number, (_, paths)) in (1..).zip(&part.copies) {
        for path in paths {
            let _ = writeln!(text, "COPY --from={} {}", stage(part, number), json([path, path]));
        }
    }
    for [target, link] in part.links.iter().copied() {
        let _ = writeln!(text, "RUN {}", json(["ln", "-s", "--", target, link]));
    }
    let mut variables: Vec<String> = part.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !part.path.is_empty() {
        variables.push(format!("PATH=\"{}:${{PATH}}\"", part.path.join(":")));
    }
    if !variables.is_empty() {
        let _ = writeln!(text, "ENV {}", variables.join(" \\\n    "));
    }
    for (number, work) in (1..).zip(&part.work) {
        let folder = format!("{FILES}/{}/{number}", part.stack);
        text.push_str(&steps(work, &folder));
    }
    text
}

/// What is run, as the user it is for; afterwards all is again as it was.
fn steps(work: &Work<'_>, folder: &str) -> String {
    let mut text = String::new();
    for (file, source) in &work.files {
        let _ = writeln!(text, "COPY {}", json([source.as_str(), &format!("{folder}/{file}")]));
    }
    if !work.files.is_empty() {
        let _ = writeln!(text, "WORKDIR {folder}");
    }
    let mut root = true;
    for (words, by_root) in &work.steps {
        if root != *by_root {
            root = *by_root;
            let _ = writeln!(text, "USER {}", if root { 0 } else { USER });
        }
        let _ = writeln!(text, "RUN {}", json(*words));
    }
    if !root {
        text.push_str("USER 0\n");
    }
    if !work.files.is_empty() {
        text.push_str("WORKDIR /\n");
    }
    text
}
