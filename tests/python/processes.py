"""What tests that start processes share."""

from __future__ import annotations

import signal


def heed_interrupts() -> None:
    """For `preexec_fn`: background jobs inherit that Ctrl-C is ignored; a test must not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
