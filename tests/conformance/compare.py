"""Runs opsrun against recordings and shows where it differs.

python tests/conformance/compare.py [CASE...]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.cases import LAB_HOSTS, Case, all_cases, lay_out
from conformance.kept import Programs, programs
from conformance.normal import differences
from conformance.running import normal_for, with_opsrun


def compare(
    case: Case, lab: Path | None, programs: Programs, folder: Path | None = None
) -> list[str]:
    """One line for each difference of opsrun's doings from the recording."""
    found = []
    for number, expected in enumerate(json.loads(case.recording.read_text())):
        run = tuple(expected.pop("run"))
        with tempfile.TemporaryDirectory(prefix="conf-", dir=folder) as top:
            place = lay_out(case, run, Path(top).resolve(), lab)
            try:
                got = with_opsrun(place, normal_for(place, lab), programs)
            except AssertionError as error:
                found.append(f"run {number}: {error}")
                continue
        err = got.pop("err").strip()
        here = [f"run {number}: {line}" for line in differences(expected, got)]
        if here and err:
            here.append(f"run {number}: it said: {err}")
        found += here
    return found


@contextmanager
def lab_for(cases: Iterable[Case]) -> Iterator[Path | None]:
    """The inventory of a lab, where one of the cases needs it."""
    if not any("lab" in case.needs for case in cases):
        yield None
        return
    from opsrun.lab import Lab

    with (
        tempfile.TemporaryDirectory(prefix="lab-") as folder,
        Lab(Path(folder).resolve() / "lab", hosts=LAB_HOSTS, server="sshd") as lab,
    ):
        yield Path(lab.inventory)


def possible(case: Case) -> bool:
    """Whether it can be run here."""
    return "root" not in case.needs or os.geteuid() == 0


def main() -> int:
    """Compare all cases, or those that are named; 1 if there is a difference."""
    chosen = [case for case in all_cases() if not sys.argv[1:] or case.name in sys.argv[1:]]
    chosen = [case for case in chosen if possible(case) and case.recording.exists()]
    with lab_for(chosen) as lab, programs() as kept, ThreadPoolExecutor(3) as pool:
        every = []
        for case, found in zip(
            chosen, pool.map(lambda each: compare(each, lab, kept), chosen), strict=True
        ):
            every.append(found)
            lines = [f"{case.name}: {'agrees' if not found else f'{len(found)} differences'}"]
            print("\n    ".join([*lines, *found]), flush=True)
    well = sum(not found for found in every)
    print(f"{well} of {len(chosen)} cases agree")
    return 0 if well == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
