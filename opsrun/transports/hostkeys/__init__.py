"""known_hosts: whose key is it. OpenSSH's verdicts, from an index that is read once a run."""
