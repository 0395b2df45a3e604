//! How images are shown.

use serde_json::{Value, json};

use crate::image::Own;

/// One line: fingerprint, id, size, when it was built.
fn line(image: &Own) -> String {
    let id: String = image.id.trim_start_matches("sha256:").chars().take(12).collect();
    let created = image.created.map_or("-".to_owned(), |time| time.to_utc().format("%F %H:%M").to_string());
    format!("{}  {id}  {:>8}  {created:<16}", image.fingerprint, size(image.size))
}

/// The same line, with words behind it.
pub(super) fn with(image: &Own, words: &str) -> String {
    format!("{}  {words}", line(image)).trim_end().to_owned()
}

/// As data.
pub(super) fn json(image: &Own) -> Value {
    let Own { name, fingerprint, id, size, created } = image;
    let created = created.map(|time| time.to_rfc3339());
    json!({ "name": name, "fingerprint": fingerprint, "id": id, "size": size, "created": created })
}

/// Bytes as engines show them: `73.8 MB`.
pub(in crate::command) fn size(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter().peekable();
    while let Some(unit) = units.next() {
        if number < 999.95 || units.peek().is_none() {
            let digits = usize::from(unit != "B" && number < 99.95);
            return format!("{number:.digits$} {unit}");
        }
        number /= 1000.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1500, "1.5 kB"),
            (73_808_793, "73.8 MB"),
            (902_600_000, "903 MB"),
            (999_999_999, "1.0 GB"),
            (5_000_000_000_000_000, "5000 TB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
