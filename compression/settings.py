"""How much this host allows, read from environment variables: generous on a machine of one's own, strict on a Space.

A limit `name` is set by COMPRESSION_MAX_NAME. The README's table of them is checked against `Limits`.
"""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compression.config import RunConfig
from compression.errors import ConfigError

PREFIX = "COMPRESSION_MAX_"
Count = Annotated[int, Field(ge=1, le=10**15)]


class Limits(BaseModel):
    """What is allowed here, at the most; the values below are those of a machine of one's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: Count = 1_000_000_000  # of a student
    sequence_length: Count = 512  # tokens of a URL
    epochs: Count = 500  # of a run, over all its steps
    rows: Count = 10_000_000  # of a run's data, and of the texts it makes besides
    wall_seconds: Count = 7 * 24 * 3600  # from the begin of a run, or of its resumption, to its end
    visitor_bytes: Count = 50_000_000_000  # of what one visitor's runs leave
    artefact_bytes: Count = 200_000_000_000  # of what all runs leave
    upload_bytes: Count = 5_000_000  # of one file
    import_bytes: Count = 1_000_000_000  # of a run that was exported
    file_bytes: Count = 20_000_000  # of a file to classify
    file_rows: Count = 100_000
    queue: Count = 100  # runs waiting, of all visitors
    waiting: Count = 20  # runs of one visitor waiting

    def check(self, config: RunConfig) -> None:
        """Raises ConfigError if the recipe asks for more than is allowed, as far as it alone can tell."""
        learning = config.distillation
        if learning.max_length > self.sequence_length:
            raise _too_much("distillation.max_length", learning.max_length, self.sequence_length, "tokens")
        if (asked := training_epochs(config)) > self.epochs:
            raise _too_much("distillation.epochs", asked, self.epochs, "epochs over all steps")
        if learning.generated + learning.recombined > self.rows:
            longest = "generated" if learning.generated > learning.recombined else "recombined"
            raise _too_much(
                f"distillation.{longest}", learning.generated + learning.recombined, self.rows, "texts besides the data"
            )

    def check_rows(self, rows: int) -> None:
        """Raises ConfigError if the data has more rows than are allowed."""
        if rows > self.rows:
            raise _too_much("data", rows, self.rows, "rows")


# On a Space visitors are strangers, and share its processor and its disk of 50 GB.
HOSTED = {
    "parameters": 150_000_000,
    "epochs": 40,
    "rows": 200_000,
    "wall_seconds": 2 * 3600,
    "visitor_bytes": 2_000_000_000,
    "artefact_bytes": 20_000_000_000,
    "import_bytes": 200_000_000,
    "file_bytes": 5_000_000,
    "file_rows": 20_000,
    "queue": 40,
    "waiting": 2,
}


def limits(environment: Mapping[str, str] = os.environ) -> Limits:
    """What the environment says, and where it says nothing, what fits this host.

    Raises ConfigError for a value that is no whole number above 0, and for a variable that sets nothing.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    try:
        return Limits.model_validate((HOSTED if environment.get("SPACE_ID") else {}) | given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = f"{PREFIX}{name.upper()}"
        if name not in Limits.model_fields:
            near = get_close_matches(name, Limits.model_fields, 1) or list(Limits.model_fields)
            meant = " or ".join(f"{PREFIX}{known.upper()}" for known in near)
            raise ConfigError(f"The variable {variable} sets nothing. Use {meant}.") from None
        raise ConfigError(
            f"The variable {variable} is {str(first['input'])[:40]!r}. Give a whole number from 1 to 10¹⁵."
        ) from None


def training_epochs(config: RunConfig) -> int:
    """How many epochs a recipe trains for, over all the steps it takes."""
    removes = config.structured.heads or config.structured.neurons or config.structured.layers
    return (
        config.fine_tuning.epochs
        + config.distillation.epochs
        + (config.structured.epochs if removes else 0)
        + (config.pruning.epochs if config.pruning.sparsity else 0)
        + (config.qat.epochs if config.qat.start != "none" else 0)
    )


def _too_much(key: str, asked: int, most: int, what: str) -> ConfigError:
    return ConfigError(
        f"{key}: {asked:,} {what} are asked for, and this host allows {most:,}. Ask for fewer, or run it on a machine "
        "of your own.",
        key,
    )
