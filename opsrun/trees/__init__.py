"""This machine's side of files: walking, excluding, archives, comparing, putting into place.

Nothing here knows of hosts, connections or the engine; every call blocks, and callers that must not
be held up make it elsewhere.
"""
