use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::record::{Known, Owner};
use super::root::CacheError;
use super::tree::Size;
use super::*;

const KEY: &str = "0123456789abcdef";

/// A cache root in a folder of its own.
struct House {
    dir: tempfile::TempDir,
    index: Index,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), None).unwrap();
        Self { dir, index }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn uses(&self, slots: &[&str], workspace: &Path) -> Uses {
        let owner = Owner { workspace: workspace.to_str().map(str::to_owned), ..Owner::default() };
        let claim = |slot: &&str| Claim { slot: slot_at(slot), owner: owner.clone(), volumes: None };
        let uses = Uses::take(self.index.clone(), slots.iter().map(claim).collect()).unwrap();
        for slot in slots {
            fs::create_dir_all(self.at(slot)).unwrap();
            fs::write(self.at(slot).join("file"), "x").unwrap();
        }
        uses
    }

    fn survey(&self) -> Vec<Entry> {
        survey(&self.index, &mut Sizes::default(), Look::All, &Limit::default())
    }

    fn shown(&self) -> Vec<String> {
        self.survey().iter().map(|entry| entry.slot.to_string()).collect()
    }

    fn record(&self, slot: &str, text: &str) {
        fs::write(self.at(".dwf/entries").join(format!("{}.json", slot_at(slot).id())), text).unwrap();
    }
}

fn slot_at(path: &str) -> Slot {
    Slot::at(Path::new(path)).unwrap()
}

#[test]
fn only_these_places_are_entries() {
    for path in ["downloads", &format!("env/{KEY}/out"), "tmp/0123456789ab"] {
        let slot = slot_at(path);
        assert_eq!(slot.to_string(), path);
        assert_eq!(Slot::from_id(&slot.id()), Some(slot));
    }
    let not =
        ["", ".dwf", "env", "tmp", "..", "a/b", "env/x/out", "env/0123456789ABCDEF/out", "tmp/../../x", "/x"];
    for path in not {
        assert_eq!(Slot::at(Path::new(path)), None, "{path}");
    }
    assert_eq!(Slot::from_id("env+0123456789abcdef+.."), None);
}

fn entry(path: &str, used: u64, bytes: u64) -> Entry {
    Entry {
        slot: slot_at(path),
        owner: Some(Owner::default()),
        volumes: None,
        used,
        in_use: false,
        gone: false,
        newer: false,
        folder: true,
        size: Size { bytes, whole: true },
    }
}

#[test]
fn the_longest_unused_goes_and_never_what_is_in_use() {
    let now = 1_000_000;
    let managed = Owner { managed: true, ..Owner::default() };
    let entries = [
        Entry { in_use: true, ..entry("used", 10, 100) },
        Entry { owner: Some(managed), ..entry("tools", 10, 100) },
        Entry { newer: true, ..entry("newer", 10, 100) },
        Entry { gone: true, ..entry(&format!("env/{KEY}/gone"), now - 10, 100) },
        entry("tmp/0123456789ab", now, 100),
        entry("old", now - 500, 100),
        entry("recent", now - 100, 100),
        entry("future", now + 1_000_000, 100),
        entry("empty", now - 400, 0),
    ];
    let check = |budget: Budget, expected: &[&str]| {
        let verdicts = judge(&entries, &budget, now);
        let going = entries.iter().zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Remove(_)));
        let going: Vec<String> =
            going.map(|(entry, _)| entry.slot.parts().last().unwrap().to_string()).collect();
        assert_eq!(going, expected, "{budget:?}");
    };
    let none = Budget::default();
    let age = |seconds| Some(Duration::from_secs(seconds));
    check(none, &["0123456789ab"]);
    check(Budget { gone: true, ..none }, &["gone", "0123456789ab"]);
    check(Budget { max_age: age(100), ..none }, &["0123456789ab", "old", "empty"]);
    check(Budget { max_age: age(0), ..none }, &["gone", "0123456789ab", "old", "recent", "empty"]);
    check(Budget { max_age: age(100), managed: true, ..none }, &["tools", "0123456789ab", "old", "empty"]);
    // Six of 100 count; first goes what nobody can use, then by age.
    check(Budget { max_size: Some(600), ..none }, &["0123456789ab"]);
    check(Budget { max_size: Some(599), ..none }, &["gone", "0123456789ab"]);
    check(Budget { max_size: Some(499), ..none }, &["gone", "0123456789ab", "old"]);
    check(Budget { max_size: Some(0), ..none }, &["gone", "0123456789ab", "old", "recent", "future"]);
}

#[test]
fn what_a_run_uses_stays_until_it_ends() {
    let house = House::new();
    let uses = house.uses(&["downloads", &format!("env/{KEY}/out")], house.dir.path());
    assert!(uses.fresh());
    let entries = house.survey();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.in_use && !entry.gone && entry.size.bytes > 0), "{entries:?}");
    for entry in &entries {
        assert_eq!(sweep(&house.index, entry), Swept::InUse);
    }
    // A second run of the same does not wait.
    let second = house.uses(&["downloads"], house.dir.path());
    assert!(!second.fresh());
    drop(uses);
    assert_eq!(sweep(&house.index, &house.survey()[0]), Swept::InUse);
    drop(second);
    for entry in house.survey() {
        assert!(!entry.in_use);
        assert_eq!(sweep(&house.index, &entry), Swept::Aside);
        assert!(!house.at(&entry.slot.to_string()).exists());
    }
    assert!(!house.at(&format!("env/{KEY}")).exists());
    assert_eq!(fs::read_dir(house.index.trash()).unwrap().count(), 2);
    assert_eq!(empty(&house.index, &Limit::default()), []);
    assert_eq!(fs::read_dir(house.index.trash()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(house.at(".dwf/entries")).unwrap().count(), 0);
}

