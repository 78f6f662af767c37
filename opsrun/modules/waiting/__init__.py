"""Waiting for ports, files and connections of a host."""
