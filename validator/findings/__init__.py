"""Findings: the problems of payloads, as data."""
