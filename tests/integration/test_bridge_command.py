"""``--bridge``: tasks that ansible-core, as a program, does in opsrun's place."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from support import ansible_core, disposable
from support.background import finished, opsrun_started
from support.cli import Ran, opsrun
from support.processes import mentioning, wait_gone

from opsrun.lab import Lab

CORE = shutil.which("ansible-playbook")
MODULE = """\
#!/usr/bin/python3
import os
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(
    argument_spec=dict(text=dict(), path=dict(), token=dict(no_log=True)), supports_check_mode=True
)
path, text = module.params["path"], module.params["text"]
if path and not module.check_mode:
    with open(path, "w") as file:
        file.write(text)
module.exit_json(changed=True, text=text, uid=os.getuid(), who=os.environ.get("WHO"))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a module of Ansible's kind, and an inventory."""
    (tmp_path / "library").mkdir()
    (tmp_path / "module_utils").mkdir()
    (tmp_path / "library/note.py").write_text(MODULE)
    local = "ansible_connection=local ansible_python_interpreter=/usr/bin/python3"
    (tmp_path / "hosts").write_text(f"[all]\none {local}\ntwo {local}\nthree {local}\n")
    return tmp_path


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Stands for ansible-playbook."""
    return ansible_core.install(tmp_path / "programs")


def run(home: Path, program: Path | str, tasks: str, *words: str, hosts: str = "one") -> Ran:
    lines = "".join(f"    {line}\n" for line in tasks.strip("\n").splitlines())
    (home / "site.yml").write_text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n{lines}")
    bridge = ("--bridge", "--bridge-program", str(program))
    return opsrun("playbook", "-i", "hosts", *bridge, *words, "site.yml", cwd=home)


def results(ran: Ran) -> list[dict[str, Any]]:
    return [each for each in ran.document["events"] if each["type"] == "task_result"]


def test_what_is_said_and_what_comes_back(home: Path, program: Path) -> None:
    ran = run(
        home,
        program,
        """
- note:
    text: "{{ inventory_hostname }} {{ '{{ x }}' }}"
    token: hush
    answer: {changed: true, text: "{{ '{{ y }}' }}", ansible_facts: {colour: red}, invocation: {}}
  environment: {WHO: me}
  check_mode: true
  register: found
- debug: {msg: "{{ colour }} {{ found.text }} {{ found.invocation is defined }}"}
- note: {answer: {failed: true, msg: no way}}
  ignore_errors: true
""",
        *("-o", "json", "-D"),
    )
    assert ran.status == 0, ran.out + ran.err
    first, second, third = results(ran)
    assert first["outcome"] == "changed"
    assert second["result"]["msg"] == "red {{ y }} False"
    assert (third["outcome"], third["ignored"]) == ("failed", True)
    assert third["result"]["msg"] == "no way"
    bridge = ran.document["summary"]["bridge"]
    assert (bridge["calls"], bridge["modules"]) == (2, 1)
    call = ansible_core.calls(program)[0]
    assert call["module"] == "note"
    assert call["task"]["note"]["text"] == "one {{ x }}"
    assert call["plain"] == [], "nothing is rendered twice"
    assert call["task"]["environment"] == {"WHO": "me"}
    assert (call["task"]["check_mode"], call["task"]["diff"]) == (True, True)
    python = call["variables"].pop("ansible_python_interpreter")
    assert python == "/usr/bin/python3"
    assert call["variables"] == {"ansible_connection": "local", "ansible_become": False}
    assert call["private"]
    assert {call["files"][name] for name in ("hosts.yml", "task.yml", "ssh_config")} == {0o600}
    assert call["environment"]["ANSIBLE_LIBRARY"] == str(home / "library")
    assert call["environment"]["ANSIBLE_MODULE_UTILS"] == str(home / "module_utils")
    assert not Path(call["folder"]).exists()


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_hosts_loops_and_attempts(home: Path, program: Path, engine: str) -> None:
    tasks = """
- note: {answer: {n: "{{ item }}"}}
  loop: [1, 2]
- note: {answer: {n: 1}}
  register: found
  until: found.n == 2
  retries: 1
  delay: 0
  failed_when: false
