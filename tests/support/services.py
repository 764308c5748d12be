"""What to do when something that a test needs is not installed."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str, how: str) -> NoReturn:
    """Skip on a laptop; fail where everything has to be there."""
    text = f"{what} is not installed here; {how} installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
