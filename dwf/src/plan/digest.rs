//! The plan's digest: the same on a laptop and in CI when they would run the same.

use sha2::{Digest, Sha256};

use super::model::Plan;

impl Plan {
    /// SHA-256 over the plan's canonical JSON (members sorted, no blanks), as `sha256:<hex>`.
    pub fn digest(&self) -> String {
        // serde_json's own map is sorted by key, which makes its compact form canonical.
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(plan) = value.as_object_mut() {
            // Without a configuration, the name is that of the checkout's folder.
            plan.remove("project");
        }
        let canonical = value.to_string();
        let hash = Sha256::digest(canonical.as_bytes());
        format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}
