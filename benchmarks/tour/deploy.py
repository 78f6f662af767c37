"""``tour.yml`` as one writes it for pyinfra: facts where nothing is changed, operations elsewhere.

What looks at files that the deploy itself makes is a callback among the operations.
"""

from io import StringIO

from pyinfra import host
from pyinfra.facts.files import File, FileContents
from pyinfra.facts.server import Command
from pyinfra.operations import files, python

base = f"{host.data.get('root')}/{host.name}"
packages = ["alpha", "beta", "gamma", "delta", "epsilon"]
words = {"inventory_hostname": host.name, "packages": packages}

files.directory(name="base", path=base, mode="755")
files.directory(name="conf dir", path=f"{base}/conf.d", mode="750")
files.put(name="motd", src=StringIO(f"welcome to {host.name}\n"), dest=f"{base}/motd", mode="644")
files.put(name="limits", src=StringIO("nofile 65535\n"), dest=f"{base}/limits", mode="600")
for name in ("main", "second"):
    files.template(
        name=f"{name} config",
        src="main.j2",
        dest=f"{base}/{name}.conf",
        mode="640",
        jinja_env_kwargs={"trim_blocks": True},
        **words,
    )
for item in packages:
    part = f"{base}/conf.d/{item}.conf"
    files.put(name=f"part {item}", src=StringIO(f"{item}\n"), dest=part, mode="644")
files.link(name="link", path=f"{base}/current", target="main.conf")
kernel = host.get_fact(Command, command="uname -r")
who = host.get_fact(Command, command="id -un")
assert f"{kernel}-{who}".strip("-")
files.file(name="gone", path=f"{base}/old", present=False)


def verify() -> None:
    """What the playbook asserts of the files."""
    main = host.get_fact(File, path=f"{base}/main.conf")
    assert main
    assert int(main["mode"]) == 640
    assert int(host.get_fact(Command, command=f"ls {base} | wc -l")) > 4
    assert host.name in host.get_fact(FileContents, path=f"{base}/motd")[0]


python.call(name="verify", function=verify)