- acme.net.vlan: {id: 7}
"""
    ran = run(home, program, tasks, "-v", "--engine", engine, hosts="one,two")
    assert ran.status == 0, ran.out + ran.err
    assert "ansible-core was called 10 times for 2 modules: " in ran.err
    assert "info: one: ansible-core did note in " in ran.err
    done = [call["module"] for call in ansible_core.calls(program)]
    assert sorted(done) == ["acme.net.vlan"] * 2 + ["note"] * 8


def test_what_can_not_be_had_with_it(home: Path, program: Path) -> None:
    tasks = """
- note: {text: a}
  async: 5
  ignore_errors: true
- note: {broken: true}
  ignore_errors: true
- noote: {}
  ignore_errors: true
- note: {answer: {msg: the secret}}
  no_log: true
"""
    ran = run(home, program, tasks)
    assert "async can't be had with it" in ran.out
    broken = "ansible-core: couldn't resolve module/action 'note'. It is misspelt. · ignored\n"
    assert broken in ran.out
    assert "no module 'noote'; did you mean 'note'?; nor has ansible-core here" in ran.err
    assert "the secret" not in ran.out + ran.err
    assert ran.status == 0


def test_delegates_and_other_users(home: Path, program: Path) -> None:
    (home / "hosts").write_text(
        "one ansible_host=192.0.2.1 ansible_user=ann ansible_password=opensesame\n"
        "two ansible_host=192.0.2.2 ansible_port=2222\n"
    )
    tasks = """
- note: {answer: {msg: "it was opensesame"}}
  become: true
  become_user: deploy
  register: found
- debug: {msg: "{{ found.msg }}"}
- note: {}
  delegate_to: two
- note: {}
  delegate_to: localhost
"""
    words = ("-J", "jump@192.0.2.9:2200", "-F", "none", "-o", "json")
    ran = run(home, program, tasks, *words)
    assert ran.status == 0, ran.out + ran.err
    assert results(ran)[1]["result"]["msg"] == "it was ********"
    own, two, here = ansible_core.calls(program)
    variables = own["variables"]
    assert (variables["ansible_host"], variables["ansible_user"]) == ("192.0.2.1", "ann")
    assert variables["ansible_password"] == "opensesame"
    assert (variables["ansible_become_user"], variables["ansible_become"]) == ("deploy", True)
    hop, _, direct = own["ssh_config"].partition("Host * !opsrun-hop-*\n")
    assert 'Host opsrun-hop-1\n  HostName "192.0.2.9"\n  Port 2200\n  User "jump"\n' in hop
    assert "  ProxyJump opsrun-hop-1\n" in direct
    assert "  StrictHostKeyChecking yes\n" in direct
    assert (two["host"], two["variables"]["ansible_port"]) == ("two", 2222)
    assert here["variables"]["ansible_connection"] == "local"


def test_it_is_missing_or_too_old(home: Path, tmp_path: Path) -> None:
    (home / "hosts").write_text("one ansible_host=192.0.2.1\n")
    ran = run(home, tmp_path / "none/ansible-playbook", "- note: {}")
    assert (ran.status, ran.out) == (2, "")
    assert "there is no program" in ran.err
    old = ansible_core.install(tmp_path / "old", "ansible-playbook 2.9.27")
    ran = run(home, old, "- note: {}")
    assert (ran.status, ran.out) == (2, "")
    assert "expected ansible-core 2.12 or newer, and --version says" in ran.err
    said = "ansible-playbook [core 2.18.0]\n  opsrun version = 1"
    ours = ansible_core.install(tmp_path / "ours", said)
    ran = run(home, ours, "- note: {}")
    assert "is opsrun under the name of Ansible's" in ran.err
    ran = opsrun("playbook", "-i", "one,", "--bridge-program", str(old), "site.yml", cwd=home)
    assert "say --bridge, too" in ran.err


def test_it_is_asked_for_nothing_that_opsrun_has(home: Path, tmp_path: Path) -> None:
    ran = run(home, tmp_path / "none/ansible-playbook", "- ping:")
    assert ran.status == 0, ran.err
    assert "ansible-core" not in ran.err


def test_without_it_such_a_task_fails_and_tells_of_it(home: Path) -> None:
    (home / "site.yml").write_text("- {hosts: one, gather_facts: false, tasks: [{note: {}}]}\n")
    ran = opsrun("playbook", "-i", "hosts", "site.yml", cwd=home)
    assert ran.status == 1
    assert "--bridge has it do such tasks" in ran.out


def test_exec_calls_a_module(home: Path, program: Path) -> None:
    bridge = ("--bridge", "--bridge-program", str(program))
    words = ("exec", "-i", "hosts", "-w", "one", *bridge, "-m", "acme.net.vlan", "-o", "json")
    ran = opsrun(*words, "-a", '{"answer": {"changed": true}}', cwd=home)
    assert ran.status == 0, ran.out + ran.err
    assert ran.results["one"]["outcome"] == "changed"
    assert ran.document["summary"]["bridge"]["calls"] == 1


def test_a_task_has_a_limit(home: Path, program: Path) -> None:
    ran = run(home, program, "- note: {hang: true}\n  timeout: 1")
    assert ran.status == 1
    assert "the task's limit of 1 s was reached: ansible-core was ended" in ran.out
    [call] = ansible_core.calls(program)
    assert not Path(call["folder"]).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind(home: Path, program: Path, number: int) -> None:
    begun = program.parent / "begun"
    os.mkfifo(begun)
    run(home, program, "- note: {hang: true}", "--syntax-check")
    words = ("playbook", "-i", "hosts", "--bridge", "--bridge-program", str(program), "site.yml")
    process = opsrun_started(*words, cwd=home)
    pid = int(begun.read_text())
    [call] = ansible_core.calls(program)
    assert Path(call["folder"]).is_dir()
    others = mentioning(call["folder"])
    assert pid in others
    os.kill(process.pid, number)
    finished(process)
    assert all(wait_gone(other) for other in (pid, *others))
    assert not Path(call["folder"]).exists()


@pytest.mark.skipif(CORE is None, reason="ansible-core is not installed")
def test_the_real_one_over_ssh(home: Path, few_hosts: Lab) -> None:
    shutil.copy(few_hosts.inventory, home / "hosts")
    tasks = """
