"""Testing: assertions about payloads and calls, a pytest plugin, and strategies for payloads.

The strategies are in `talonschema.testing.strategies`, which needs the extra ``testing``.
"""

from .assertions import assert_valid_payload, assert_valid_request

__all__ = ["assert_valid_payload", "assert_valid_request"]
