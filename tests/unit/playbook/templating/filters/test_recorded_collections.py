"""What filters and lookups of collections give, against recordings of what the collections gave
under ansible-core 2.18 for the same expressions."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import TemplateError
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar

RECORDED = json.loads((Path(__file__).parent / "recorded_collections.json").read_text())
ROWS: list[list[Any]] = RECORDED["rows"]
CHUNK = 50


def evaluate(expression: str, **variables: Any) -> Any:
    templar = Templar({**RECORDED["variables"], **variables}, Library.standard())
    return templar.render(Template("{{ " + expression + " }}"))


def recorded(expression: str) -> Any:
    """As it was recorded: as JSON, so that keys are texts."""
    return json.loads(evaluate(f"({expression}) | to_json"))


@pytest.mark.parametrize("start", range(0, len(ROWS), CHUNK))
def test_gives_what_was_recorded(start: int) -> None:
    wrong = []
    for expression, works, *value in ROWS[start : start + CHUNK]:
        try:
            found: Any = recorded(expression)
        except TemplateError as error:
            if works:
                wrong.append((expression, str(error)))
            continue
        # By repr: 1, 1.0 and True are equal, and the order of keys counts.
        if not works or repr(found) != repr(value[0]):
            wrong.append((expression, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a | ansible.utils.get_path('b.c.d[0]')", 0),
        ("a | ansible.utils.get_path(\"b['x.y']\")", 1),
        ("a | ansible.utils.get_path('b.n')", None),
        ("[[1, 2]] | ansible.utils.get_path('[0].1')", 2),
        ("lookup('ansible.utils.get_path', a, 'b.c.e[0]')", True),
        ("{'a': 1} | ansible.utils.fact_diff({'a': 1})", []),
        (
            "{'a': 1} | ansible.utils.fact_diff({'a': 2})",
            [
                *("--- before", "+++ after", "@@ -1,3 +1,3 @@"),
                *(" {", '-    "a": 1', '+    "a": 2', " }", ""),
            ],
        ),
        ("'x' | ansible.utils.fact_diff('x')", []),
        ("{'s': {'k': 5, 'b': true}} | community.general.to_ini", "[s]\nk = 5\nb = True\n"),
        ("'[s]\nk = a\n b\n' | community.general.from_ini", {"s": {"k": "a\nb"}}),
        ("toml | community.general.from_toml", {"a": [1], "b": {"c": datetime.date(1979, 5, 27)}}),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    toml = "a = [1]\n[b]\nc = 1979-05-27\n"
    found = evaluate(expression, toml=toml)
    assert found == json.loads(json.dumps(expected, default=str))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a | ansible.utils.get_path('b.keys()')", "is no path: names"),
        ("a | ansible.utils.get_path('')", "the path is empty"),
        ("a | ansible.utils.get_path('b.ell')", "b has no 'ell'; did you mean 'el'?"),
        ("a | ansible.utils.get_path('b.c.d[7]')", r"b\.c\.d has no 7"),
        ("data | ansible.utils.index_of('nott', 1)", "there is no test 'nott'"),
        ("data | ansible.utils.index_of('eq', 1, 'k')", r"\[0\] is a number"),
        ("lookup('ansible.utils.index_of', data, 'eq', 1, valu=3)", "takes data, test, value"),
        ("intf | ansible.utils.keep_keys(['('], 'regex')", "is no regular expression"),
        ("intf | ansible.utils.keep_keys(['a'], 'begins')", "matching_parameter is one of"),
        ("'10' | community.general.random_mac(1) | community.general.random_mac", "1 to 5 bytes"),
        ("{'s': {'k': none}} | community.general.to_ini", r"s\.k has no value"),
        ("'a = = 1' | community.general.from_toml", "from_toml: Invalid value"),
        ("[4095] | ansible.netcommon.vlan_parser", "between 1 and 4094, not 4095"),
        ("'1-x' | ansible.netcommon.vlan_expander", "numbers like 1,3-5"),
        ("'1h' | community.general.to_time_unit('hourz')", "unknown unit 'hourz'"),
    ],
)
def test_says_what_was_expected(expression: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        evaluate(expression)


def test_paths_are_data_and_never_run() -> None:
    with pytest.raises(TemplateError, match=r"b has no '\{\{ 6"):
        evaluate("a | ansible.utils.get_path(path)", path="b['{{ 6 * 7 }}']")


def test_random_macs_differ_and_begin_as_they_should() -> None:
    found = {evaluate("'52:54:00' | community.general.random_mac") for _ in range(8)}
    assert len(found) > 1
    assert all(each.startswith("52:54:00:") and len(each) == 17 for each in found)
