"""Everything that is wrong with playbooks, roles, variables and templates, found without a host.

The language is understood by `opsrun.playbook.parse` and nobody else: lint reads along
(`opsrun.playbook.parse.watching`), and rules look at what came of it.
"""
