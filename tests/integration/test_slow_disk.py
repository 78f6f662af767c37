"""What comes from hosts faster than our disk takes it waits there, and not in our memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from opsrun.lab import Lab

_SLOWLY = """\
import resource, sys, time
from opsrun.trees.writing import StagedFile
pause, before = time.sleep, StagedFile._write_all
writes = []
def slowly(file, offset, rest):
    writes.append(len(rest))
    pause(0.002)
    before(file, offset, rest)
StagedFile._write_all = slowly
from opsrun.cli.main import main
status = main(sys.argv[1:], standalone_mode=False)
print(status, max(writes), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("ways", [("--engine", "gevent"), ("--engine", "threads"), ("--sftp",)])
def test_a_large_file_to_a_slow_disk(lab: Lab, tmp_path: Path, ways: tuple[str, ...]) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    piece = bytes(range(1, 256)) * 4112
    with large.open("wb") as file:
        for _ in range(96):
            file.write(piece)
    small.write_bytes(b"x")

    def peak(path: Path) -> int:
        words = [
            "get",
            "-i",
            str(lab.inventory),
            "-w",
            "web01",
            *ways,
            str(path),
            str(tmp_path / "here"),
        ]
        done = subprocess.run(
            [sys.executable, "-c", _SLOWLY, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        status, longest, kibibytes = map(int, done.stdout.split()[-3:])
        assert status == 0, done.stderr
        assert longest < 1 << 22, "not all at once"
        return kibibytes

    # In KiB: a quarter of the file is more than all windows and queues together.
    assert peak(large) - peak(small) < 24_000
    [copy] = (tmp_path / "here").rglob("large")
    assert copy.read_bytes() == large.read_bytes()
