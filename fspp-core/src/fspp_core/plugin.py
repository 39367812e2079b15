"""Core's own components, registered through the same hooks as anyone's."""

from __future__ import annotations

FSPP_API = 1
