//! The labels by which images that dwf made are found again.
//!
//! Invariant: no label depends on when, where or by whom an image was built, so the same build makes the same image.

use std::collections::BTreeMap;

/// The project's name.
pub const PROJECT: &str = "dwf.project";
/// The fingerprint that it was built for. An image that was given another tag keeps it: the tag is the truth.
pub const FINGERPRINT: &str = "dwf.fingerprint";
/// The hash of its build inputs.
pub const BUILD: &str = "dwf.build";

/// The labels of a build. They are given to the builder, so what a base image or a Dockerfile says is overridden.
#[must_use]
pub fn labels(project: &str, fingerprint: &str, build: &str) -> BTreeMap<String, String> {
    [(PROJECT, project), (FINGERPRINT, fingerprint), (BUILD, build)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
