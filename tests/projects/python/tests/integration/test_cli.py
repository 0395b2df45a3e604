import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"


def versions(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "versions", *arguments],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.integration
def test_the_newest_is_printed() -> None:
    result = versions("0.9", "0.10")
    assert (result.returncode, result.stdout) == (0, "0.10\n")


@pytest.mark.integration
def test_no_release_is_a_failure() -> None:
    assert versions("1.0rc1").returncode == 1