#[test]
fn what_was_used_since_it_was_judged_stays() {
    let house = House::new();
    drop(house.uses(&["downloads"], house.dir.path()));
    let mut judged = house.survey().remove(0);
    judged.used -= 1;
    assert_eq!(sweep(&house.index, &judged), Swept::InUse);
    assert!(house.at("downloads/file").exists());
}

#[test]
fn an_index_that_makes_no_sense_costs_nothing() {
    let house = House::new();
    drop(house.uses(&["downloads"], house.dir.path()));
    fs::create_dir_all(house.at("not-recorded")).unwrap();
    fs::create_dir_all(house.at(&format!("env/{KEY}/unknown"))).unwrap();
    fs::create_dir_all(house.at("env/strange/thing")).unwrap();
    symlink("/etc", house.at("env/0000000000000000")).unwrap();
    for name in ["strange", "..json", "a+b+c.json"] {
        fs::write(house.at(".dwf/entries").join(name), "x").unwrap();
    }
    let expected = [String::from("downloads"), format!("env/{KEY}/unknown")];
    assert_eq!(house.shown(), expected);
    for text in ["", "{", "[]", "{\"version\":1}", "{\"version\":1,\"used\":-1}", "\u{0}\u{0}"] {
        house.record("downloads", text);
        assert!(matches!(house.index.read(&slot_at("downloads")), Known::Broken(_)), "{text:?}");
        assert_eq!(house.shown(), expected, "{text:?}");
    }
    house.record("downloads", "{\"version\":2,\"something\":\"else\"}");
    assert!(house.survey()[0].newer);
    // The next run writes it again.
    drop(house.uses(&["downloads"], house.dir.path()));
    assert!(matches!(house.index.read(&slot_at("downloads")), Known::Record(_)));
    assert!(house.at(".dwf/entries/a+b+c.json").exists() && house.at("not-recorded").exists());
    fs::write(house.at(".dwf/sizes.json"), "{\"entries\":[]").unwrap();
    assert_eq!(Sizes::read(&house.index), Sizes::default());
}

#[test]
fn words_about_nothing_go() {
    let house = House::new();
    drop(house.uses(&["downloads"], house.dir.path()));
    fs::remove_dir_all(house.at("downloads")).unwrap();
    assert_eq!(house.shown(), [] as [&str; 0]);
    assert_eq!(fs::read_dir(house.at(".dwf/entries")).unwrap().count(), 0);
}

#[test]
fn build_products_of_a_workspace_that_is_gone() {
    let house = House::new();
    let workspace = tempfile::tempdir().unwrap();
    let product = format!("env/{KEY}/out");
    drop(house.uses(&["downloads", &product], workspace.path()));
    assert!(house.survey().iter().all(|entry| !entry.gone));
    drop(workspace);
    let gone: Vec<(String, bool)> =
        house.survey().iter().map(|entry| (entry.slot.to_string(), entry.gone)).collect();
    assert_eq!(gone, [("downloads".to_owned(), false), (product, true)]);
}

#[test]
fn a_link_in_place_of_dwfs_own_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    fs::write(kept.path().join("file"), "x").unwrap();
    symlink(kept.path(), dir.path().join(".dwf")).unwrap();
    assert!(matches!(Index::open(dir.path(), None), Err(CacheError::Link(_))));
    fs::remove_file(dir.path().join(".dwf")).unwrap();
    let index = Index::open(dir.path(), None).unwrap();
    fs::remove_dir(index.trash()).unwrap();
    symlink(kept.path(), index.trash()).unwrap();
    assert_eq!(empty(&index, &Limit::default()), []);
    assert!(kept.path().join("file").exists());
}

#[test]
fn entries_are_not_reached_through_links() {
    let house = House::new();
    let kept = tempfile::tempdir().unwrap();
    fs::create_dir(kept.path().join("out")).unwrap();
    let product = format!("env/{KEY}/out");
    drop(house.uses(&[&product], house.dir.path()));
    let judged = house.survey().remove(0);
    fs::remove_dir_all(house.at(&format!("env/{KEY}"))).unwrap();
    symlink(kept.path(), house.at(&format!("env/{KEY}"))).unwrap();
    assert!(matches!(sweep(&house.index, &judged), Swept::Refused(_)));
    assert!(kept.path().join("out").exists());
}

#[test]
fn budgets_are_looked_at_once_a_day() {
    let mut sizes = Sizes::default();
    assert!(sizes.due(100_000));
    sizes.check(100_000);
    assert!(!sizes.due(100_001) && !sizes.due(186_399));
    assert!(sizes.due(186_400));
    // The clock went back.
    assert!(sizes.due(99_999));
}
