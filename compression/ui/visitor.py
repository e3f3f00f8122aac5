"""Who a visitor is: a random id that their browser keeps, which owns their runs and is never shown.

Whoever has signed in to the Hub has an id made of their user name instead, the same in all their browsers. A secret of
this server goes into it, for the id is the credential, and a user name is known to all.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any

# What the browser keeps: the visitor's id and the last run's.
NOBODY = {"visitor": "", "run": ""}
_VISITOR = re.compile(r"[A-Za-z0-9_-]{32}")  # 24 random bytes in base64
_BY_NAME = "hub-"  # and 28 characters more, 168 bits
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def known(browser: Any) -> dict[str, str]:
    """What the browser keeps, checked: it comes from the visitor, so it may be anything."""
    kept = browser if isinstance(browser, dict) else NOBODY
    visitor, run = kept.get("visitor"), kept.get("run")
    if not isinstance(visitor, str) or not _VISITOR.fullmatch(visitor):
        visitor = secrets.token_urlsafe(24)
    return {"visitor": visitor, "run": run if isinstance(run, str) and _RUN.fullmatch(run) else ""}


def by_name(user: str, secret: bytes) -> str:
    """The visitor who has signed in as `user`."""
    return _BY_NAME + urlsafe_b64encode(hmac.digest(secret, user.encode(), "sha256")).decode()[:28]


def has_name(visitor: str) -> bool:
    """Whether the visitor had signed in when this id was given."""
    return visitor.startswith(_BY_NAME)
