//! What the project's image is made from.

use std::collections::BTreeMap;

use devflow_oci::fingerprint::{Kind, literal};
use devflow_oci::{Fingerprint, ImageRef};
use devflow_protocol::path::RelPath;

use super::DOCKERFILE;
use crate::compose::{ComposeError, Composed, Wishes, compose};
use crate::config;
use crate::error::{Exit, Explain};
use crate::plan::Answers;

/// The name of a composed text among the inputs of a fingerprint.
const TEXT: &str = "Dockerfile";

/// A file that the image is made from, and that its fingerprint does not hold.
#[derive(Debug, thiserror::Error)]
#[error("the image copies {path}, which {reason}")]
pub struct UncoveredError {
    path: RelPath,
    reason: &'static str,
}

impl Explain for UncoveredError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(format!("an extension asks for it; or write a {DOCKERFILE}: then nothing is composed"))
    }
}

/// What the project's image is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A Dockerfile of the project, relative to its root.
    File(String),
    /// What its stacks need.
    Composed(Composed),
    /// It is named with a tag or digest of its own, and somebody else makes it.
    Named,
    /// Nothing says what.
    Nothing,
}

impl Origin {
    /// That of a project, or of one of its commits: with this configuration, and this Dockerfile if it has one.
    pub fn of(
        file: &config::File,
        dockerfile: Option<String>,
        answers: &Answers,
        pinned: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ComposeError> {
        let image = file.container.image.as_ref();
        let image = image.and_then(|image| image.get_ref().parse::<ImageRef>().ok());
        match dockerfile {
            Some(path) => Ok(Self::File(path)),
            None if image.is_some_and(|image| !image.is_bare()) => Ok(Self::Named),
            None => {
                let wishes = Wishes { described: &answers.described, section: &file.image, pinned };
                Ok(compose(&wishes)?.map_or(Self::Nothing, Self::Composed))
            }
        }
    }

    /// Fails where the fingerprint does not hold every file that a composed image copies.
    pub fn covered(&self, fingerprint: &Fingerprint) -> Result<(), UncoveredError> {
        let Self::Composed(composed) = self else { return Ok(()) };
        for file in &composed.files {
            let record = fingerprint.records.iter().find(|record| record.path == file.as_str());
            let reason = match record.map(|record| record.kind) {
                Some(Kind::File) => continue,
                Some(Kind::Symlink) => "is a symbolic link",
                Some(Kind::Absent) => "is not there",
                Some(Kind::Text) | None => "git ignores, so that no fingerprint would tell when it changes",
            };
            return Err(UncoveredError { path: file.clone(), reason });
        }
        Ok(())
    }

    /// The files of the project that it is made from, as patterns.
    pub(super) fn patterns(&self) -> Vec<String> {
        match self {
            Self::File(path) => vec![literal(path)],
            Self::Composed(composed) => composed.files.iter().map(|file| literal(file.as_str())).collect(),
            Self::Named | Self::Nothing => Vec::new(),
        }
    }

    /// What of it stands in no file.
    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        match self {
            Self::Composed(composed) => [(TEXT.to_owned(), composed.text.clone())].into(),
            _ => BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use devflow_oci::fingerprint::Record;
    use devflow_protocol::message::{DescribeResult, Image, ImageOption};

    use super::*;
    use crate::plan::Described;

    fn answers() -> Answers {
        let files = vec!["conf/x".parse().unwrap()];
        let option = ImageOption { source: "distribution".to_owned(), files, ..ImageOption::default() };
        let image = Image { base: vec!["debian:bookworm".to_owned()], options: vec![option] };
        let result = DescribeResult { applies: true, image: Some(image), ..DescribeResult::default() };
        let described = Described { member: "a*".parse().unwrap(), stack: "one".parse().unwrap(), result };
        Answers { described: vec![described], ..Answers::default() }
    }

    fn origin(toml: &str, dockerfile: Option<&str>, answers: &Answers) -> Result<Origin, ComposeError> {
        let text = format!("[project]\nstack = []\n{toml}").into_bytes();
        let file = config::load_text(text, "devflow.toml".as_ref()).unwrap().file;
        Origin::of(&file, dockerfile.map(str::to_owned), answers, &|_| None)
    }

    #[test]
    fn who_says_what_it_is_made_from() {
        let own = origin("[container]\nimage = \"h.io/x:1\"\n", Some("D*"), &answers()).unwrap();
        assert_eq!((&own, own.patterns()), (&Origin::File("D*".to_owned()), vec!["D\\*".to_owned()]));
        for named in ["h.io/x:1", &format!("h.io/x@sha256:{}", "0".repeat(64))] {
            let toml = format!("[container]\nimage = \"{named}\"\n");
            assert_eq!(origin(&toml, None, &answers()), Ok(Origin::Named), "{named}");
        }
        assert_eq!(origin("", None, &Answers::default()), Ok(Origin::Nothing));
        let bare = origin("[container]\nimage = \"h.io/x\"\n", None, &Answers::default());
        assert_eq!(bare, Ok(Origin::Nothing));
    }

    #[test]
    fn a_composed_image_is_all_in_the_fingerprint() {
        let mut wanted = answers();
        // No builder takes this folder's name for itself alone.
        assert!(origin("", None, &wanted).is_err());
        wanted.described[0].member = "a".parse().unwrap();
        let composed = origin("", None, &wanted).unwrap();
        assert_eq!(composed.patterns(), ["a/conf/x"]);
        assert!(composed.texts()["Dockerfile"].contains("COPY [\"a/conf/x\", "));

        let told = |kind: Option<Kind>| {
            let record = |kind| Record { path: "a/conf/x".to_owned(), kind, exec: false, sha256: None };
            let fingerprint = Fingerprint::of(kind.map(record).into_iter().collect());
            composed.covered(&fingerprint).map_err(|error| error.to_string())
        };
        assert_eq!(told(Some(Kind::File)), Ok(()));
        for (kind, reason) in [
            (Some(Kind::Symlink), "is a symbolic link"),
            (Some(Kind::Absent), "is not there"),
            (None, "git ignores"),
        ] {
            assert!(
                told(kind).unwrap_err().starts_with(&format!("the image copies a/conf/x, which {reason}"))
            );
        }
    }
}
