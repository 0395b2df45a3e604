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

/// One wish, and whose it is.
struct Taken<'a> {
    chosen: &'a Chosen<'a>,
    at: &'a str,
    wish: Wish<'a>,
}

impl Taken<'_> {
    fn shown(&self) -> (&Asker, String) {
        let at = self.at;
        let wish = match self.wish {
            Wish::Copy(from) => format!("a copy of {at} from {}", excerpt(from)),
            Wish::Link(target) => format!("a link at {at} to {}", excerpt(target)),
        };
        (&self.chosen.asker, wish)
    }
}

/// Looks at every copy and link of all stacks. The same wish of one stack in several members is one wish.
pub(super) fn check(chosen: &[Chosen<'_>]) -> Result<(), ComposeError> {
    let mut taken: Vec<Taken<'_>> = Vec::new();
    for chosen in chosen {
        for (at, wish) in wishes(chosen) {
            place(at).map_err(|reason| chosen.wrong(reason))?;
            let next = Taken { chosen, at, wish };
            if let Some(other) = taken.iter().find(|other| collide(other, &next)) {
                let what = format!("{at} in the image");
                return Err(ComposeError::conflict(what, other.shown(), next.shown()));
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
