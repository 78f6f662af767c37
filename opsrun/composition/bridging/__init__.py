"""The bridge to ansible-core: it is run as a program on this machine, for one task at a time.

Nothing of it is imported, and nothing of ours runs inside of it: what is to be done goes there as
an inventory of one host and a playbook of one task, in a folder that nobody else can read; what
came of it comes back as JSON.
"""

from __future__ import annotations
