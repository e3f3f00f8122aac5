"""The data of the run on show, where it is on this host and may be read for whoever visits it."""

from typing import Any

from compression.config import RunConfig
from compression.data.sources import Split
from compression.errors import CompressionError
from compression.runs.worker import Runs
from compression.ui import form
from compression.ui.visitor import known


def tested(runs: Runs, browser: Any, config: RunConfig) -> Split | None:
    """The test URLs; None where they are not here, or are another's."""
    from compression.data.at_hand import at_hand

    return at_hand(config) if readable(runs, known(browser)["visitor"], config) else None


def readable(runs: Runs, visitor: str, config: RunConfig) -> bool:
    """Whether a recipe's data may be read for this visitor; for "" only what is anybody's."""
    try:
        form.refuse_local_paths(config)
        runs.check_uploads(config, visitor)
    except CompressionError:
        return False
    return True
