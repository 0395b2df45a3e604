import pytest
from packaging.version import InvalidVersion

from versions import newest


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], None),
        (["1.0"], "1.0"),
        (["1.9", "1.10"], "1.10"),
        (["1.0", "2.0rc1"], "1.0"),
    ],
)
def test_the_newest_release_wins(texts: list[str], expected: str | None) -> None:
    assert newest(texts) == expected


def test_pre_releases_count_when_asked_for() -> None:
    assert newest(["1.0", "2.0rc1"], pre=True) == "2.0rc1"


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(InvalidVersion):
        newest(["one"])
