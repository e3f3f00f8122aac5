"""A Hugging Face Hub on this machine, for tests: it lists, serves, fails in every way, and takes a push.

    with HubStandIn() as hub:
        hub.add_model("someone/tiny", folder)           hub.add_dataset("someone/urls", folder)
        hub.fail("someone/tiny", "gated")               hub.heal("someone/tiny")
        ...                                             HF_ENDPOINT=hub.endpoint, or endpoint=hub.endpoint
        hub.asked("resolve")                            hub.repos["models", "me/pushed"].files

It speaks as much of the Hub's HTTP as huggingface_hub, transformers and datasets use: repository info, trees, HEAD and
GET with ETag, X-Repo-Commit and Range, large files by redirect, creating a repository, commits, LFS uploads. It does
not speak Xet: a push through it needs HF_HUB_DISABLE_XET=1. Files larger than `LARGE` and binary ones are "LFS".
Tokens are `hf_` + the user's name: such a user may read their own private and all gated repositories.
"""

from hub_stand_in.hub import HubStandIn

__all__ = ["HubStandIn"]
