"""What kind of module a file is."""

from __future__ import annotations

import pytest

from opsrun.modules.own.kinds import Interpreter, interpreter_of, kind_of


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.py", b"from opsrun.modules.base import Module\n", "python"),
        ("a.py", b"import opsrun\n", "python"),
        ("a", b"from opsrun import x\n", "words"),
        ("a.sh", b"#!/bin/sh\n# opsrun module\n", "shell"),
        ("a.sh", b"#!/bin/sh\n#opsrun module \r\n", "shell"),
        ("a.sh", b"#!/bin/sh\necho '# opsrun module'\n", "words"),
        ("a.py", b"#!/usr/bin/python\nfrom ansible.module_utils.basic import *\n", "foreign"),
        ("a.py", b"try:\n    from ansible.module_utils.six import x\n", "foreign"),
        ("a.py", b"from ansible_collections.a.b.plugins.module_utils.c import d\n", "foreign"),
        ("a.py", b"# uses ansible.module_utils\n", "words"),
        ("a.py", b"#!/usr/bin/python\n# WANT_JSON\n", "json"),
        ("a", b"\x7fELF\x02\x01\x01\x00\x00", "json"),
        ("a.rb", b"x = '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n", "json"),
        ("a.ps1", b"", "windows"),
        ("a", b"#!powershell\n", "windows"),
        ("a", b"#Requires -Module Ansible.ModuleUtils.Legacy\n", "windows"),
        ("a", b"#!/bin/sh\n", "words"),
        ("a", b"", "words"),
    ],
)
def test_what_a_file_is(name: str, content: bytes, kind: str) -> None:
    assert kind_of(name, content) == kind


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"#!/bin/sh\n", Interpreter("/bin/sh")),
        (b"#! /usr/bin/ruby -w\r\nputs 1\n", Interpreter("/usr/bin/ruby", "-w")),
        (b"#!/usr/bin/env python3\n", Interpreter("python3")),
        (b"#!/usr/bin/env -S perl -w\n", Interpreter("perl", "-w")),
        (b"#!/usr/bin/env\n", None),
        (b"echo\n", None),
        (b"\x7fELF", None),
        (b"", None),
    ],
)
def test_what_reads_a_program(content: bytes, found: Interpreter | None) -> None:
    assert interpreter_of(content) == found
