//! Which of the project's images stay.
//!
//! Invariant: what anybody needs stays; only what is shown here as going is ever removed.

use super::Own;
use crate::identity::Needs;

/// An image, and what is to become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The image.
    pub image: Own,
    /// Why it stays; empty when it goes.
    pub because: Vec<String>,
}

impl Verdict {
    /// Whether it stays.
    pub fn stays(&self) -> bool {
        !self.because.is_empty()
    }
}

/// Says of each image, oldest first, whether it stays: for those who need it, or as one of the newest of the others.
pub fn judge(images: Vec<Own>, needs: &Needs, newest: usize) -> Vec<Verdict> {
    let judge = |image: Own| {
        let because = needs.of(&image.fingerprint).into_iter().map(str::to_owned).collect();
        Verdict { image, because }
    };
    let mut verdicts: Vec<Verdict> = images.into_iter().map(judge).collect();
    for spared in verdicts.iter_mut().rev().filter(|verdict| !verdict.stays()).take(newest) {
        spared.because.push("one of the newest".to_owned());
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use devflow_oci::Fingerprint;

    use super::*;

    #[test]
    fn what_is_needed_stays_and_so_do_the_newest_of_the_rest() {
        let own = |digit: &str| {
            let fingerprint = digit.repeat(64);
            let name = format!("localhost/p:{fingerprint}").parse().unwrap();
            Own { name, fingerprint, id: String::new(), size: 0, created: None }
        };
        let images = || ["1", "2", "3", "4"].map(own).to_vec();
        let now = Fingerprint { hex: "3".repeat(64), records: Vec::new(), warnings: Vec::new() };
        let needs = Needs::here(&now);
        let going = |newest: usize| {
            let verdicts = judge(images(), &needs, newest);
            verdicts
                .into_iter()
                .filter(|verdict| !verdict.stays())
                .map(|verdict| verdict.image.fingerprint[..1].to_owned())
                .collect::<String>()
        };
        assert_eq!([0, 1, 2, 3, usize::MAX].map(going), ["124", "12", "1", "", ""]);
        assert_eq!(judge(images(), &needs, 1)[2].because, ["this tree"]);
        assert_eq!(judge(images(), &needs, 1)[3].because, ["one of the newest"]);
    }
}
