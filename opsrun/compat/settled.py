"""What Ansible has settings for and no options, as hidden options of ours."""

from __future__ import annotations

from opsrun.compat.settings import Settings
from opsrun.compat.translation import ERROR, NotTranslated, Translation


def fact_cache(made: Translation, settings: Settings, *, flush: bool) -> None:
    """Where facts are kept, if they are; ``flush`` empties that first. Raises NotTranslated."""
    folder = settings.fact_cache()
    made.remarks += [each for each in settings.remarks if each not in made.remarks]
    if folder is not None:
        made.add("--fact-cache", folder.path)
        made.add("--fact-cache-timeout", number(settings, "fact_caching_timeout"))
        made.add("--fact-cache-prefix", settings.text("fact_caching_prefix"))
        made.flag("--flush-cache", flush)
    elif flush:
        words = "there is no fact cache, and facts are not kept beyond a run"
        made.remarks.append(f"--flush-cache has no effect: {words}")


def settled(made: Translation, settings: Settings) -> None:
    """What there are settings for, and no options. Raises NotTranslated."""
    for name in ("gather_subset", "fact_path"):
        made.add("--" + name.replace("_", "-"), settings.text(name))
    for name in ("gather_timeout", "task_timeout", "poll_interval"):
        made.add("--" + name.replace("_", "-"), number(settings, name))
    made.add("--managed", settings.text("ansible_managed"))
    made.flag("--any-errors-fatal", settings.is_on("any_errors_fatal"))
    made.flag("--custom-stats", settings.is_on("show_custom_stats"))
    for kind in ("ok", "skipped"):
        told = settings.get(f"display_{kind}_hosts")
        made.flag(f"--hide-{kind}", told is not None and not told.truth)
    for kind in ("filter", "test", "lookup"):
        told = settings.get(f"{kind}_plugins")
        made.add(f"--{kind}-plugins", *(told.paths if told is not None else ()))


def number(settings: Settings, name: str) -> str | None:
    """A setting that is a number; None where it is not made. Raises NotTranslated."""
    told = settings.get(name)
    if told is not None and not told.value.strip().isdigit():
        raise NotTranslated(f"{told.place}: expected a number, found {told.value!r}", ERROR)
    return None if told is None else told.value.strip()
