//! What is known of an entry, as it stands in its file.

use devflow_oci::EngineKind;
use serde::{Deserialize, Serialize};

/// The form of the files that this dwf writes.
const VERSION: u32 = 1;

/// Who uses an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The workspace that used it last; none where its path is not text.
    pub workspace: Option<String>,
    /// The member's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The image's layers, or the host's toolchain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether its tool keeps it small.
    #[serde(default)]
    pub managed: bool,
}

/// Where an entry is, when it is not a folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volumes {
    /// Whose volumes.
    pub engine: EngineKind,
    /// Their names.
    pub names: Vec<String>,
}

/// An entry's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// Who uses it.
    #[serde(flatten)]
    pub owner: Owner,
    /// Where else it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Volumes>,
    /// When it was used last, in seconds since 1970.
    pub used: u64,
}

/// What an entry's file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// All.
    Record(Record),
    /// It was written by a newer dwf, which may do with it as it likes.
    Newer,
    /// It makes no sense; it was written then.
    Broken(u64),
    /// There is none.
    Nothing,
}

impl Record {
    /// A record of now.
    pub fn new(owner: Owner, volumes: Option<Volumes>, used: u64) -> Self {
        Self { version: VERSION, owner, volumes, used }
    }

    /// Reads a file that was written at that time.
    pub fn parse(bytes: &[u8], written: u64) -> Known {
        #[derive(Deserialize)]
        struct Envelope {
            version: u32,
        }
        match serde_json::from_slice::<Envelope>(bytes) {
            Ok(Envelope { version }) if version > VERSION => Known::Newer,
            _ => serde_json::from_slice(bytes).map_or(Known::Broken(written), Known::Record),
        }
    }
}
