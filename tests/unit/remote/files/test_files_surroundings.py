"""What users have in their environment changes nothing of what is done to files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.remote_files import archive, hosted, path, plain, put, tar_part, tree, write

from opsrun.remote.files.delivery import Attributes, Delivery, NewDirectory
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.trees.entry import Entry, Kind


def surrounded(*settings: str) -> tuple[str, ...]:
    """Words that run a script with these variables."""
    return ("env", *settings, "/bin/sh", "-c")


def deliver_both_ways(files: RemoteFiles, top: Path) -> None:
    """Files as they are, files in an archive, a directory that only its stage may be written."""
    contents = {b"plain": b"1", b"shut/inner": b"2"}
    new = (NewDirectory(b"shut", 0o555),)
    put(files, Delivery(path(top), plain(contents, 0o640), new), contents)
    packed = {b"packed": b"3"}
    data = archive(packed, mode=0o604)
    put(files, Delivery(path(top), (tar_part(data, packed),)), packed, [data])
    files.set_attributes(path(top), [Attributes((b"packed",), mode=0o600)])
    modes = {n: stat.S_IMODE(os.stat(path(top, n)).st_mode) for n in (b"plain", b"packed", b"shut")}
    assert modes == {b"plain": 0o640, b"packed": 0o600, b"shut": 0o555}
    assert tree(top) == contents | packed | {b"shut": None}


@pytest.mark.parametrize(
    "setting",
    [
        # As all of BSD's programs are: no option, and no "--", behind the first operand.
        "POSIXLY_CORRECT=1",
        "TAR_OPTIONS=--exclude=packed --verbose",
        "CDPATH=/:/tmp",
        "TMPDIR=/none",
        "LC_ALL=tr_TR.UTF-8",
        "IFS=/.x",
    ],
)
def test_delivering(top: Path, setting: str) -> None:
    with hosted(prefix=surrounded(setting)) as files:
        deliver_both_ways(files, top)


def test_fetching_with_options_for_tar(top: Path) -> None:
    write(top, b"a", b"1")
    came = bytearray()
    with hosted(prefix=surrounded("TAR_OPTIONS=--exclude=a --verbose")) as files:
        sums = files.pack(path(top), [Entry(b"a", Kind.FILE, 0o644, 1, 0, 0, 0)], came.extend)
    assert set(sums) == {b"a"}
    assert bytes(came[:3]) == b"./a"
