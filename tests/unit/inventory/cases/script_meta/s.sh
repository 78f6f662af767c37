#!/bin/sh
echo noise >&2
[ "$1" = --list ] || exit 9
cat <<'END'
{"g": ["h1","h2"], "k": {"hosts": ["h3", "h4"], "vars": {"a": "yes", "b": null, "ansible_group_priority": 10, "n": 1.0, "e": 1e3, "t": "{{ x }}"}, "children": ["g"]},
 "odd": {"x": 1}, "e": {}, "all": {"vars": {"z1": 1.0}}, "zz": {"children": ["unlisted"]}, "none": {"hosts": []},
 "_meta": {"hostvars": {"h1": {"p": {"z": 1, "a": [1]}}, "ghost": {"x": 1}}}}
END
