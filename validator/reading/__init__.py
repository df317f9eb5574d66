"""Reading: JSON, YAML, TOML and Python values as plain JSON, and the positions of their parts."""

MAX_DIGITS = 4300
"""The most digits of an integer: CPython converts no longer text by default."""
