//! What can go wrong with an extension, as one typed error.

use std::fmt;
use std::time::Duration;

/// Why an extension gave no usable answer. Texts of the extension in it are escaped and bounded.
/// After any of these except [`ClientError::Answer`] the conversation cannot be trusted: end the
/// extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// A line that is no JSON object.
    Noise {
        /// How the line starts.
        excerpt: String,
    },
    /// More than a limit allows.
    TooLarge {
        /// What there was too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// How the offending line starts; empty when no line is to blame.
        excerpt: String,
    },
    /// Standard output ended before the answer came.
    Closed,
    /// Standard output ended in the middle of a line.
    Torn {
        /// How the line starts.
        excerpt: String,
    },
    /// A pipe failed.
    Io {
        /// The system's words.
        reason: String,
    },
    /// No answer in time.
    Timeout {
        /// The request.
        method: String,
        /// The deadline.
        after: Duration,
    },
    /// No common version of the protocol.
    Version {
        /// The versions this host speaks.
        host: Vec<u32>,
        /// The versions the extension speaks; empty when it did not say.
        extension: Vec<u32>,
    },
    /// The extension requires what this host does not know.
    Requires {
        /// The unknown requirements.
        unknown: Vec<String>,
    },
    /// The extension's own answer is an error.
    Answer {
        /// A code of [`crate::code`] or the extension's own.
        code: i32,
        /// The extension's words.
        message: String,
        /// What it says besides.
        data: Box<AnswerData>,
    },
    /// An answer that does not fit its method.
    BadAnswer {
        /// The request.
        method: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A message that breaks the rules of the protocol.
    Protocol {
        /// The rule.
        reason: String,
    },
    /// A request that cannot be sent.
    Unsendable {
        /// The request.
        method: String,
        /// Why.
        reason: String,
    },
}

/// What an error answer says in `data`, as far as the protocol knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerData {
    /// The commands that are known (2001).
    pub known: Vec<String>,
    /// The file that is wrong, relative to the member (2002).
    pub file: Option<String>,
    /// The line of that file (2002).
    pub line: Option<u64>,
    /// What the user can do about it.
    pub help: Option<String>,
    /// The versions the extension speaks (1001).
    pub supported: Vec<u32>,
    /// The features it misses (1002).
    pub features: Vec<String>,
    /// All of it, as it came.
    pub json: Option<String>,
}

impl ClientError {
    pub(super) fn protocol(reason: impl Into<String>) -> Self {
        Self::Protocol { reason: reason.into() }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noise { excerpt } => write!(
                f,
                "wrote a line that is not a JSON object: \"{excerpt}\"; its standard output is the \
                 protocol's alone: log to standard error"
            ),
            Self::TooLarge { what, limit, excerpt } if excerpt.is_empty() => {
                write!(f, "sent more than the limit of {limit} {what}")
            }
            Self::TooLarge { what, limit, excerpt } => {
                write!(f, "sent more than the limit of {limit} {what}: \"{excerpt}\"")
            }
            Self::Closed => f.write_str("closed its standard output before it had answered"),
            Self::Torn { excerpt } => write!(
                f,
                "closed its standard output in the middle of a line: \"{excerpt}\"; a message ends with a newline"
            ),
            Self::Io { reason } => write!(f, "cannot be reached: {reason}"),
            Self::Timeout { method, after } => write!(f, "did not answer {method} within {after:?}"),
            Self::Version { host, extension } => version(f, host, extension),
            Self::Requires { unknown } => write!(
                f,
                "requires {}, which this version of dwf does not know: upgrade dwf",
                unknown.join(", ")
            ),
            Self::Answer { code, message, data } => {
                if let Some(file) = &data.file {
                    write!(f, "{file}:")?;
                    if let Some(line) = data.line {
                        write!(f, "{line}:")?;
                    }
                    f.write_str(" ")?;
                }
                write!(f, "{message} (code {code})")
            }
            Self::BadAnswer { method, reason } => write!(f, "gave a wrong answer to {method}: {reason}"),
            Self::Protocol { reason } => write!(f, "broke the protocol: {reason}"),
            Self::Unsendable { method, reason } => write!(f, "cannot be asked {method}: {reason}"),
        }
    }
}

/// Names both sides' versions, and the side that is behind.
fn version(f: &mut fmt::Formatter<'_>, host: &[u32], extension: &[u32]) -> fmt::Result {
    let list = |versions: &[u32]| {
        let texts: Vec<String> = versions.iter().map(u32::to_string).collect();
        texts.join(", ")
    };
    if extension.is_empty() {
        return write!(f, "does not speak protocol {}, and does not say which it speaks", list(host));
    }
    let cure = match extension.iter().max() < host.iter().max() {
        true => "upgrade the extension",
        false => "upgrade dwf",
    };
    write!(f, "speaks protocol {}, and this dwf speaks {}: {cure}", list(extension), list(host))
}

impl std::error::Error for ClientError {}
