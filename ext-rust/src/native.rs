//! What of the distribution well-known crates and linkers need.
//!
//! Invariant: a package stands here because a build fails without it.

/// Crates that link with a library of the system, or call a program of it, while they build.
const CRATES: &[(&str, &[&str])] = &[
    ("alsa-sys", &["libasound2-dev"]),
    ("bindgen", &["libclang-dev"]),
    ("capnpc", &["capnproto"]),
    ("cmake", &["cmake", "g++"]),
    ("curl-sys", &["libcurl4-openssl-dev"]),
    ("cxx", &["g++"]),
    ("gobject-sys", &["libglib2.0-dev"]),
    ("gtk-sys", &["libgtk-3-dev"]),
    ("gtk4-sys", &["libgtk-4-dev"]),
    ("hidapi", &["libudev-dev"]),
    ("libdbus-sys", &["libdbus-1-dev"]),
    ("librocksdb-sys", &["g++"]),
    ("libseccomp-sys", &["libseccomp-dev"]),
    ("libsqlite3-sys", &["libsqlite3-dev"]),
    ("libsystemd-sys", &["libsystemd-dev"]),
    ("libudev-sys", &["libudev-dev"]),
    ("libxml", &["libxml2-dev"]),
    ("link-cplusplus", &["g++"]),
    ("mysqlclient-sys", &["libmariadb-dev"]),
    ("nettle-sys", &["nettle-dev"]),
    ("openssl-src", &["perl"]),
    ("openssl-sys", &["libssl-dev"]),
    ("pam-sys", &["libpam0g-dev"]),
    ("pcap", &["libpcap-dev"]),
    ("pq-sys", &["libpq-dev"]),
    ("prost-build", &["protobuf-compiler"]),
    ("protobuf-src", &["g++"]),
    ("rdkafka-sys", &["g++"]),
    ("sasl2-sys", &["libsasl2-dev"]),
    ("sdl2-sys", &["libsdl2-dev"]),
    ("wayland-sys", &["libwayland-dev"]),
    ("webkit2gtk-sys", &["libwebkit2gtk-4.1-dev"]),
    ("x11", &["libx11-dev"]),
    ("yeslogic-fontconfig-sys", &["libfontconfig-dev"]),
];

/// The packages that the crates of a lock need.
pub(crate) fn of_lock(lock: &str) -> impl Iterator<Item = &'static str> {
    let name = |line: &str| {
        let name = line.strip_prefix("name = \"")?.strip_suffix('"')?;
        let row = CRATES.binary_search_by_key(&name, |(crate_name, _)| crate_name).ok()?;
        CRATES.get(row).map(|(_, packages)| *packages)
    };
    let found: Vec<_> = lock.lines().filter_map(name).flatten().copied().collect();
    found.into_iter()
}

/// The package that brings what Cargo's configuration names: a linker, or a flag that chooses one.
pub(crate) fn of_linker(word: &str) -> Option<&'static str> {
    let word = word.strip_prefix("-Clink-arg=").or(word.strip_prefix("link-arg=")).unwrap_or(word);
    match word.strip_prefix("-fuse-ld=").unwrap_or(word) {
        "clang" => Some("clang"),
        "clang++" => Some("clang"),
        "lld" | "ld.lld" => Some("lld"),
        "mold" => Some("mold"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_in_order() {
        assert!(CRATES.is_sorted_by_key(|(name, _)| name));
    }

    #[test]
    fn locks() {
        let lock = "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.1\"\ndependencies = [\n \"cmake\",\n]\n\
                    [[package]]\nname = \"serde\"\n[[package]]\nname = \"cxx\"\n";
        assert_eq!(of_lock(lock).collect::<Vec<_>>(), ["libssl-dev", "g++"]);
    }

    #[test]
    fn linkers() {
        for (word, package) in [
            ("clang", Some("clang")),
            ("link-arg=-fuse-ld=mold", Some("mold")),
            ("-Clink-arg=-fuse-ld=lld", Some("lld")),
            ("x86_64-apple-darwin-clang", None),
            ("-C", None),
            ("target-cpu=native", None),
        ] {
            assert_eq!(of_linker(word), package, "{word}");
        }
    }
}
