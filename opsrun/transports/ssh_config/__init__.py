"""OpenSSH's client configuration as ssh_config(5) has it: Include, Match, tokens, origins."""
