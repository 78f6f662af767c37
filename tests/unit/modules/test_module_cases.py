"""Every case of tests/cases, over a session on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_cases import load, make, modules, placed, tree, usual
from support.module_host import ModuleHost, module_host
from support.shells import shared_shells

from opsrun.modules.options import OptionError

ALL = [(module, case) for module in modules() for case in load(module)]
DIFFERING = {
    "touching something new": {"diff"},
    "a zip archive": {"diff"},
    "modes of what is in a zip archive": {"diff"},
    "what is in a directory of the host": {"dest", "src", "checksum", "md5sum", "msg"},
}
"""What we leave out of a result, or have besides; each a row of docs/dialect.md."""
LACKS = {"busybox": {"xz", "zip", "tar --exclude"}}
"""What there is not; busybox's xz only unpacks."""
FORESEEN = {"archive": {"archived", "dest_state"}}
"""What check mode tells of a module here, and not there."""


@pytest.fixture(scope="module")
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModuleHost]:
    """One session for all cases: none leaves anything behind that changes another."""
    shell = shared_shells(*request.param)
    with module_host(tmp_path_factory.mktemp("here"), shell.words, shell.prefix) as found:
        yield found


def _ran(host: ModuleHost, module: str, case: dict[str, Any], top: str, check: bool) -> Any:
    try:
        args = placed(case.get("args", {}), top)
        told = host.run(module, args, check=check, diff=check)
    except OptionError as error:
        told = {"changed": False, "failed": True, "msg": str(error)}
    return usual(told, top)


def _as(theirs: Any, ours: Any) -> Any:
    """Ours, without the exit status that failures have with us, and not with them."""
    both = theirs.get("failed") and ours.get("failed") and "rc" not in theirs
    return _without(ours, {"rc"}) if both else ours


def _without(result: Any, names: set[str]) -> Any:
    return {key: value for key, value in result.items() if key not in names}


def _both() -> Iterator[Any]:
    """All of them on the system's programs; and on busybox's those that those can't do, and with
    ``make soak`` all: `test_module_portability` has the few that send every line."""
    for shell in (("dash", "system"), ("busybox ash", "busybox")):
        for module, case in ALL:
            rare = shell[1] == "busybox" and not LACKS["busybox"] & set(case.get("needs", ()))
            name = f"{shell[1]}-{module}: {case['name']}"
            yield pytest.param(
                shell, module, case, id=name, marks=[pytest.mark.soak] if rare else []
            )


@pytest.mark.parametrize(("host", "module", "case"), [*_both()], indirect=["host"])
def test_a_case(
    host: ModuleHost,
    tmp_path: Path,
    module: str,
    case: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    top = tmp_path / "top"
    before = case.get("before", {})
    make(before, top)
    left_out = DIFFERING.get(case["name"], set())
    only_ours = left_out | FORESEEN.get(module, set())
    if LACKS.get(request.node.callspec.params["host"][1], set()) & set(case.get("needs", ())):
        assert _ran(host, module, case, str(top), False)["failed"]
        assert tree(top) == dict(sorted(before.items()))
        return

    checked = _ran(host, module, case, str(top), True)
    assert tree(top) == dict(sorted(before.items()))
    # What the dialect's own module can't foresee, ours may.
    foreseen = checked["failed"] and case["result"]["failed"]
    theirs = "skipped" in case["check"] or (module == "unarchive" and "skipped" in checked)
    if not theirs and not foreseen:
        assert _without(checked, only_ours) == _without(case["check"], only_ours)

    result = _ran(host, module, case, str(top), False)
    assert tree(top) == case["after"]
    assert _as(case["result"], _without(result, left_out)) == _without(case["result"], left_out)

    again = _ran(host, module, case, str(top), False)
    assert _as(case["again"], _without(again, left_out)) == _without(case["again"], left_out)
