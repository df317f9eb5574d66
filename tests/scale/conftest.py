"""Tests of the examples for Spark and DuckDB, which `make test-spark` runs in their environment.

The environment of `make test` has neither of the two, and takes no notice of these tests.
"""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("pyspark") else ["test_*.py"]
