"""Hashes of passwords, made and checked on the controller."""
