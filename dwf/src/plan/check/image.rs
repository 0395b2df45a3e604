//! What the `image` of a description must fulfil beyond its types.

use std::collections::BTreeSet;

use devflow_oci::ImageRef;
use devflow_oci::target::check_target;
use devflow_protocol::message::{DescribeResult, Image, ImageOption};

use super::{Broken, Rule, reserved};

/// Checks the image of a description, if there is one.
pub(super) fn check(described: &DescribeResult) -> Result<(), Broken> {
    let Some(image) = &described.image else { return Ok(()) };
    names(image)?;
    for option in &image.options {
        places(option)?;
        commands(option)?;
        files(option, &described.fingerprint)?;
        variables(option)?;
    }
    Ok(())
}

/// An image without a tag could be any image, and an option that nobody can choose is a mistake.
fn names(image: &Image) -> Result<(), Broken> {
    if image.base.is_empty() {
        return Rule::ImageName.broken("its image fits no base");
    }
    let bases = image.base.iter().map(|name| (name, "a base"));
    let copied = image.options.iter().flat_map(|option| &option.copy).map(|copy| (&copy.from, "an image"));
    for (name, what) in bases.chain(copied) {
        let known = name.parse::<ImageRef>();
        if !known.is_ok_and(|known| known.tag().is_some() || (what != "a base" && !known.is_bare())) {
            return Rule::ImageName.broken(format!("{name:?} is not the name of {what} with a tag"));
        }
    }
    let mut sources = BTreeSet::new();
    match image.options.iter().find(|option| !sources.insert(&option.source)) {
        Some(option) => Rule::ImageName.broken(format!("two options have the source {}", option.source)),
        None => Ok(()),
    }
}

/// Each place is one, and is taken once: no copy or link lies in another.
fn places(option: &ImageOption) -> Result<(), Broken> {
    let copies = option.copy.iter().flat_map(|copy| &copy.paths);
    let taken: Vec<&String> = copies.chain(option.links.iter().map(|[_, link]| link)).collect();
    for place in taken.iter().copied().chain(&option.path) {
        if !is_place(place) {
            return Rule::ImagePlace.broken(format!(
                "{place:?} is no place in an image: it is absolute, in its shortest spelling, without signs"
            ));
        }
    }
    for (at, place) in taken.iter().enumerate() {
        if let Some(other) = taken.iter().take(at).find(|other| holds(other, place) || holds(place, other)) {
            return Rule::ImagePlace.broken(format!("{other} and {place} are in each other's way"));
        }
    }
    match option.links.iter().find(|[target, _]| target.is_empty() || target.contains('\0')) {
        Some([_, link]) => Rule::ImagePlace.broken(format!("the link {link} leads nowhere")),
        None => Ok(()),
    }
}

/// Whether this can be a place in an image.
pub fn is_place(path: &str) -> bool {
    check_target(path).is_ok() && is_literal(path)
}

/// Whether a builder takes every character of a path for itself: neither as a pattern, nor a variable, nor a quote.
pub fn is_literal(path: &str) -> bool {
    path.chars().all(|c| c.is_alphanumeric() || "/._-+@=~, ".contains(c))
}

fn holds(folder: &str, path: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn commands(option: &ImageOption) -> Result<(), Broken> {
    let mut all = option.steps.iter().map(|step| &step.run).chain(&option.probe);
    match all.any(|words| words.first().is_none_or(String::is_empty)) {
        true => Rule::ImageCommand.broken("a step or probe of its image has no program"),
        false => Ok(()),
    }
}

fn variables(option: &ImageOption) -> Result<(), Broken> {
    option.env.keys().try_for_each(reserved)?;
    match option.env.iter().find(|(_, value)| value.chars().any(char::is_control)) {
        Some((name, _)) => {
            Rule::Variable.broken(format!("the value of {name} in its image has a control character"))
        }
        None => Ok(()),
    }
}

/// A file that a step reads decides what is in the image.
fn files(option: &ImageOption, fingerprint: &[String]) -> Result<(), Broken> {
    let covered = |file: &str| {
        let matches = |glob: &String| {
            let glob = globset::GlobBuilder::new(glob).literal_separator(true).build();
            glob.is_ok_and(|glob| glob.compile_matcher().is_match(file))
        };
        fingerprint.iter().any(matches)
    };
    match option.files.iter().find(|file| !covered(file.as_str())) {
        Some(file) => Rule::ImageFile
            .broken(format!("its image depends on {file}, and no glob of `fingerprint` names that")),
        None => Ok(()),
    }
}
