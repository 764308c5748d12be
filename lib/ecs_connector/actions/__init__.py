"""Search-path shim: makes the root `actions/` importable as `ecs_connector.actions`.

In a wheel the action modules lie in this folder; in a checkout they lie in the root's.
"""

from __future__ import annotations

import os

_ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "actions"))
if os.path.isdir(_ROOT):
    __path__.append(_ROOT)
