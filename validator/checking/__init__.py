"""Checking: the check of a payload, from its reading to the report."""
