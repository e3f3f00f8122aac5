"""The URLs of a run that is over, where its data is still here: nothing is downloaded for them."""

from compression.config import RunConfig
from compression.data.sources import Split, load_data
from compression.data.uploads import is_upload
from compression.errors import CompressionError
from compression.hub.connection import is_hub_id, repository
from compression.hub.datasets import cached_dataset
from compression.places import place


def at_hand(config: RunConfig, split: str = "test") -> Split | None:
    """A split of the recipe's data, read from this host alone; None where it is not here, or no longer can be read."""
    source = config.data
    try:
        local = is_upload(source) or place(source).exists()
        if not local and is_hub_id(source) and cached_dataset(repository("dataset", source)) is None:
            return None
        return load_data(source, config.columns, (split,), splits=config.splits).splits[split]
    except CompressionError:
        return None
