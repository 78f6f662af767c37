"""Plays, blocks and tasks as they stand in the files, every inherited keyword handed down."""
