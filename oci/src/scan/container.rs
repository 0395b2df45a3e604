//! The scanner in a container.
//!
//! Invariant: it sees the working directory of one scan and its own database, and no engine.

use std::path::Path;

use super::{DATABASE, NARROWING, PROGRAM, WORKDIR, args};
use crate::container::Container;
use crate::environment::EnvValue;
use crate::image::ImageName;
use crate::mount::Mount;
use crate::user::UserMapping;

/// Variables of the host that say where the database comes from. Proxies are not among them: their values, which may
/// hold passwords, have no way into a container that nobody else sees.
const REACHING: &[&str] = &["TRIVY_DB_REPOSITORY", "TRIVY_JAVA_DB_REPOSITORY"];

/// The scanner's container: what [`super::run`] is for the program. `host` is asked for variables.
#[must_use]
pub fn container<'a>(
    name: &str,
    image: ImageName,
    user: UserMapping,
    (workdir, database): (&Path, &Path),
    host: impl Fn(&str) -> Option<&'a str>,
) -> Container {
    let argv = std::iter::once(PROGRAM.to_owned()).chain(args());
    let mut container = Container::new(name, image, user, argv);
    container.workdir = WORKDIR.to_owned();
    let bind = |source: &Path, target: &str| Mount::Bind {
        source: source.to_owned(),
        target: target.to_owned(),
        readonly: false,
    };
    container.mounts = vec![bind(workdir, WORKDIR), bind(database, DATABASE)];
    let own = [("HOME", WORKDIR), ("TMPDIR", WORKDIR), ("TRIVY_CACHE_DIR", DATABASE)];
    // An image that brings such a variable must not narrow its own scan either.
    let own = own.into_iter().chain(NARROWING.iter().map(|name| (*name, "")));
    let own = own.map(|(name, value)| (name.to_owned(), EnvValue::from(value)));
    let reaching = REACHING.iter().filter_map(|name| Some((*name, host(name)?)));
    let reaching = reaching.map(|(name, value)| (name.to_owned(), EnvValue::FromHost(value.to_owned())));
    container.env = own.chain(reaching).collect();
    container
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::container;
    use crate::engine::{Engine, EngineKind};
    use crate::scan::IMAGE;
    use crate::user::user_args;
    use crate::version::Version;

    #[test]
    fn it_sees_its_folders_and_no_engine() {
        let check = |kind: EngineKind, user: &str| {
            let engine = Engine::new(kind, kind.to_string(), Version::new(4, 3, 1));
            let image = crate::ImageName::Ref(IMAGE.parse().unwrap());
            let folders = (Path::new("/c/.scan-1"), Path::new("/c/.scan"));
            let host = |name: &str| (name == "TRIVY_DB_REPOSITORY").then_some("mirror.example.org/db");
            let container =
                container("dwf-scan-1", image, user_args(&engine, (7, 7), None).unwrap(), folders, host);
            let line = container.run(&engine).unwrap();
            assert_eq!(line.env["TRIVY_DB_REPOSITORY"].as_deref(), Some("mirror.example.org/db"));
            let line = line.to_string();
            for part in [
                user,
                "--rm --name=dwf-scan-1 --cap-drop=ALL --security-opt=no-new-privileges",
                "--mount=type=bind,src=/c/.scan,dst=/database",
                "--mount=type=bind,src=/c/.scan-1,dst=/scan",
                "--workdir=/scan",
                "--env=TRIVY_CONFIG= ",
                "--env=TRIVY_DB_REPOSITORY ",
                "--entrypoint=trivy -- ghcr.io/aquasecurity/trivy@sha256:",
                " image --format=json ",
            ] {
                assert!(line.contains(part), "{part}\n{line}");
            }
            assert!(!line.contains(".sock"), "{line}");
            assert_eq!(line.matches("--mount").count(), 2);
        };
        check(EngineKind::Docker, "--user=7:7");
        check(EngineKind::Podman, "--user=7:7");
    }
}
