"""What all tests share: how hypothesis searches.

HYPOTHESIS_PROFILE=thorough makes it search longer; with CI set it takes the same steps each time.
"""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("quick", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
