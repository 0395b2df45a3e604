//! What the image of a project is called.

use devflow_oci::ImageRef;

use super::ImageError;
use crate::project::Project;

/// Whether the image's tag is the fingerprint.
pub fn is_ours(project: &Project) -> bool {
    match &project.config.file.container.image {
        Some(text) => text.get_ref().parse::<ImageRef>().is_ok_and(|name| name.is_bare()),
        None => true,
    }
}

/// The image's name: of its repository, with the fingerprint as its tag; or as it is written, when it has a tag or
/// digest of its own.
pub fn name(project: &Project, fingerprint: &str) -> Result<ImageRef, ImageError> {
    let text = match &project.config.file.container.image {
        Some(text) => text.get_ref().clone(),
        None => format!("localhost/devflow/{}", repository(&project.name)),
    };
    let wrong = |reason: String| ImageError::Name { text: text.clone(), reason };
    let name: ImageRef =
        text.parse().map_err(|error: devflow_oci::reference::ImageRefError| wrong(error.to_string()))?;
    if name.is_bare() {
        name.with_tag(fingerprint).map_err(|error| wrong(error.to_string()))
    } else {
        Ok(name)
    }
}

/// A project's name as a part of an image's: small letters, digits, and single separators between them.
fn repository(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if out.is_empty() || out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    let name = out.trim_end_matches('-');
    if name.is_empty() { "project".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_name_becomes_a_repository() {
        for (name, expected) in
            [("shop", "shop"), ("My_Shop.2", "my-shop-2"), ("--", "project"), ("Ä b", "b")]
        {
            assert_eq!(repository(name), expected);
        }
    }
}
