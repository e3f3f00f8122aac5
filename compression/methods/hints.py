"""Hints from inside the teacher: its hidden states and its attention maps, which the student learns to have as well.

Layers are mapped: layer i of the student imitates one of the teacher's, and the embeddings imitate the embeddings.
Source: TinyBERT, Jiao et al. 2020, arXiv:1909.10351, §3.1.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compression.config import DistillationConfig, RunConfig
from compression.data.batching import collate
from compression.errors import ConfigError
from compression.models.asking import answer
from compression.models.classifier import Classifier, eager_attention
from compression.models.device import moved

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def layer_map(chosen: str | None, student_layers: int, teacher_layers: int) -> tuple[int, ...]:
    """Which of the teacher's layers (from 1) each of the student's imitates, in the student's order.

    Without a choice layer i of n imitates layer round(i · N / n) of N, so the last imitates the last.
    Raises ConfigError for a choice of another length or of a layer the teacher has not.
    """
    if chosen is None:
        return tuple(max(1, round(i * teacher_layers / student_layers)) for i in range(1, student_layers + 1))
    layers = tuple(int(number) for number in chosen.split(","))
    if len(layers) != student_layers or not all(1 <= layer <= teacher_layers for layer in layers):
        raise ConfigError(
            f"distillation.layer_map = {chosen} does not fit. Give {student_layers} numbers from 1 to "
            f"{teacher_layers} with commas between, one for each layer of the student, or leave it empty.",
            "distillation.layer_map",
        )
    return layers


def hidden_loss(
    student: "torch.Tensor", teacher: "torch.Tensor", mask: "torch.Tensor", teacher_mask: "torch.Tensor | None" = None
) -> "torch.Tensor":
    """Mean squared difference of hidden states, a scalar; the student's are projected to the teacher's width already.

    Shapes: states (batch, tokens, width), masks (batch, tokens), 0 on padding. Both read the same tokens, which are
    compared one by one, padding left out; with a `teacher_mask` of its own the teacher reads others, and what is
    compared is the first token ([CLS]) and the mean over tokens.
    Source: Jiao et al. 2020, arXiv:1909.10351, eq. 8.
    """
    from torch.nn.functional import mse_loss

    if teacher_mask is None:
        real = mask[:, :, None]
        return ((student - teacher) ** 2 * real).sum() / (real.sum() * student.shape[-1])
    first = mse_loss(student[:, 0], teacher[:, 0])
    return (first + mse_loss(_mean_token(student, mask), _mean_token(teacher, teacher_mask))) / 2


def attention_loss(student: "torch.Tensor", teacher: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Mean squared difference of attention maps over pairs of tokens that are no padding, a scalar.

    Shapes: maps (batch, heads, tokens, tokens), after the softmax (and, in training, the student's dropout); mask
    (batch, tokens). Where the numbers of heads differ, the means over heads are compared.
    Source: Jiao et al. 2020, arXiv:1909.10351, eq. 7, which compares the maps before the softmax.
    """
    if student.shape[1] != teacher.shape[1]:
        student, teacher = student.mean(dim=1, keepdim=True), teacher.mean(dim=1, keepdim=True)
    pairs = (mask[:, None, :, None] * mask[:, None, None, :]).expand_as(student)
    return ((student - teacher) ** 2 * pairs).sum() / pairs.sum()


