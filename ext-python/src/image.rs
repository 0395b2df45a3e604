//! What an image for a Python project needs.
//!
//! Invariant: the interpreter is one that the project's own files ask for.

use devflow_protocol::message::{Copy, Image, ImageOption, ImageStep};

use crate::config::Manager;
use crate::facts::Facts;
use crate::project::Project;
use crate::words::owned;

/// The Python of Debian 12, which is also what is taken when nothing asks for another.
const DEBIAN: (u32, u32) = (3, 11);

/// What the image needs.
pub(crate) fn image(project: &Project) -> Image {
    let wanted = wanted(project);
    let version = wanted.unwrap_or(DEBIAN);
    let mut options = vec![official(project, version)];
    if version == DEBIAN {
        let packages = owned(["python3", "python3-pip", "python3-venv"]);
        options.push(ImageOption { source: "distribution".to_owned(), packages, ..finish(project) });
    }
    Image { base: owned(["debian:bookworm"]), options }
}

/// The interpreter's files out of the official image, and the libraries it is linked with.
fn official(project: &Project, (major, minor): (u32, u32)) -> ImageOption {
    let python = format!("python{major}.{minor}");
    let bin = format!("/usr/local/bin/{python}");
    let paths = vec![
        bin.clone(),
        format!("/usr/local/lib/{python}"),
        format!("/usr/local/lib/lib{python}.so.1.0"),
        format!("/usr/local/include/{python}"),
    ];
    let from = format!("docker.io/library/python:{major}.{minor}-slim-bookworm");
    let mut option = finish(project);
    option.links.insert(0, [python, "/usr/local/bin/python3".to_owned()]);
    option.steps.insert(0, ImageStep { run: owned(["ldconfig"]), user: Some("root".to_owned()) });
    let libraries = [
        "libbz2-1.0",
        "libexpat1",
        "libffi8",
        "liblzma5",
        "libncursesw6",
        "libreadline8",
        "libsqlite3-0",
        "libssl3",
        "libuuid1",
        "zlib1g",
    ];
    ImageOption {
        source: "images".to_owned(),
        packages: owned(libraries),
        copy: vec![Copy { from, paths }],
        ..option
    }
}

/// What both ways end with: the manager, in an environment of its own, and the proof.
fn finish(project: &Project) -> ImageOption {
    let mut option = ImageOption {
        probe: vec![owned(["python3", "-c", "import ensurepip, ssl, venv"])],
        ..Default::default()
    };
    if project.config.python() != "python3" {
        option.probe.push(owned([project.config.python(), "--version"]));
    }
    let tool = project.manager.name();
    if !matches!(project.manager, Manager::Pip | Manager::Hatch) {
        let home = format!("/opt/{tool}");
        let root = |run: Vec<String>| ImageStep { run, user: Some("root".to_owned()) };
        option.steps.push(root(owned(["python3", "-m", "venv", &home])));
        option.steps.push(root(owned([&format!("{home}/bin/pip"), "install", "--no-cache-dir", tool])));
        option.links.push([format!("{home}/bin/{tool}"), format!("/usr/local/bin/{tool}")]);
        option.probe.push(owned([tool, "--version"]));
    }
    option
}

/// The version that the project asks for, when it asks for one that is not Debian's.
fn wanted(project: &Project) -> Option<(u32, u32)> {
    let named =
        project.config.python.as_deref().and_then(|python| python.strip_prefix("python")).and_then(version);
    let file = project.facts.python_version.as_deref().and_then(version);
    named.or(file).or_else(|| requires(project.facts).filter(|least| *least > DEBIAN))
}

/// The lowest version that `requires-python` allows, where it says one.
pub(crate) fn requires(facts: &Facts) -> Option<(u32, u32)> {
    let pyproject = facts.package.pyproject.as_ref()?;
    let poetry = pyproject.text("tool.poetry.dependencies.python");
    let text = pyproject.text("project.requires-python").or(poetry)?;
    text.split(',').find_map(|part| {
        let part = part.trim();
        version(["~=", ">=", "==", "^", "~"].iter().find_map(|sign| part.strip_prefix(sign))?.trim())
    })
}

/// `3.12` of `3.12`, `3.12.4` and `cpython-3.12`.
fn version(text: &str) -> Option<(u32, u32)> {
    let text = text.trim_start_matches("cpython-").trim_start_matches("python-");
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("3.12", Some((3, 12))),
            ("3.12.4", Some((3, 12))),
            ("cpython-3.13.1", Some((3, 13))),
            ("3.13t", Some((3, 13))),
            ("3", None),
            ("pypy3.10", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
