"""What tests of templates share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.playbook.templating.library import Library, LookupContext, PluginError
from opsrun.playbook.templating.templar import Templar

WRITTEN = Origin("play.yml", 3, 5, kind="yaml")


def _items(terms: list[Any], run: Any, **options: Any) -> list[Any]:
    return [each for term in terms for each in (term if isinstance(term, list) else [term])]


def _failing(terms: list[Any], run: Any, **options: Any) -> list[Any]:
    raise PluginError(f"can't read {terms[0]!r}")


def _seen(terms: list[Any], run: Any, **options: Any) -> list[Any]:
    return [run.variables[term] for term in terms]


@pytest.fixture(scope="session")
def library() -> Library:
    """Jinja's own filters, and lookups that need nothing."""
    standard = Library.standard()
    lookups = {"items": _items, "failing": _failing, "seen": _seen}
    return standard.extended(lookups=lookups)


@pytest.fixture
def templar(library: Library) -> Callable[..., Templar]:
    """A templar of variables as a file has them: texts with delimiters are templates."""

    def made(context: LookupContext | None = None, /, **variables: Any) -> Templar:
        return Templar(trusted(variables, WRITTEN), library, context)

    return made


@pytest.fixture
def render(templar: Callable[..., Templar]) -> Callable[..., Any]:
    """Renders what the operator has written."""

    def rendered(value: Any, **variables: Any) -> Any:
        return templar(**variables).render(trusted(value, WRITTEN))

    return rendered
