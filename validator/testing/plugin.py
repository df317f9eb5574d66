"""Plugin: the pytest fixtures, which are registered by an entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..validator import Validator


@pytest.fixture(scope="session")
def talonschema_validator(pytestconfig: pytest.Config) -> Validator:
    """Return a validator with the settings of talonschema.toml or pyproject.toml at rootdir."""
    from ..validator import Validator

    try:
        return Validator.from_config(pytestconfig.rootpath)
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)
