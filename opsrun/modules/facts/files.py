"""What one grep(1) and one ls(1) told of many files and links."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE = re.compile(r"(.)\S* .*? (/.*)")


class Files:
    """Texts and links by path.

    Args:
        texts: lines ``PATH:TEXT``, as ``grep -H`` prints them.
        links: lines as ``ls -ld`` prints them.
    """

    def __init__(self, texts: str, links: str) -> None:
        lines: dict[str, list[str]] = {}
        for line in texts.split("\n"):
            path, colon, text = line.partition(":")
            if colon and path.startswith("/"):
                lines.setdefault(path, []).append(text)
        self._texts = {path: "\n".join(told) + "\n" for path, told in lines.items()}
        self._links: dict[str, str] = {}
        for line in links.split("\n"):
            found = _LINE.fullmatch(line)
            if found is not None:
                path, arrow, target = found[2].partition(" -> ")
                self._links[path] = target if arrow and found[1] == "l" else ""

    def get(self, path: str) -> str | None:
        """A file's text; None where nothing was read of it."""
        return self._texts.get(path)

    def text(self, path: str) -> str:
        """A file's text; empty where nothing was read of it."""
        return self._texts.get(path, "")

    def value(self, path: str) -> str:
        """A file's text without what surrounds it; empty where nothing was read of it."""
        return self._texts.get(path, "").strip()

    def number(self, path: str) -> int | None:
        """A decimal number; None where there is none."""
        text = self.value(path)
        return int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else None

    def there(self, path: str) -> bool:
        """Whether something is there, as far as it was asked for."""
        return path in self._links or path in self._texts

    def target(self, path: str) -> str:
        """Where a link leads; empty where it is none."""
        return self._links.get(path, "")

    def names(self, directory: str) -> list[str]:
        """Names below a directory of which anything is known, in order."""
        prefix = f"{directory}/"
        found: dict[str, None] = {}
        for path in (*self._links, *self._texts):
            if path.startswith(prefix):
                found[path[len(prefix) :].split("/")[0]] = None
        return list(found)

    def links_below(self, directory: str) -> Iterator[tuple[str, str]]:
        """Names of links in a directory, and where each leads."""
        prefix = f"{directory}/"
        for path, target in self._links.items():
            if target and path.startswith(prefix) and "/" not in path[len(prefix) :]:
                yield path[len(prefix) :], target
