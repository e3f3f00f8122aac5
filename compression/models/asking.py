"""Asking a model about a batch without waiting for its device: what there is to be known of padding is known before."""

from typing import TYPE_CHECKING, Any

from compression.models.device import moved

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def answer(model: "PreTrainedModel", inputs: "dict[str, torch.Tensor]", **asked: bool) -> Any:
    """What the model says of `inputs` (`data.batching.collate`, on the CPU), computed on the model's device.

    `asked` goes to the model. Given a mask of (batch, tokens), transformers asks the device at every forward pass
    whether anything is padded at all, and waits for it; so it is given one it takes as it is.
    """
    mask = attended(inputs["attention_mask"], model.config._attn_implementation)
    return model(
        input_ids=moved(inputs["input_ids"], model.device),
        attention_mask=None if mask is None else moved(mask, model.device),
        **asked,
    )


def attended(mask: "torch.Tensor", attention: str) -> "torch.Tensor | None":
    """A padding mask (batch, tokens) on the CPU as attention applies it, (batch, 1, 1, tokens); None without padding.

    Boolean for `sdpa`; for `eager`, which adds it to the scores, 0 where a token counts and the lowest float elsewhere.
    """
    import torch

    real = mask.bool()
    if real.all():
        return None
    real = real[:, None, None, :]
    return real if attention == "sdpa" else torch.where(real, 0.0, torch.finfo(torch.float32).min)
