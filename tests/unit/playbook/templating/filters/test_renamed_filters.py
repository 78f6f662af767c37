"""Filters that have become tests say so."""

from __future__ import annotations

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import TemplateError
from opsrun.playbook.templating.filters import renamed
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'1.2' | version_compare('1.1', '>')", r"write 'x is version\(…\)'"),
        ("{'changed': true} | changed", "write 'x is changed'"),
        ("nosuch | failed", "write 'x is failed'"),
        ("'a' | match('a')", r"write 'x is match\(…\)'"),
    ],
)
def test_names_the_test(expression: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        Templar({}, Library.standard()).render(Template("{{ " + expression + " }}"))


def test_every_test_that_is_named_is_there() -> None:
    library = Library.standard()
    named = {*renamed._TESTS, *renamed._WITH_ARGUMENTS.values()}
    assert {name for name in named if library.tests.get(name) is None} == set()
    taken = {
        name for name in renamed.FILTERS if library.filters.get(name) is not renamed.FILTERS[name]
    }
    assert taken == set()
