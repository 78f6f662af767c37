"""How the picture looks. Plain rules without variables: more programs than browsers draw it."""

from __future__ import annotations

from collections.abc import Mapping

_LIGHT = {
    "page": "#ffffff",
    "ink": "#1f2328",
    "pale": "#656d76",
    "card": "#f6f8fa",
    "line": "#d0d7de",
    "row": "#ffffff",
    "role": "#ddf4ff",
    "role_line": "#54aeff",
    "block": "#fff8e5",
    "block_line": "#d4a72c",
    "part": "#ffebe9",
    "part_line": "#ff8182",
    "file": "#f0f3f6",
    "handler": "#fbefff",
    "handler_line": "#c297ff",
    "order": "#57606a",
    "notify": "#8250df",
    "gate": "#bc4c00",
}
_DARK = {
    "page": "#0d1117",
    "ink": "#e6edf3",
    "pale": "#9198a1",
    "card": "#151b23",
    "line": "#3d444d",
    "row": "#0d1117",
    "role": "#12263f",
    "role_line": "#1f6feb",
    "block": "#2b2411",
    "block_line": "#9e6a03",
    "part": "#35171a",
    "part_line": "#b62324",
    "file": "#1c232c",
    "handler": "#271c3b",
    "handler_line": "#6e40c9",
    "order": "#9198a1",
    "notify": "#ab7df8",
    "gate": "#f0883e",
}


def _rules(c: Mapping[str, str]) -> str:
    boxes = {
        "play": ("card", "line"),
        "section": ("card", "line"),
        "task": ("row", "line"),
        "role": ("role", "role_line"),
        "block": ("block", "block_line"),
        "part": ("file", "line"),
        "rescue": ("part", "part_line"),
        "import": ("file", "line"),
        "include": ("file", "line"),
        "handlers": ("card", "line"),
        "handler": ("handler", "handler_line"),
    }
    found = [f".{k}>rect{{fill:{c[fill]};stroke:{c[line]}}}" for k, (fill, line) in boxes.items()]
    for edge in ("order", "notify", "gate"):
        found.append(f"path.{edge}{{stroke:{c[edge]}}}.tip.{edge}{{fill:{c[edge]}}}")
    found.append(f".page{{fill:{c['page']}}}text{{fill:{c['ink']}}}")
    found.append(f".small,.aside,.kind{{fill:{c['pale']}}}")
    return "".join(found)


STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif;"
    "font-size:13px}"
    ".title{font-size:20px;font-weight:600}.name{font-size:16px;font-weight:600}"
    ".small,.aside,.kind{font-size:11px}"
    "rect{stroke-width:1}.import>rect,.include>rect{stroke-dasharray:4 3}"
    "path{fill:none;stroke-width:1.4}.tip{stroke:none}"
    "path.order{stroke-width:2}path.gate{stroke-dasharray:6 4;stroke-width:1.8}"
    "path.notify{stroke-opacity:.55}.edge:hover path{stroke-width:3.5;stroke-opacity:1}"
    + _rules(_LIGHT)
    + "@media (prefers-color-scheme:dark){"
    + _rules(_DARK)
    + "}"
)
