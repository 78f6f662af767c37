"""Puts the rooms below together: ways to reach hosts, and one run from start to summary."""
