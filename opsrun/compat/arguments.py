"""The options of Ansible's programs, read as they read them: argparse, abbreviations included."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from opsrun.compat.settings import HONOURED, VAULT_SETTINGS, Settings
from opsrun.compat.settled import fact_cache, number, settled
from opsrun.compat.ssh_words import ssh_options
from opsrun.compat.translation import ERROR, OPTIONS, NotTranslated, Translation
from opsrun.errors import did_you_mean

VERSION = "2.18.0"
"""The ansible-core whose dialect opsrun speaks; what scripts look for in ``--version``."""

GATHERING = ("implicit", "explicit", "smart")
_CALLBACKS = {"default": "ansible", "ansible.builtin.default": "ansible"}


def parser_of(program: str) -> ArgumentParser:
    """The options that `ansible`, `ansible-playbook` or `ansible-inventory` take."""
    parser = ArgumentParser(prog=program, description=f"{program}, carried out by opsrun.")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument(
        "-i", "--inventory", "--inventory-file", action="append", default=[], metavar="SOURCE"
    )
    parser.add_argument("-l", "--limit", metavar="PATTERN")
    parser.add_argument("-e", "--extra-vars", action="append", default=[], metavar="VARS")
    _vault(parser)
    if program != "ansible-playbook":
        parser.add_argument("--playbook-dir", metavar="DIR")
    if program == "ansible-inventory":
        _inventory(parser)
        return parser
    _connection(parser)
    if program == "ansible-playbook":
        _playbook(parser)
    else:
        _adhoc(parser)
    return parser


def _vault(parser: ArgumentParser) -> None:
    parser.add_argument("--vault-id", action="append", default=[])
    parser.add_argument(
        "--vault-password-file", "--vault-pass-file", action="append", default=[], metavar="FILE"
    )
    parser.add_argument("-J", "--ask-vault-password", "--ask-vault-pass", action="store_true")


def _connection(parser: ArgumentParser) -> None:
    parser.add_argument("-u", "--user", metavar="NAME")
    parser.add_argument("--private-key", "--key-file", metavar="FILE")
    parser.add_argument("-c", "--connection", metavar="KIND")
    parser.add_argument("-T", "--timeout", metavar="SECONDS")
    for name in ("common", "extra"):
        parser.add_argument(f"--ssh-{name}-args", metavar="WORDS")
    for name in ("sftp", "scp"):
        parser.add_argument(f"--{name}-extra-args", metavar="WORDS")
    parser.add_argument("-k", "--ask-pass", action="store_true")
    parser.add_argument("--connection-password-file", "--conn-pass-file", metavar="FILE")
    parser.add_argument("-b", "--become", action="store_true")
    parser.add_argument("--become-method", metavar="METHOD")
    parser.add_argument("--become-user", metavar="NAME")
    parser.add_argument("-K", "--ask-become-pass", action="store_true")
    parser.add_argument("--become-password-file", "--become-pass-file", metavar="FILE")
    parser.add_argument("-f", "--forks", metavar="N")
    parser.add_argument("-C", "--check", action="store_true")
    parser.add_argument("-D", "--diff", action="store_true")
    parser.add_argument("-M", "--module-path", action="append", default=[], metavar="DIR")
    parser.add_argument("--list-hosts", action="store_true")


def _playbook(parser: ArgumentParser) -> None:
    parser.add_argument("--force-handlers", action="store_true")
    parser.add_argument("--flush-cache", action="store_true")
    parser.add_argument("-t", "--tags", action="append", default=[])
    parser.add_argument("--skip-tags", action="append", default=[])
    for name in ("--syntax-check", "--list-tasks", "--list-tags", "--step"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--start-at-task", metavar="NAME")
    parser.add_argument("playbooks", nargs="+", metavar="playbook")


def _adhoc(parser: ArgumentParser) -> None:
    parser.add_argument("-m", "--module-name", default="command", metavar="MODULE")
    parser.add_argument("-a", "--args", default="", metavar="ARGUMENTS")
    parser.add_argument("-o", "--one-line", action="store_true")
    parser.add_argument("-t", "--tree", metavar="DIR")
    parser.add_argument("-B", "--background", metavar="SECONDS")
    parser.add_argument("-P", "--poll", metavar="SECONDS")
    parser.add_argument("--task-timeout", metavar="SECONDS")
    parser.add_argument("pattern")


def _inventory(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true")
    what.add_argument("--host", metavar="NAME")
    what.add_argument("--graph", action="store_true")
    parser.add_argument("-y", "--yaml", action="store_true")
    parser.add_argument("--toml", action="store_true")
    parser.add_argument("--vars", action="store_true")
    parser.add_argument("--export", action="store_true")
    parser.add_argument("--output", metavar="FILE")
    parser.add_argument("group", nargs="?")


def playbook_words(given: Namespace, settings: Settings) -> Translation:
    """``opsrun playbook`` for what ansible-playbook was told.

    Raises:
        NotTranslated: opsrun doesn't do what is asked for.
    """
    made = Translation(["playbook", *given.playbooks], remarks=list(settings.remarks))
    made.add("-o", _output(settings))
    _shared(made, given, settings)
    made.add("--tags", *(given.tags or _several(settings, "tags")))
    made.add("--skip-tags", *(given.skip_tags or _several(settings, "skip_tags")))
    made.add("--start-at-task", given.start_at_task)
    for name in ("syntax_check", "list_tasks", "list_tags", "step", "list_hosts"):
        made.flag("--" + name.replace("_", "-"), getattr(given, name))
    made.flag("--force-handlers", given.force_handlers or settings.is_on("force_handlers"))
    made.add("--gathering", _gathering(settings))
    settled(made, settings)
    fact_cache(made, settings, flush=given.flush_cache)
    strict = settings.get("error_on_missing_handler")
    made.flag("--allow-missing-handlers", strict is not None and not strict.truth)
    made.add("--odd-conditions", _odd_conditions(settings))
    return made


def _odd_conditions(settings: Settings) -> str:
    lenient = settings.get("allow_broken_conditionals")
    if lenient is not None and not lenient.truth:
        return "refuse"
    told = settings.get("deprecation_warnings")
    return "warn" if told is None or told.truth else "take"


def _gathering(settings: Settings) -> str | None:
    told = settings.get("gathering")
    if told is None:
        return None
    word = told.value.strip().lower()
    if word not in GATHERING:
        words = f"expected one of {', '.join(GATHERING)}, found {told.value!r}"
        raise NotTranslated(f"{told.place}: {words}{did_you_mean(word, GATHERING)}", ERROR)
    return word


def _several(settings: Settings, name: str) -> list[str]:
    told = settings.text(name)
    return [] if told is None else [part.strip() for part in told.split(",") if part.strip()]


def _output(settings: Settings) -> str:
    told = settings.get("stdout_callback")
    if told is None:
        return "ansible"
    if told.value not in _CALLBACKS:
        known = ", ".join(sorted(_CALLBACKS))
        words = f"{told.place}: opsrun has no output {told.value!r}; it has {known}"
        raise NotTranslated(words, ERROR)
    return _CALLBACKS[told.value]


def _shared(made: Translation, given: Namespace, settings: Settings) -> None:
    """What a playbook and a single module have in common."""
    vault_words(made, given, settings)
    _refuse_what_is_not_built(given)
    made.add("-i", *inventory_sources(given, settings))
    made.add("--limit", given.limit)
    made.add("-e", *given.extra_vars)
    made.add("-f", given.forks or settings.text("forks"))
    made.flag("--check", given.check)
    made.flag("--diff", given.diff or settings.is_on("diff"))
    _verbosity(made, given, settings)
    _reach(made, given, settings)
    _become(made, given, settings)
    _defaults(made, given, settings)


def _refuse_what_is_not_built(given: Namespace) -> None:
    for name in ("sftp_extra_args", "scp_extra_args"):
        if getattr(given, name):
            option = "--" + name.replace("_", "-")
            raise NotTranslated(
                f"{option}: opsrun copies over the session, by neither sftp nor scp"
            )


def vault_words(made: Translation, given: Namespace, settings: Settings) -> None:
    """Where secrets for what is encrypted come from; settings go by Ansible's variables, which
    opsrun reads, too."""
    made.add("--vault-id", *given.vault_id)
    made.add("--vault-password-file", *given.vault_password_file)
    made.flag("--ask-vault-pass", given.ask_vault_password)
    made.environment |= vault_environment(settings)


def vault_environment(settings: Settings) -> dict[str, str]:
    """Ansible's variables for what the configuration file says of vaults."""
    found: dict[str, str] = {}
    for name in VAULT_SETTINGS:
        told = settings.get(name)
        if told is not None:
            is_path = name == "vault_password_file"
            found[HONOURED[name][0]] = told.path if is_path and told.value else told.value
    return found