- note: {text: "{{ '{{ x }}' }} ä😀", path: there, token: hush}
  environment: {WHO: me}
  check_mode: true
  register: found
- debug: {msg: "{{ found.text }} {{ found.who }} {{ found.changed }}"}
- note: {text: a, answer: b}
  ignore_errors: true
- note: {text: "{{ item }}"}
  loop: [1]
  delegate_to: localhost
  vars: {ansible_python_interpreter: /usr/bin/python3}
"""
    assert CORE is not None
    ran = run(home, CORE, tasks, "-o", "json", hosts="web01")
    assert ran.status == 0, ran.out + ran.err
    first, second, third, item, *_ = results(ran)
    assert first["outcome"] == "changed"
    assert second["result"]["msg"] == "{{ x }} ä😀 me True"
    assert "Unsupported parameters" in third["result"]["msg"]
    assert (item["delegate"], item["result"]["text"]) == ("localhost", "1")
    assert ran.document["summary"]["bridge"]["calls"] == 3


@pytest.mark.skipif(CORE is None, reason="ansible-core is not installed")
@pytest.mark.skipif(bool(disposable.obstacle()), reason=str(disposable.obstacle()))
def test_the_real_one_with_a_password(home: Path, tmp_path: Path) -> None:
    assert CORE is not None
    prepare = """
        useradd -m -s /bin/sh ann && echo 'ann:open%sesame' | chpasswd
        sed -i '/^PasswordAuthentication/s/no/yes/' /run/opsrun/sshd_config
    """
    with disposable.machine(tmp_path / "machine", prepare) as made:
        said = made.variables("ann", ansible_password="open%sesame")
        del said["ansible_ssh_private_key_file"]
        said["ansible_ssh_common_args"] = (
            f"{said['ansible_ssh_common_args']} -o IdentityFile=none -o IdentityAgent=none"
        )
        hosts = {"box": said, "refused": {**said, "ansible_password": "shut%sesame"}}
        (home / "hosts").unlink()
        (home / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
        (home / "site.yml").write_text("- {hosts: all, gather_facts: false, tasks: [{note: {}}]}")
        words = ("--bridge", "--bridge-program", CORE, "-o", "json", "site.yml")
        ran = opsrun("playbook", "-i", "hosts.yml", *words, cwd=home)
        uid = int(made.run("id", "-u", "ann").stdout)
    told = {each["host"]: each for each in results(ran)}
    if shutil.which("sshpass") is None and told["box"]["outcome"] == "failed":
        assert "sshpass(1) is missing on this machine" in told["box"]["result"]["msg"]
    else:
        assert told["box"]["result"]["uid"] == uid, ran.out + ran.err
        assert told["refused"]["outcome"] == "unreachable"
    assert "sesame" not in ran.out + ran.err
