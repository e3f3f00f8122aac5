"""Which of a data set's own splits plays which part: train, validation or test."""

from collections.abc import Collection
from pathlib import Path

from compression.catalog import SPLIT_NAMES
from compression.config import SplitsConfig
from compression.data.files import SUFFIXES
from compression.data.labels import fold, listed
from compression.data.splits import SPLITS
from compression.errors import DataError

# 'eval' is a test split, and a validation split only beside another that tests: so test chooses first.
_ORDER = ("train", "test", "validation")


def cast(names: Collection[str], chosen: SplitsConfig, called: str) -> dict[str, str]:
    """Part → the split among `names` that plays it: the chosen one, else the one with the best known name, if any.

    Raises DataError, calling the data set by `called`, if a chosen split is not there or is to play two parts.
    """
    roles: dict[str, str] = {}
    for part, given in chosen.model_dump(exclude_none=True).items():
        found = _found(given, names)
        if found is None:
            raise DataError(
                f"{called} has no split {given!r}; it has {listed(sorted(names)) or 'none'}. "
                f"Name one of these (splits.{part} in the recipe)."
            )
        if found in roles.values():
            raise DataError(
                f"The split {found!r} cannot be both {_part_of(found, roles)} and {part}: what trains must not test. "
                f"Name another one (splits.{part} in the recipe)."
            )
        roles[part] = found
    for part in _ORDER:
        free = {fold(name): name for name in sorted(names) if name not in roles.values()}
        known = [free[name] for name in SPLIT_NAMES[part] if name in free]
        if part not in roles and known:
            roles[part] = known[0]
    return {part: roles[part] for part in SPLITS if part in roles}


def is_chosen(chosen: SplitsConfig) -> bool:
    """Whether the recipe says of any part which split plays it."""
    return bool(chosen.model_dump(exclude_none=True))


def refuse_choice(chosen: SplitsConfig, called: str) -> None:
    """Raises DataError if splits are chosen where there are none to choose among."""
    for part in chosen.model_dump(exclude_none=True):
        raise DataError(
            f"{called} is split here, so there is no split to choose. Leave splits.{part} empty, "
            "or give a folder of files or a Hub data set."
        )


def uncast(part: str, names: Collection[str], called: str) -> DataError:
    """What to say of a Hub data set where splits are chosen and none plays `part`."""
    return DataError(
        f"{called} has no split that plays {part}; it has {listed(sorted(names)) or 'none'}. "
        f"Name one of these (splits.{part} in the recipe), or leave all three empty to have the rows split anew."
    )


def _found(given: str, names: Collection[str]) -> str | None:
    """The name that is meant: as it stands, in other case, or with the ending of a file."""
    stem = given.strip()
    stem = Path(stem).stem if stem.lower().endswith(SUFFIXES) else stem
    return next((n for n in names if n == given), next((n for n in sorted(names) if fold(n) == fold(stem)), None))


def _part_of(name: str, roles: dict[str, str]) -> str:
    return next(part for part, played in roles.items() if played == name)
