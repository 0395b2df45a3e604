//! What git needs in a container: to be told that the workspace is the user's, and its repository where that is not in
//! the workspace.

use std::collections::BTreeMap;
use std::path::Path;

use devflow_oci::Mount;

use super::container::WORKSPACE;
use super::job::Job;

/// Where a repository outside the workspace is mounted.
pub const REPOSITORY: &str = "/run/dwf-git";
/// How many settings git takes from its environment.
pub(super) const COUNT: &str = "GIT_CONFIG_COUNT";

/// A repository whose worktree the workspace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// A file for `.git` of the workspace, which leads to [`REPOSITORY`].
    pub link: &'a Path,
}

impl Repository<'_> {
    /// Its mounts. Its hooks and its configuration are run by the host's git: nothing may be written there.
    pub(super) fn mounts(&self) -> [Mount; 2] {
        let bind =
            |source: &Path, target: String| Mount::Bind { source: source.to_owned(), target, readonly: true };
        [bind(self.folder, REPOSITORY.to_owned()), bind(self.link, format!("{WORKSPACE}/.git"))]
    }
}

/// Variables that let git work in folders whose owner has another number in the container, behind the settings that are
/// there already. It means every folder, because git has no way to name a folder with all below it before 2.46, and
/// submodules are folders of their own; a container has nothing but the image's and the project's.
pub(super) fn safe(count: Option<&str>) -> [(String, String); 3] {
    let before: u16 = count.and_then(|count| count.trim().parse().ok()).unwrap_or_default();
    let after = u32::from(before) + 1;
    [
        (COUNT.to_owned(), after.to_string()),
        (format!("GIT_CONFIG_KEY_{before}"), "safe.directory".to_owned()),
        (format!("GIT_CONFIG_VALUE_{before}"), "*".to_owned()),
    ]
}

/// The same for actions that bring settings of their own, which take the place of the container's.
pub fn keep_safe(jobs: &mut [Job]) {
    for choice in jobs.iter_mut().flat_map(|job| &mut job.start.choices) {
        add(&mut choice.env);
    }
}

fn add(env: &mut BTreeMap<String, Option<String>>) {
    if let Some(Some(count)) = env.get(COUNT) {
        let more = safe(Some(count));
        env.extend(more.map(|(name, value)| (name, Some(value))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_there_stay() {
        for (count, expected) in [
            (None, ["1", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"]),
            (Some("2"), ["3", "GIT_CONFIG_KEY_2", "GIT_CONFIG_VALUE_2"]),
            (Some("65535"), ["65536", "GIT_CONFIG_KEY_65535", "GIT_CONFIG_VALUE_65535"]),
            (Some("x"), ["1", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"]),
            (Some("-1"), ["1", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"]),
        ] {
            let [(name, number), (key, setting), (value, all)] = safe(count);
            assert_eq!([number.as_str(), key.as_str(), value.as_str()], expected);
            assert_eq!([name.as_str(), setting.as_str(), all.as_str()], [COUNT, "safe.directory", "*"]);
        }
    }

    #[test]
    fn an_actions_own_settings_stay() {
        let own =
            [(COUNT, Some("1")), ("GIT_CONFIG_KEY_0", Some("user.name")), ("GIT_CONFIG_VALUE_0", Some("n"))];
        let map = |list: &[(&str, Option<&str>)]| -> BTreeMap<String, Option<String>> {
            list.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
        };
        let mut env = map(&own);
        add(&mut env);
        let mut expected = map(&own);
        expected.extend(map(&[
            (COUNT, Some("2")),
            ("GIT_CONFIG_KEY_1", Some("safe.directory")),
            ("GIT_CONFIG_VALUE_1", Some("*")),
        ]));
        assert_eq!(env, expected);
        for none in [map(&[]), map(&[(COUNT, None)]), map(&[("A", Some("b"))])] {
            let mut env = none.clone();
            add(&mut env);
            assert_eq!(env, none);
        }
    }
}
