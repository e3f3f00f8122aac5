"""Who a visitor is: a random id that their browser keeps, which owns their runs and is never shown."""

import re
import secrets
from typing import Any

# What the browser keeps: the visitor's id and the last run's.
NOBODY = {"visitor": "", "run": ""}
_VISITOR = re.compile(r"[A-Za-z0-9_-]{32}")  # 24 random bytes in base64
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def known(browser: Any) -> dict[str, str]:
    """What the browser keeps, checked: it comes from the visitor, so it may be anything."""
    kept = browser if isinstance(browser, dict) else NOBODY
    visitor, run = kept.get("visitor"), kept.get("run")
    if not isinstance(visitor, str) or not _VISITOR.fullmatch(visitor):
        visitor = secrets.token_urlsafe(24)
    return {"visitor": visitor, "run": run if isinstance(run, str) and _RUN.fullmatch(run) else ""}
