#!/bin/sh
echo '{"web": {"hosts": ["w1", "w2"], "vars": {"g": 1}}, "_meta": {"hostvars": {"w1": {"v": "dynamic"}}}}'