def inventory_sources(given: Namespace, settings: Settings) -> list[str]:
    """Where hosts come from; an inventory without a host where nothing says."""
    if given.inventory:
        return list(given.inventory)
    told = settings.get("inventory")
    if told is None:
        return []
    parts = [part for part in told.value.split(",") if part]
    if told.value.endswith(","):
        return [told.value]
    return [told._path(part) for part in parts]


def _verbosity(made: Translation, given: Namespace, settings: Settings) -> None:
    told = settings.get("verbosity")
    if told is not None and not told.value.strip().isdigit():
        raise NotTranslated(f"{told.place}: expected a number, found {told.value!r}", ERROR)
    count = given.verbose or (int(told.value) if told is not None else 0)
    if count:
        made.words.append("-" + "v" * count)


def _reach(made: Translation, given: Namespace, settings: Settings) -> None:
    made.add("-u", given.user or settings.text("remote_user"))
    key = settings.get("private_key_file")
    made.add("--private-key", given.private_key or (key.path if key else None))
    made.add("-T", given.timeout or settings.text("timeout"))
    made.add("--retries", number(settings, "retries"))
    made.add("--port", settings.text("remote_port"))
    made.flag("-k", given.ask_pass or settings.is_on("ask_pass"))
    file = settings.get("connection_password_file")
    made.add("--password-file", given.connection_password_file or (file.path if file else None))
    checking = settings.get("host_key_checking")
    if checking is not None and not checking.truth:
        made.add("--host-key-checking", "off")
    ways = (
        ("ssh_args", "ssh_args", None),
        ("--ssh-common-args", "ssh_common_args", given.ssh_common_args),
        ("--ssh-extra-args", "ssh_extra_args", given.ssh_extra_args),
    )
    for option, name, typed in ways:
        told = settings.get(name)
        text, place = (typed, option) if typed else (told and told.value, told and told.place)
        if text and place:
            made.add("-O", *ssh_options(text, place))