@dataclass(frozen=True)
class Imitation:
    """What a training adds to its loss for the hints; nothing where no weight is above 0."""

    hidden_weight: float = 0.0
    attention_weight: float = 0.0
    teacher: Classifier | None = None
    lengths: Sequence[int] = ()  # of what the student reads, in tokens
    token_ids: Sequence[Sequence[int]] | None = None  # what the teacher reads; None: the same as the student
    layers: tuple[int, ...] = ()
    projections: "torch.nn.ModuleList | None" = None

    @property
    def asked(self) -> dict[str, bool]:
        """What both models are asked to return beside the logits."""
        wanted = {"output_hidden_states": self.hidden_weight > 0, "output_attentions": self.attention_weight > 0}
        return {name: True for name, asked in wanted.items() if asked}

    def parameters(self) -> "list[torch.nn.Parameter]":
        """The projections' weights, which learn with the student."""
        return [] if self.projections is None else list(self.projections.parameters())

    def loss(
        self, rows: Sequence[int], batch: Sequence[int], inputs: "dict[str, torch.Tensor]", output: Any
    ) -> "torch.Tensor | None":
        """The weighted loss of a batch, each part a mean over the mapped layers; None where there are no hints.

        `inputs` are what the student has read (on the CPU), `output` is what it answered. Where `rows` are only some of
        the batch's, this is their share of its loss: the means are over rows, tokens or pairs of tokens of them all.
        """
        import torch

        if self.teacher is None:
            return None
        device = output.logits.device
        mask, teacher_mask, read = moved(inputs["attention_mask"], device), None, inputs
        if self.token_ids is not None:
            read = collate([self.token_ids[row] for row in rows], self.teacher.tokenizer.pad_token_id)
            teacher_mask = moved(read["attention_mask"], device)
        with torch.no_grad():
            shown = answer(self.teacher.model, read, **self.asked)
        total = torch.zeros((), device=device)
        if self.projections is not None:
            pairs = zip(self.projections, output.hidden_states, (0, *self.layers), strict=True)
            losses = [
                hidden_loss(project(own).float(), shown.hidden_states[layer].float(), mask, teacher_mask)
                for project, own, layer in pairs
            ]
            share = self._share(rows, batch, 1 if teacher_mask is None else 0)
            total = total + self.hidden_weight * share * torch.stack(losses).mean()
        if self.attention_weight > 0:
            losses = [
                attention_loss(own.float(), shown.attentions[layer - 1].float(), mask)
                for own, layer in zip(output.attentions, self.layers, strict=True)
            ]
            total = total + self.attention_weight * self._share(rows, batch, 2) * torch.stack(losses).mean()
        return total

    def _share(self, rows: Sequence[int], batch: Sequence[int], power: int) -> float:
        """Which part of the batch's rows (power 0), tokens (1) or pairs of tokens (2) is in `rows`."""
        own, whole = (sum(float(self.lengths[row]) ** power for row in some) for some in (rows, batch))
        return own / whole


@contextmanager
def imitating(
    student: Classifier,
    teacher: Classifier | None,
    texts: Sequence[str],
    token_ids: Sequence[Sequence[int]],
    config: RunConfig,
) -> Iterator[Imitation]:
    """The hints a recipe asks for, for as long as the training lasts; `token_ids` are what the student reads.

    Raises ConfigError for a layer map that does not fit, and for attention maps over different tokens.
    """
    settings = config.distillation
    if teacher is None or settings.hidden_weight == settings.attention_weight == 0:
        yield Imitation()
        return
    read = teacher.tokenize(texts, settings.max_length)
    same = read == list(token_ids) and teacher.tokenizer.get_vocab() == student.tokenizer.get_vocab()
    if not same and settings.attention_weight > 0:
        raise ConfigError(
            "distillation.attention_weight compares attention maps, and teacher and student do not read the same "
            "tokens. Use a student with the teacher's tokenizer, or distillation.attention_weight = 0.",
            "distillation.attention_weight",
        )
    own, others = student.model.config, teacher.model.config
    with ExitStack() as stack:
        if settings.attention_weight > 0:
            for model in (student.model, teacher.model):
                stack.enter_context(eager_attention(model))
        yield Imitation(
            settings.hidden_weight,
            settings.attention_weight,
            teacher,
            [len(ids) for ids in token_ids],
            None if same else read,
            layer_map(settings.layer_map, own.num_hidden_layers, others.num_hidden_layers),
            _projections(student.model, others.hidden_size, settings, config.seed),
        )


def _projections(
    student: "PreTrainedModel", width: int, settings: DistillationConfig, seed: int
) -> "torch.nn.ModuleList | None":
    """A Linear from the student's width to the teacher's for the embeddings and every layer.

    It starts as the identity where the widths are equal, so that states copied from the teacher stay where they are.
    """
    import torch

    if settings.hidden_weight == 0:
        return None
    own, generator = student.config.hidden_size, torch.Generator().manual_seed(seed)

    def projection() -> "torch.nn.Linear":
        linear = torch.nn.Linear(own, width)
        torch.nn.init.zeros_(linear.bias)
        if own == width:
            torch.nn.init.eye_(linear.weight)
        else:
            torch.nn.init.orthogonal_(linear.weight, generator=generator)
        return linear

    projections = torch.nn.ModuleList(projection() for _ in range(student.config.num_hidden_layers + 1))
    return projections.to(student.device)


def _mean_token(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """The mean over tokens that are no padding, (batch, width)."""
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)
