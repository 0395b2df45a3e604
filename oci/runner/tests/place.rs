//! Where a runner is: in the folder that is meant, or nowhere that counts.

#[cfg(test)]
mod harness;

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::path::Path;
    use std::process::{Child, Stdio};

    use devflow_runner::place::Place;
    use devflow_runner::wire::{Event, Request, VERSION};

    use crate::harness::*;

    /// A runner in a folder that has to be this place, and has been asked to write there.
    fn started(folder: &Path, place: &str) -> Child {
        let mut command = program(BIN);
        command.arg(place).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut start = script(1, "touch started");
        start.choices[0].cwd = folder.display().to_string();
        let line = serde_json::to_string(&Request::Start(start)).unwrap() + "\n";
        child.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        child
    }

    fn event(lines: &mut impl BufRead) -> Event {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn elsewhere(place: &Place) -> String {
        let text = place.to_string();
        format!("another-kernel:{}", text.split_once(':').unwrap().1)
    }

    #[test]
    fn in_the_folder_that_is_meant() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path(), ".mark".to_owned()).unwrap();
        let mut child = started(dir.path(), &place.to_string());
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(event(&mut lines), Event::Hello { version: VERSION });
        until("started", || dir.path().join("started").exists());
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn on_another_kernel_with_dwfs_mark() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path(), ".mark".to_owned()).unwrap();
        let mut child = started(dir.path(), &elsewhere(&place));
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(event(&mut lines), Event::Unsure);
        assert!(!dir.path().join("started").exists());
        std::fs::write(dir.path().join(".mark"), "").unwrap();
        assert_eq!(event(&mut lines), Event::Hello { version: VERSION });
        until("started", || dir.path().join("started").exists());
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn in_another_folder_of_the_same_name() {
        let (meant, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = Place::of(meant.path(), ".mark".to_owned()).unwrap();
        std::fs::write(meant.path().join(".mark"), "").unwrap();
        for (text, events) in [
            (place.to_string(), &[Event::Elsewhere][..]),
            (elsewhere(&place), &[Event::Unsure, Event::Elsewhere]),
        ] {
            let mut child = started(dir.path(), &text);
            let mut lines = BufReader::new(child.stdout.take().unwrap());
            for expected in events {
                assert_eq!(event(&mut lines), *expected);
            }
            assert!(child.wait().unwrap().success());
            assert!(!dir.path().join("started").exists(), "an action ran in a folder that nobody meant");
        }
    }

    #[test]
    fn nowhere() {
        let output = program(BIN).arg("x").output().unwrap();
        assert_eq!(output.status.code(), Some(70));
        assert!(String::from_utf8_lossy(&output.stderr).contains("\"x\" describes no place"));
    }
}
