"""Reading: plain JSON from JSON, YAML, TOML and Python values, and the positions of values."""

MAX_DIGITS = 4300
"""The most digits of an integer: the default limit of CPython for conversions."""
