//! JUnit: the reports that tools write, merged into one of the whole run.

mod read;
mod write;

pub use read::read;
pub use write::whole;

use std::time::Duration;

use super::location::{Ground, Location};
use super::source::Source;

/// What was in a tool's report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    /// The file, for a person.
    pub path: String,
    /// Its tests.
    pub cases: Vec<Case>,
    /// Why it is not all there, or nothing of it.
    pub problem: Option<String>,
}

/// One test.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Case {
    /// The suites that it is in, outermost first.
    pub suite: String,
    /// The class that it says it is of.
    pub class: String,
    /// Its name.
    pub name: String,
    /// What it took.
    pub time: Option<Duration>,
    /// The file and line that it names.
    pub place: Option<(String, Option<u32>)>,
    /// How it came out.
    pub result: CaseResult,
}

/// How a test came out.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum CaseResult {
    /// It passed.
    #[default]
    Passed,
    /// It did not; or it could not even be tried.
    Failed {
        /// Whether it could not be tried.
        error: bool,
        /// In a few words.
        message: String,
        /// In many.
        text: String,
    },
    /// It was left out, for this reason.
    Skipped(String),
}

impl Case {
    /// Where it failed and what it says, if it did.
    pub fn annotation(&self, ground: &Ground<'_>) -> Option<(Option<Location>, String)> {
        let CaseResult::Failed { message, text, .. } = &self.result else { return None };
        let named = self.place.as_ref().and_then(|(file, line)| {
            let line = line.filter(|line| *line > 0)?;
            Some(Location { file: ground.file(file)?, line: Some(line), column: None })
        });
        // Where the test failed says more than where it begins.
        let at = ground.first(text).or(named);
        let message = if message.is_empty() { text } else { message };
        Some((at, format!("{}: {}", self.name, message.trim())))
    }
}

/// Takes what a source has; nothing where it has nothing new.
pub fn take(source: &Source) -> Option<Taken> {
    let path = source.path().to_string_lossy().into_owned();
    match source.open() {
        Ok(None) => None,
        Ok(Some(file)) => Some(Taken { path, ..read(file) }),
        Err(error) => Some(Taken { path, problem: Some(error.to_string()), ..Taken::default() }),
    }
}

#[cfg(test)]
mod tests;