def _become(made: Translation, given: Namespace, settings: Settings) -> None:
    made.flag("-b", given.become or settings.is_on("become"))
    made.add("--become-user", given.become_user or settings.text("become_user"))
    made.add("--become-method", given.become_method or settings.text("become_method"))
    made.flag("-K", given.ask_become_pass or settings.is_on("become_ask_pass"))
    file = settings.get("become_password_file")
    made.add("--become-password-file", given.become_password_file or (file.path if file else None))


def _defaults(made: Translation, given: Namespace, settings: Settings) -> None:
    made.add("--connection", given.connection or settings.text("transport"))
    made.add("--strategy", settings.text("strategy"))
    for option, name in (
        ("--roles-path", "roles_path"),
        ("--collections-path", "collections_path"),
    ):
        told = settings.get(name)
        made.add(option, *(told.paths if told is not None else []))
    if settings.is_on("nocolor"):
        made.environment["NO_COLOR"] = "1"
    elif settings.is_on("force_color"):
        made.environment["FORCE_COLOR"] = "1"
    library = settings.get("library")
    paths = [path for words in given.module_path for path in words.split(":") if path]
    made.add("--module-path", *(paths or (library.paths if library is not None else [])))


def inventory_words(given: Namespace, settings: Settings) -> Translation:
    """``opsrun inventory`` for what ansible-inventory was told. Raises NotTranslated."""
    for name in ("toml", "playbook_dir", "extra_vars", "export"):
        if getattr(given, name):
            option = "--" + name.replace("_", "-")
            raise NotTranslated(f"{option}: opsrun inventory can't do this yet", OPTIONS)
    if given.host is not None and given.yaml:
        raise NotTranslated("--host with --yaml: opsrun inventory can't do this yet", OPTIONS)
    if given.graph:
        words = ["graph", *([given.group] if given.group else [])]
    else:
        words = ["host", given.host] if given.host is not None else ["list"]
    made = Translation(["inventory", *words], remarks=list(settings.remarks))
    folder = settings.get("playbook_dir")
    if folder is not None:
        made.remarks.append(
            f"{folder.place} has no effect: opsrun inventory reads the sources alone"
        )
    vault_words(made, given, settings)
    made.flag("--vars", given.vars and given.graph)
    made.flag("--yaml", given.yaml)
    made.add("--limit", given.limit)
    made.add("-i", *inventory_sources(given, settings))
    return made


def adhoc_words(given: Namespace, settings: Settings, playbook: str) -> Translation:
    """``opsrun playbook`` for what ansible was told, the task being in ``playbook``.

    Raises:
        NotTranslated: opsrun doesn't do what is asked for.
    """
    for name in ("tree", "background", "poll", "task_timeout"):
        if getattr(given, name):
            raise NotTranslated(f"--{name.replace('_', '-')}: opsrun can't do this yet")
    made = Translation(["playbook", playbook], remarks=list(settings.remarks))
    made.add("-o", "jsonl")
    folder = settings.get("playbook_dir")
    made.add("--playbook-dir", given.playbook_dir or (folder.path if folder else "."))
    _shared(made, given, settings)
    made.flag("--list-hosts", given.list_hosts)
    return made


__all__ = [
    "VERSION",
    "adhoc_words",
    "inventory_sources",
    "inventory_words",
    "parser_of",
    "playbook_words",
    "ssh_options",
    "vault_environment",
    "vault_words",
]
