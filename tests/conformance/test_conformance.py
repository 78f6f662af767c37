"""opsrun does what ansible-playbook was recorded to do: outcomes, results, files, recap."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from conformance.cases import HERE, RECORDINGS, Case, all_cases
from conformance.compare import compare, lab_for, possible
from conformance.kept import programs

CASES = {case.name: case for case in all_cases()}
DIFFERENT = {
    case: (re.compile(pattern), why)
    for case, pattern, why in (
        row.split("\t") for row in (HERE / "different.tsv").read_text().splitlines()[1:]
    )
}
"""Cases that are known to come out otherwise: what differs, and why. All else has to agree."""
AT_ONCE = 4

Found = dict[str, "Future[list[str]]"]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[Found]:
    """What differs, by case; all the cases that tests were chosen for run side by side."""
    names = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [spec.params["name"] for spec in names if spec and "name" in spec.params]
    cases = [CASES[name] for name in dict.fromkeys(chosen) if possible(CASES[name])]
    with lab_for(cases) as lab, programs() as kept, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case.name: pool.submit(compare, case, lab, kept) for case in cases}


def needs(case: Case) -> list[pytest.MarkDecorator]:
    """Marks for what a case can't do without."""
    return [
        *([pytest.mark.sshd] if "lab" in case.needs else []),
        *([pytest.mark.root] if "root" in case.needs else []),
    ]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs(case)) for name, case in CASES.items()]
)
def test_as_recorded(name: str, found: Found) -> None:
    differences = found[name].result()
    if name in DIFFERENT:
        pattern, why = DIFFERENT[name]
        known = [line for line in differences if pattern.fullmatch(line)]
        differences = [line for line in differences if line not in known]
        if not differences:
            assert known, f"{name} agrees now: take it out of different.tsv"
            pytest.xfail(why)
    assert not differences, "\n".join(differences)


def test_every_case_is_recorded_and_every_recording_has_its_case() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.json")} == set(CASES)


def test_recordings_hold_the_runs_of_their_playbooks() -> None:
    for case in CASES.values():
        recorded = json.loads(case.recording.read_text())
        assert [tuple(run["run"]) for run in recorded] == list(case.runs), case.name


def recorded_texts() -> list[tuple[Path, str]]:
    return [(path, path.read_text()) for path in sorted(RECORDINGS.glob("*.json"))]


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"(?<![\w$./])/(?:tmp|root|home|var|work)/\w", id="path"),
        pytest.param(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", id="MAC"),
        pytest.param(r"\b127\.(?:[1-9]\d*\.|0\.[1-9])", id="address of a lab"),
        pytest.param(r"_ansible_|Traceback|module_stdout", id="Ansible's insides"),
        pytest.param(rf"\b{re.escape(socket.gethostname())}\b", id="host name"),
    ],
)
def test_recordings_tell_nothing_of_the_machine_they_were_made_on(pattern: str) -> None:
    seen = [
        f"{path.name}: {match.group()}"
        for path, text in recorded_texts()
        if (match := re.search(pattern, text))
    ]
    assert not seen


def test_different_names_cases() -> None:
    assert set(DIFFERENT) <= set(CASES)
