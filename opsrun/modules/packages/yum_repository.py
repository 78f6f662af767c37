"""yum_repository: repositories of dnf and yum."""

from __future__ import annotations

import configparser
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.file_options import FileOptions
from opsrun.modules.looking import LOOK
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.texts.reading import LIMIT, Text, parse_read, read_script
from opsrun.modules.texts.writing import Writing, fresh
from opsrun.modules.wording import path_bytes, path_of, text_of, word
from opsrun.remote.command import CommandResult

_HIDDEN = "********"
_SECRETS = ("password", "proxy_password")
_LINES = ("baseurl", "gpgkey")
"""Options that stand in files as several lines; other lists stand in one."""

_REMOVE = r"""
x=$(digest sha1 "$f")
if [ -n "$x" ] && [ "$x" != "$sum" ]; then
  echo "$f has changed since it was read: nothing was removed" >&2
  exit 1
fi
rm -f -- "$f" || exit
"""

Sections = dict[str, dict[str, str]]


@module("yum_repository")
class YumRepository(FileOptions, StateModule[Text]):
    """See to it that dnf and yum know a repository, or no longer know it."""

    called: str = option(required=True, name="name", doc="What it is known by: its section.")
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    file: str | None = option(doc="The file's name without ``.repo``; the repository's otherwise.")
    reposdir: str = option("/etc/yum.repos.d", kind="path", doc="Where the files are.")
    description: str | None = option(doc="What it is, in words.")
    baseurl: Sequence[str] | None = option(elements="str", doc="Where its ``repodata`` is.")
    mirrorlist: str | None = option(doc="A URL with a list of base URLs.")
    metalink: str | None = option(doc="A URL with a metalink.")
    enabled: bool | None = option(doc="Whether it is used.")
    gpgcheck: bool | None = option(doc="Whether packages need a signature.")
    repo_gpgcheck: bool | None = option(doc="Whether what it says of itself needs one.")
    gpgkey: Sequence[str] | None = option(elements="str", doc="URLs of keys to check them with.")
    gpgcakey: str | None = option(doc="URL of the key that those are signed with.")
    exclude: Sequence[str] | None = option(
        elements="str", aliases=("excludepkgs",), doc="Packages that are left out."
    )
    includepkgs: Sequence[str] | None = option(
        elements="str", doc="The only packages that are taken from it."
    )
    username: str | None = option(doc="Who is asking.")
    password: str | None = option(secret=True, doc="The password for that.")
    proxy: str | None = option(doc="A proxy's URL; ``_none_`` for no proxy.")
    proxy_username: str | None = option(doc="Who asks the proxy.")
    proxy_password: str | None = option(secret=True, doc="The password for that.")
    sslverify: bool | None = option(
        aliases=("validate_certs",), doc="Whether its certificate is checked."
    )
    sslcacert: str | None = option(aliases=("ca_cert",), doc="Certificates to check it with.")
    sslclientcert: str | None = option(aliases=("client_cert",), doc="A certificate of our own.")
    sslclientkey: str | None = option(aliases=("client_key",), doc="The key to that.")
    ssl_check_cert_permissions: bool | None = option(doc="Whether modes of those are looked at.")
    priority: str | None = option(doc="Less goes first.")
    cost: str | None = option(doc="What it costs beside others.")
    metadata_expire: str | None = option(doc="For how long what it says of itself is believed.")
    metadata_expire_filter: str | None = option(doc="When that matters.")
    mirrorlist_expire: str | None = option(doc="The same of the list of mirrors.")
    skip_if_unavailable: bool | None = option(doc="Whether it may be missing.")
    module_hotfixes: bool | None = option(doc="Whether modules hide none of its packages.")
    countme: bool | None = option(doc="Whether it is told that this host is there.")
    enablegroups: bool | None = option(doc="Whether its groups are known.")
    retries: str | None = option(doc="How often anything is tried.")
    timeout: str | None = option(doc="Seconds for a connection.")
    throttle: str | None = option(doc="How much may come in a second.")
    bandwidth: str | None = option(doc="What a percentage of throttle is of.")
    ip_resolve: str | None = option(
        choices=("4", "6", "IPv4", "IPv6", "whatever"), doc="Which addresses are taken."
    )
    failovermethod: str | None = option(
        choices=("roundrobin", "priority"), doc="In which order base URLs are tried."
    )
    http_caching: str | None = option(
        choices=("all", "packages", "none"), doc="What caches on the way may keep."
    )
    include: str | None = option(doc="A file that is read in its place.")
    keepalive: bool | None = option(doc="Whether connections are kept.")
    keepcache: str | None = option(choices=("0", "1"), doc="Whether packages are kept.")
    deltarpm_percentage: str | None = option(doc="From which size on differences are taken.")
    deltarpm_metadata_percentage: str | None = option(doc="The same of what tells of them.")
    protect: bool | None = option(doc="Whether others may not update its packages.")
    s3_enabled: bool | None = option(doc="Whether it is in S3.")
    ui_repoid_vars: str | None = option(doc="Variables that are shown behind its name.")
    in_parallel: bool | None = option(name="async", doc="Whether packages come side by side.")

    def inspect(self, context: Context) -> Inspection[Text]:
        """The file."""
        if self.state == "present":
            if not (self.baseurl or self.mirrorlist or self.metalink):
                words = "any of the following are missing: baseurl, mirrorlist, metalink"
                raise ModuleError(f"state is present but {words}")
            if self.description is None:
                raise ModuleError("state is present but description is missing")
        bad = "]" in self.called or "\n" in self.called
        if bad or "/" in (self.file or self.called):
            raise ModuleError(f"{self.file or self.called!r} can't be a repository's name")
        path = f"{self.reposdir}/{self.file or self.called}.repo"

        def parse(answer: CommandResult) -> Text:
            return parse_read(answer, self.wish, check=context.check)

        return Inspection(read_script(path, self.wish), parse, cap=LIMIT)

    def plan(self, text: Text, context: Context) -> Plan:
        """Put the repository's section in the place of the old one, and leave the others."""
        if not text.exists and text.answers.every("new"):
            raise ModuleError(f"Repo directory '{self.reposdir}' does not exist.")
        before = _read(text)
        after = {**before, self.called: dict(sorted(self._settings()))}
        if self.state == "absent":
            after = {name: each for name, each in before.items() if name != self.called}
        written = before != after
        was = text.seen if text.exists else fresh(text)
        settled = self.state == "absent" or not text.wanted.against(was)
        diff = Diff(_shown(before), _shown(after), text.path, text.path, alone=True)
        changed = written or (not settled and text.exists)
        data = {"repo": self.called, "state": self.state}
        result = ModuleResult(changed, data=data, diff=(diff,), warnings=text.wanted.warnings)
        if not changed:
            return Plan(result=result)
        if not written:
            lines = "".join(text.wanted.against(text.seen).lines(text.real))
            return Plan((Run(lines),), result)
        if not after:
            digest = hashlib.sha1(text.content).hexdigest()
            script = f"{LOOK}f={word(text.path)} sum={digest}\n{_REMOVE}"
            return Plan((Run(script),), result)
        content = path_bytes(_written(after))
        script = Writing(text, content, unsafe=self.unsafe_writes).script()
        return Plan((Run(script, content),), result)

    def _settings(self) -> Iterator[tuple[str, str]]:
        for name in _NAMES:
            value: Any = getattr(self, _ATTRIBUTES.get(name, name))
            if value is None:
                continue
            if isinstance(value, bool):
                value = str(int(value))
            elif not isinstance(value, str):
                value = ("\n" if name in _LINES else " ").join(value)
            yield name, value


_ATTRIBUTES = {"name": "description", "async": "in_parallel"}
_OF_THE_FILE = ("called", "state", "file", "reposdir", *_ATTRIBUTES.values())
_NAMES = (
    *_ATTRIBUTES,
    *(each for each in YumRepository.__annotations__ if each not in _OF_THE_FILE),
)
"""As they stand in the file."""


def _read(text: Text) -> Sections:
    """Its sections. ModuleError: it is no such file."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path_of(text.content))
    except configparser.Error as error:
        raise ModuleError(f"{text.path} can't be read as a repository's file: {error}") from error
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _written(sections: Mapping[str, Mapping[str, str]]) -> str:
    parser = configparser.RawConfigParser()
    for name in sections:
        parser[name] = dict(sorted(sections[name].items()))
    out = io.StringIO()
    parser.write(out)
    return out.getvalue()


def _shown(sections: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for name, settings in sections.items():
        lines.append(f"[{name}]")
        for key, value in sorted(settings.items()):
            lines.append(f"{key} = {_HIDDEN if key in _SECRETS else value}")
        lines.append("")
    return text_of(path_bytes("".join(f"{line}\n" for line in lines)))
