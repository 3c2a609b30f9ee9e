"""What ends a calibration."""

from __future__ import annotations


class CalibrationError(Exception):
    """It cannot be run, or not to its end; the message says what to type next."""
