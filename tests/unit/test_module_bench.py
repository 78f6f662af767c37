"""The bench on which people test modules of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsrun.errors import UsageError
from opsrun.testing.modules import module_bench

MODULE = """\
# opsrun module
# options:
#   path: {type: path, required: true}
inspect() { [ -e "$path" ]; }
apply() { : >"$path"; }
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "there.sh").write_text(MODULE)
    (folder / "liar.sh").write_text("#!/bin/sh\necho '{\"changed\": true}'\n")
    (folder / "never.sh").write_text("# opsrun module\nfail no\n")
    return folder


def test_the_law(library: Path, tmp_path: Path) -> None:
    with module_bench(library) as bench:
        assert bench.settled("there", {"path": str(tmp_path / "a")})["changed"]
        assert not bench.settled("there", {"path": str(tmp_path / "a")})["changed"]
        assert bench.settled("file", {"path": str(tmp_path / "d"), "state": "directory"})


def test_the_law_broken(library: Path) -> None:
    with module_bench(library) as bench:
        with pytest.raises(AssertionError, match="check mode said"):
            bench.settled("liar")
        with pytest.raises(AssertionError, match="never failed: no"):
            bench.settled("never")


def test_a_name_that_nobody_knows(library: Path) -> None:
    with module_bench(library) as bench, pytest.raises(UsageError, match="did you mean 'there'"):
        bench.run("their")
