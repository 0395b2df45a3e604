//! What dwf composes where a project has no Dockerfile, or would if it had none.

use crate::compose::{ComposeError, Composed, Wishes, compose};
use crate::identity;
use crate::plan::Answers;
use crate::project::Project;

/// What is composed of the answers; `None` where nothing says what an image needs.
pub(super) fn composed(project: &Project, answers: &Answers) -> Result<Option<Composed>, ComposeError> {
    compose(&Wishes {
        described: &answers.described,
        section: &project.config.file.image,
        pinned: &identity::pinned(project.lock.as_ref()),
    })
}
