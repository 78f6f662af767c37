"""Starts the contestants, measures them from outside, and holds what they say against the facts."""
