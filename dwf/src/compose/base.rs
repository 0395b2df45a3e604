//! The image to begin with: one that fits all stacks.

use devflow_oci::ImageRef;

use super::error::ComposeError;
use super::option::Chosen;
use super::word::excerpt;
use crate::config::ImageSection;

/// The base that the project names, else the first that all stacks fit; `None` where nobody asks for one.
pub(super) fn choose(
    chosen: &[Chosen<'_>],
    section: &ImageSection,
) -> Result<Option<ImageRef>, ComposeError> {
    let fits = chosen.iter().map(families).collect::<Result<Vec<_>, _>>()?;
    let named = section.base.as_ref().and_then(|base| base.get_ref().parse::<ImageRef>().ok());
    if let Some(base) = named {
        let family = family(&base);
        let unfit = chosen.iter().zip(&fits).find(|(_, fits)| !fits.contains(&family));
        return match unfit {
            Some((chosen, fits)) => Err(ComposeError::Unfit {
                base: base.to_string(),
                asker: chosen.asker.clone(),
                fits: fits.clone(),
            }),
            None if slim(&family).is_none() => Err(ComposeError::Unknown(vec![family])),
            None => Ok(Some(base)),
        };
    }
    let Some(preferred) = fits.first() else { return Ok(None) };
    let common: Vec<String> =
        preferred.iter().filter(|family| fits.iter().all(|fits| fits.contains(family))).cloned().collect();
    if common.is_empty() {
        return Err(apart(chosen, &fits));
    }
    match common.iter().find_map(|family| slim(family)) {
        Some(base) => Ok(base.parse().ok()),
        None => Err(ComposeError::Unknown(common)),
    }
}

/// Two stacks without a common base, or the first and the last of them where each two have one.
fn apart(chosen: &[Chosen<'_>], fits: &[Vec<String>]) -> ComposeError {
    let pairs = (0..fits.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    let strangers =
        |(first, second): &(usize, usize)| !fits[*first].iter().any(|family| fits[*second].contains(family));
    let (first, second) = pairs.into_iter().find(strangers).unwrap_or((0, fits.len() - 1));
    ComposeError::apart((&chosen[first].asker, &fits[first]), (&chosen[second].asker, &fits[second]))
}

fn families(chosen: &Chosen<'_>) -> Result<Vec<String>, ComposeError> {
    let family = |text: &String| match text.parse::<ImageRef>() {
        Ok(name) if name.tag().is_some() && name.digest().is_none() => Ok(family(&name)),
        _ => Err(chosen.wrong(format!("{} is no base image: it is a name with a tag", excerpt(text)))),
    };
    let families: Vec<String> = chosen.image.base.iter().map(family).collect::<Result<_, _>>()?;
    match families.is_empty() {
        true => Err(chosen.wrong("it fits no base image at all")),
        false => Ok(families),
    }
}

/// What kind of base an image is: its name without registry, and its tag without `-slim`.
fn family(image: &ImageRef) -> String {
    let name = image.repository().rsplit('/').next().unwrap_or_default();
    let tag = image.tag().unwrap_or_default();
    format!("{name}:{}", tag.strip_suffix("-slim").unwrap_or(tag))
}

/// The smallest official image of a family whose packages dwf can install. Its name is whole: not every engine knows by
/// itself where a short one comes from.
fn slim(family: &str) -> Option<String> {
    match family.split_once(':')? {
        ("debian", _) => Some(format!("docker.io/library/{family}-slim")),
        ("ubuntu", _) => Some(format!("docker.io/library/{family}")),
        _ => None,
    }
}
