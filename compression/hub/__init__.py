"""Models and data sets of the Hugging Face Hub: checked before they are fetched, pinned to a commit, cached.

    check_model("owner/name")      what it is and how large, or the reason it cannot be used
    fetch_model("owner/name")      a folder, from the cache or the Hub
    check_dataset, fetch_dataset   the same for data: split name → files
    keys_at_fault(error, recipe)   what of a recipe cannot be had

An id may carry a revision: `owner/name@commit`. Importing this package touches neither network nor disk.
"""

from compression.hub.cache import Transfer, ignore
from compression.hub.connection import HubDataError, HubError, HubModelError, is_hub_id, online
from compression.hub.datasets import HubData, check_dataset, fetch_dataset
from compression.hub.fault import keys_at_fault
from compression.hub.models import HubModel, check_model, fetch_model

__all__ = [
    "HubData",
    "HubDataError",
    "HubError",
    "HubModel",
    "HubModelError",
    "Transfer",
    "check_dataset",
    "check_model",
    "fetch_dataset",
    "fetch_model",
    "ignore",
    "is_hub_id",
    "keys_at_fault",
    "online",
]
