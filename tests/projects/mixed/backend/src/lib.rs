//! The shop's arithmetic: what an order costs.

use itertools::Itertools;

/// So many of one article at a price in cents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub article: String,
    pub price: u64,
    pub count: u64,
}

/// The sum of an order in cents, or nothing when it does not fit.
///
/// ```
/// let tea = backend::Line { article: "tea".into(), price: 350, count: 2 };
/// assert_eq!(backend::total(&[tea]), Some(700));
/// ```
pub fn total(lines: &[Line]) -> Option<u64> {
    lines.iter().try_fold(0_u64, |sum, line| {
        sum.checked_add(line.price.checked_mul(line.count)?)
    })
}

/// The articles of an order, each once, in the order of the alphabet.
pub fn articles(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| &line.article)
        .unique()
        .sorted()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(article: &str, price: u64, count: u64) -> Line {
        Line {
            article: article.into(),
            price,
            count,
        }
    }

    #[test]
    fn an_empty_order_is_free() {
        assert_eq!(total(&[]), Some(0));
    }

    #[test]
    fn lines_are_added_up() {
        assert_eq!(
            total(&[line("tea", 350, 2), line("rusk", 120, 1)]),
            Some(820)
        );
    }

    #[test]
    fn a_sum_that_does_not_fit_is_none() {
        assert_eq!(total(&[line("yacht", u64::MAX, 2)]), None);
    }

    #[test]
    fn an_article_is_named_once() {
        let lines = [line("tea", 350, 1), line("rusk", 120, 1), line("tea", 1, 1)];
        assert_eq!(articles(&lines), "rusk, tea");
    }
}
