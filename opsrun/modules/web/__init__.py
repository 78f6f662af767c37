"""Requests over HTTP, made on the host with curl or wget, whichever it has."""
