use std::collections::BTreeSet;

use super::*;

#[test]
fn every_check_has_a_name_of_its_own_and_stands_on_a_sentence() {
    let mut ids = BTreeSet::new();
    for check in checks::all() {
        let good = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        assert!(
            check.id.split_once('/').is_some_and(|(topic, name)| good(topic) && good(name)),
            "{}",
            check.id
        );
        assert!(ids.insert(check.id), "{} is there twice", check.id);
        assert!(
            spec::sentence(check.anchor).is_some(),
            "SPEC.md has no [{}], for {}",
            check.anchor,
            check.id
        );
        let earlier = check.after.iter().all(|other| ids.contains(other));
        assert!(earlier, "{} is done before what it comes after", check.id);
    }
}
