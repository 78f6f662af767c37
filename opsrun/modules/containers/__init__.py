"""Containers, their images, networks and projects, through docker(1) on the host."""
