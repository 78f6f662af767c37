"""Inspections that go out before their tasks' turns, and when their answers may be used."""
