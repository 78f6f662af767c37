"""Modules that people write themselves: of a playbook's ``library/``, a role's, a collection's.

===================  =========================================================================
what a file is       what is made of it
===================  =========================================================================
a Python class       the class itself: `python`
sh with a header     its options, and what its functions or its lines come to: `shell`
any other program    sent to the host with its arguments in a file, and run there: `program`
Ansible's Python     wants ansible-core around it on the host, and is refused here: `foreign`
===================  =========================================================================
"""
