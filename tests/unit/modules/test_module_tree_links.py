"""Links in directories that copy takes along: to nothing, in circles, and to anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.module_host import module_host
from support.shells import SHELLS, shells


def _tree(top: Path) -> Path:
    source = top / "source"
    (source / "d").mkdir(parents=True)
    (source / "d/f").write_text("x")
    (top / "outside").mkdir()
    (top / "outside/back").symlink_to("../source")
    (top / "outside/g").write_text("y")
    for name, target in (
        ("nothing", "nowhere"),
        ("itself", "itself"),
        ("d/circle", "../"),
        ("file", "d/f"),
        ("away", "../outside"),
        ("twice", "d"),
    ):
        (source / name).symlink_to(target)
    return source


# Links on the controller are the same for each shell.
PLACES = [(SHELLS[0], False), *((shell, True) for shell in SHELLS)]


@pytest.mark.parametrize(("shell", "remote"), PLACES)
def test_links_to_nothing_and_in_circles_stay_links(
    tmp_path: Path, shell: str, remote: bool
) -> None:
    source, dest = _tree(tmp_path), tmp_path / "dest"
    found = shells(tmp_path, shell, "busybox" if shell == "busybox ash" else "system")
    args = {"src": f"{source}/", "dest": f"{dest}/", "remote_src": remote}
    with module_host(tmp_path, found.words, found.prefix) as host:
        assert host.run("copy", args, check=True)["changed"]
        assert not dest.exists()
        told = host.run("copy", args)
        assert told["changed"], told
        links = {str(each.relative_to(dest)) for each in dest.rglob("*") if each.is_symlink()}
        assert links == {"nothing", "itself", "d/circle", "away/back", "twice/circle"}
        assert (dest / "d/circle").readlink() == Path("..")
        assert (dest / "file").read_text() == (dest / "twice/f").read_text() == "x"
        assert (dest / "away/g").read_text() == "y"
        assert not host.run("copy", args)["changed"]
        (source / "d/f").write_text("z")
        assert host.run("copy", args)["changed"]
        assert (dest / "twice/f").read_text() == "z"
        assert not host.run("copy", args, check=True)["changed"]
