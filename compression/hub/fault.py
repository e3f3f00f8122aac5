"""Which parts of a recipe name what the Hub refused, so that the bundled choice can be put in their place."""

from compression.config import RunConfig
from compression.hub.connection import HubDataError, HubError, Repo, is_hub_id, online, repository
from compression.hub.datasets import cached_dataset
from compression.hub.models import cached_model
from compression.places import place
from compression.recipe import flatten

_DATA = "data"
_SOURCES = ("teacher", _DATA, "student.base")


def keys_at_fault(error: BaseException, config: RunConfig) -> tuple[str, ...]:
    """The recipe keys that name what `error` is about; none for an error that is not the Hub's.

    While the Hub cannot be reached, every other key is at fault too that names something it has not yet given.
    """
    if not isinstance(error, HubError):
        return ()
    named = _named(config)
    refused = {
        key
        for key, repo in named.items()
        if repo.id == error.about and (key == _DATA) == isinstance(error, HubDataError)
    }
    if not online():
        refused |= {key for key, repo in named.items() if not _stored(repo)}
    return tuple(key for key in named if key in refused)


def _named(config: RunConfig) -> dict[str, Repo]:
    """The repositories of the Hub that the recipe names, by recipe key; a folder of such a name goes first."""
    flat = flatten(config)
    given = {key: flat[key] for key in _SOURCES if flat[key] is not None}
    return {
        key: repository("dataset" if key == _DATA else "model", name)
        for key, name in given.items()
        if is_hub_id(name) and not place(name).exists()
    }


def _stored(repo: Repo) -> bool:
    """Whether the repository is in the cache, whole; what cannot be read is not."""
    try:
        return (cached_dataset(repo) if repo.kind == "dataset" else cached_model(repo)) is not None
    except OSError:
        return False
