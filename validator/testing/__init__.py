"""Testing: assertions on payloads and calls, and a pytest plugin."""

from .assertions import assert_valid_payload, assert_valid_request

__all__ = ["assert_valid_payload", "assert_valid_request"]
