"""Logging of the command line: messages on stderr, beside progress bars, at the level the user asked for."""

from __future__ import annotations

import logging
import sys

LEVELS = ("debug", "info", "warning", "error")
OURS = "fspp"


class _Handler(logging.Handler):
    """Writes to stderr without breaking a progress bar that is being drawn there."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if "tqdm" in sys.modules:
                from tqdm import tqdm

                tqdm.write(text, file=sys.stderr)
            else:
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as the standard library's handlers do
            self.handleError(record)


class _Format(logging.Formatter):
    """Plain messages; those that matter more or less than usual say so."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno >= logging.WARNING:
            return f"{record.levelname.capitalize()}: {text}"
        return text if record.levelno == logging.INFO else f"[{record.name}] {text}"


def _concerns_user(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or record.name.startswith(OURS)


def start_logging() -> None:
    """Send what fspp and its plugins log from `info` on, and all warnings, to stderr."""
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(handler)
    handler = _Handler()
    handler.setFormatter(_Format())
    handler.addFilter(_concerns_user)
    root.addHandler(handler)
    set_level("info")


def set_level(name: str) -> None:
    """Show messages from this level on."""
    logging.getLogger().setLevel(name.upper())
