"""Which of some versions is the newest."""

from collections.abc import Iterable

from packaging.version import Version


def newest(texts: Iterable[str], *, pre: bool = False) -> str | None:
    """The newest as it was written; pre-releases count only when `pre` is set."""
    versions = [(Version(text), text) for text in texts]
    fit = [(v, text) for v, text in versions if pre or not v.is_prerelease]
    return max(fit)[1] if fit else None
