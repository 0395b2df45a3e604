//! The scanner's report, and what follows from it.
//!
//! Invariant: what cannot be read is an error, never an empty list; a severity that nobody knows counts as the worst.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer};

/// The only version of the report that is known.
const SCHEMA: u32 = 2;

/// How bad a finding is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// `LOW`
    Low,
    /// `MEDIUM`
    Medium,
    /// `HIGH`
    High,
    /// `CRITICAL`
    Critical,
    /// `UNKNOWN`, or any other word: nobody has said that it is less than critical.
    Unknown,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Critical, Self::High, Self::Medium, Self::Low];

    fn new(text: &str) -> Self {
        match text {
            "LOW" => Self::Low,
            "MEDIUM" => Self::Medium,
            "HIGH" => Self::High,
            "CRITICAL" => Self::Critical,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        })
    }
}

/// A known vulnerability of a package that is in the image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The package.
    pub package: String,
    /// `CVE-…`, or whatever its database calls it.
    pub id: String,
    /// The version in the image.
    pub installed: String,
    /// The versions that do not have it, as they are written; `None` where there is none yet.
    pub fixed: Option<String>,
}

/// `HIGH      CVE-2026-1  libssl3  3.0.1 → 3.0.2`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, package, id, installed, fixed } = self;
        write!(f, "{severity:<8}  {id}  {package}  {installed} → {}", fixed.as_deref().unwrap_or("no fix"))
    }
}

/// The distribution of an image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Os {
    /// `debian`
    pub family: String,
    /// `12.11`
    #[serde(default)]
    pub name: String,
    /// Whether it gets no more fixes.
    #[serde(default, rename = "EOSL")]
    pub ended: bool,
}

/// What a scanner found in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The image's distribution, where the scanner knows it.
    pub os: Option<Os>,
    /// What it found, each once.
    pub findings: BTreeSet<Finding>,
}

/// What follows from a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// What has to be mended, the worst first.
    pub failing: Vec<&'a Finding>,
    /// What would have failed, if there were a fix.
    pub unfixed: Vec<&'a Finding>,
}

/// Why a report cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// It is no report, or only the beginning of one.
    NotAReport(String),
    /// It is of another version.
    Version(u32),
    /// Nothing was looked at: neither a distribution nor any package was recognized.
    Nothing,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAReport(problem) => write!(f, "the scanner's report makes no sense: {problem}"),
            Self::Version(version) => {
                write!(f, "the scanner's report has version {version}, and only {SCHEMA} is known")
            }
            Self::Nothing => f.write_str(
                "the scanner recognized neither a distribution nor packages in the image, so it has looked at nothing",
            ),
        }
    }
}

impl std::error::Error for ReportError {}

impl Report {
    /// Reads what the scanner wrote. Members that are new are ignored.
    pub fn parse(json: &[u8]) -> Result<Self, ReportError> {
        let wrong = |problem: serde_json::Error| ReportError::NotAReport(problem.to_string());
        // Another version need not look like this one otherwise.
        let Head { schema_version } = serde_json::from_slice(json).map_err(wrong)?;
        if schema_version != SCHEMA {
            return Err(ReportError::Version(schema_version));
        }
        let Written { metadata, results } = serde_json::from_slice(json).map_err(wrong)?;
        if metadata.os.is_none() && results.is_empty() {
            return Err(ReportError::Nothing);
        }
        let findings = results.into_iter().flat_map(|result| result.vulnerabilities);
        Ok(Self { os: metadata.os, findings: findings.map(Finding::from).collect() })
    }

    /// How many there are of each severity.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Severity, usize> {
        let mut counts: BTreeMap<_, _> = Severity::ALL.into_iter().map(|severity| (severity, 0)).collect();
        for finding in &self.findings {
            *counts.entry(finding.severity).or_default() += 1;
        }
        counts
    }

    /// What is at least `HIGH` fails; but for what nobody can mend yet, where that is asked for.
    #[must_use]
    pub fn verdict(&self, ignore_unfixed: bool) -> Verdict<'_> {
        let mut bad: Vec<_> =
            self.findings.iter().filter(|finding| finding.severity >= Severity::High).collect();
        bad.sort_by_key(|finding| Reverse(finding.severity));
        let (unfixed, failing) =
            bad.into_iter().partition(|finding| ignore_unfixed && finding.fixed.is_none());
        Verdict { failing, unfixed }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Head {
    schema_version: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    #[serde(default, deserialize_with = "null")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "null")]
    results: Vec<Results>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "OS")]
    os: Option<Os>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Results {
    #[serde(default, deserialize_with = "null")]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    pkg_name: String,
    #[serde(default)]
    installed_version: String,
    #[serde(default)]
    fixed_version: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    severity: String,
}

/// What is empty may be written as `null`.
fn null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl From<Vulnerability> for Finding {
    fn from(written: Vulnerability) -> Self {
        let Vulnerability { id, pkg_name, installed_version, fixed_version, status, severity } = written;
        let fixed = match fixed_version.is_empty() {
            true if status == "fixed" => Some("a newer version".to_owned()),
            true => None,
            false => Some(fixed_version),
        };
        let severity = Severity::new(&severity);
        Self { severity, package: pkg_name, id, installed: installed_version, fixed }
    }
}
