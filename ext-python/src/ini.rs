//! INI files as far as setup.cfg, tox.ini and their kin need it.
//!
//! Invariant: what is not understood is left out; the tool that owns the file judges it.

use std::collections::BTreeMap;

/// Sections, and in each the values of its keys; a value's lines are joined by newlines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ini(BTreeMap<String, BTreeMap<String, String>>);

impl Ini {
    /// The file's content.
    pub(crate) fn parse(text: &str) -> Self {
        let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let (mut section, mut key) = (String::new(), String::new());
        for line in text.lines() {
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with(['#', ';']) {
                continue;
            }
            let values = sections.entry(section.clone()).or_default();
            if line.starts_with([' ', '\t']) {
                if let Some(value) = values.get_mut(&key) {
                    value.push('\n');
                    value.push_str(bare);
                }
            } else if let Some(name) = bare.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                section = name.trim().to_owned();
                sections.entry(section.clone()).or_default();
            } else if let Some((name, value)) = bare.split_once(['=', ':']) {
                key = name.trim().to_ascii_lowercase().replace('-', "_");
                values.insert(key.clone(), value.trim().to_owned());
            }
        }
        Self(sections)
    }

    /// Whether there is such a section.
    pub(crate) fn has(&self, section: &str) -> bool {
        self.0.contains_key(section)
    }

    /// A value.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.0.get(section)?.get(key).map(String::as_str)
    }

    /// All keys of a section with their values.
    pub(crate) fn section(&self, section: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.get(section).into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The entries of a value that lists one a line.
pub(crate) fn list(value: &str) -> Vec<String> {
    value.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_lists() {
        let ini = Ini::parse(
            "[options]\ninstall-requires =\n    a>=1\n    # no\n    b\n; no\n[tool:pytest]\naddopts: -q\n[empty]\n",
        );
        assert_eq!(list(ini.get("options", "install_requires").unwrap()), ["a>=1", "b"]);
        assert_eq!(ini.get("tool:pytest", "addopts"), Some("-q"));
        assert!(ini.has("empty"));
        assert!(!ini.has("none"));
        assert_eq!(ini.section("tool:pytest").collect::<Vec<_>>(), [("addopts", "-q")]);
    }
}
