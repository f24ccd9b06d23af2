"""The garbage collector and a state of 100,000 registrations, which it need not look through again and again."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def restoring() -> Iterator[None]:
    """What is made in this block stays for a term of office: it is not searched for garbage, now or later.

    With 100,000 registrations each look through everything would stop the service for 0.15 s (docs/performance.md).
    """
    gc.unfreeze()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
