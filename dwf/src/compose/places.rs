//! Who puts what where: no stack covers what another one, or it itself, has put into the image.

use super::error::{Asker, ComposeError};
use super::option::Chosen;
use super::word::{excerpt, place};

/// What is put at a place.
#[derive(PartialEq)]
enum Wish<'a> {
    Copy(&'a str),
    Link(&'a str),
}

impl Wish<'_> {
    fn shown(&self, at: &str) -> String {
        match self {
            Self::Copy(from) => format!("a copy of {at} from {}", excerpt(from)),
            Self::Link(target) => format!("a link at {at} to {}", excerpt(target)),
        }
    }
}

/// One wish, and whose it is.
struct Taken<'a> {
    chosen: &'a Chosen<'a>,
    at: &'a str,
    wish: Wish<'a>,
}

/// Looks at every copy and link of all stacks. The same wish of one stack in several members is one wish.
pub(super) fn check(chosen: &[Chosen<'_>]) -> Result<(), ComposeError> {
    let mut taken: Vec<Taken<'_>> = Vec::new();
    for chosen in chosen {
        for (at, wish) in wishes(chosen) {
            place(at).map_err(|reason| chosen.wrong(reason))?;
            let next = Taken { chosen, at, wish };
            if let Some(other) = taken.iter().find(|other| collide(other, &next)) {
                return Err(ComposeError::Conflict {
                    what: format!("{at} in the image"),
                    first: asker(other),
                    first_wish: other.wish.shown(other.at),
                    second: asker(&next),
                    second_wish: next.wish.shown(at),
                });
            }
            taken.push(next);
        }
    }
    Ok(())
}

fn wishes<'a>(chosen: &'a Chosen<'_>) -> impl Iterator<Item = (&'a str, Wish<'a>)> {
    let copies = chosen.option.copy.iter();
    let copies =
        copies.flat_map(|copy| copy.paths.iter().map(|path| (path.as_str(), Wish::Copy(&copy.from))));
    copies.chain(chosen.option.links.iter().map(|[target, link]| (link.as_str(), Wish::Link(target))))
}

fn asker(taken: &Taken<'_>) -> Asker {
    taken.chosen.asker.clone()
}

fn collide(one: &Taken<'_>, other: &Taken<'_>) -> bool {
    let same_stack = one.chosen.stack == other.chosen.stack;
    let same_answer = same_stack && one.chosen.member == other.chosen.member;
    match one.at == other.at {
        true => same_answer || !same_stack || one.wish != other.wish,
        false => !same_stack && (is_below(one.at, other.at) || is_below(other.at, one.at)),
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
