"""Checking: one payload, from reading it to the report."""
