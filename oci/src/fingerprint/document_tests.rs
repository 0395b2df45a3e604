//! What FINGERPRINT.md says of globs is true.

use globset::GlobBuilder;

use super::Kind;
use super::tests::Project;

const DOCUMENT: &str = include_str!("../../FINGERPRINT.md");

/// The texts in backquotes of a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Each glob of the table of examples, with the paths it matches and those it does not.
fn examples() -> Vec<(&'static str, Vec<&'static str>, Vec<&'static str>)> {
    let table = DOCUMENT.lines().skip_while(|line| *line != "| glob | matches | does not match |").skip(2);
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').collect();
        (quoted(cells[1])[0], quoted(cells[2]), quoted(cells[3]))
    };
    table.take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn the_examples_are_true_of_inputs() {
    let examples = examples();
    assert!(examples.len() > 10);
    for (glob, matches, others) in examples {
        for (path, expected) in
            matches.iter().map(|path| (path, true)).chain(others.iter().map(|path| (path, false)))
        {
            let project = Project::new(&[(path, "")]);
            let found = project.of(&[glob]).records.iter().any(|record| record.kind == Kind::File);
            assert_eq!(found, expected, "{glob} {path}");
        }
    }
}

/// The same library reads the globs of everything else that dwf is told.
#[test]
fn the_examples_are_true_of_globset() {
    for (glob, matches, others) in examples() {
        let glob = GlobBuilder::new(glob).literal_separator(true).empty_alternates(true).build().unwrap();
        let matcher = glob.compile_matcher();
        // It has no folders: `[!a]` may be a slash to it, which no name has.
        assert!(matches.iter().all(|path| matcher.is_match(path)), "{glob}");
        assert!(!others.iter().any(|path| matcher.is_match(path)), "{glob}");
    }
}
