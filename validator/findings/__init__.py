"""Findings: what can be wrong with a payload, as data."""
