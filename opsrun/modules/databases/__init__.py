"""Modules of database servers, through the servers' own command line programs on the host."""
