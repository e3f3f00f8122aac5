"""Where the bytes of a run's models live, as a table; what would shrink them next; and why other things do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from compression.config import Linear
from compression.result import Result
from compression.ui import markup, units
from compression.ui.next_step import NextStep, next_step
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence


_LAYERS = ("attention", "feed-forward", "layers")


@dataclass(frozen=True)
class Row:
    """What a model, or what a step made, consists of, in bytes by part."""

    name: str
    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All its bytes."""
        return sum(self.parts.values())


def rows(result: Result, sure: "Evidence | None") -> list[Row]:
    """A row for each step that made a model, or for each model that is here where the run did not keep its steps'."""
    made = [stage for stage in result.stages if stage.parts and stage.name != "evaluate"]
    if made:
        return [Row(named("stage", stage.name), stage.parts or {}) for stage in made]
    found = sure.parts if sure else {}
    return [Row(named("model", name), found[name]) for name in ("teacher", "student", "compressed") if name in found]


def parts_of(shown: Sequence[Row]) -> list[str]:
    """The parts that any of the rows has, in the order they come in."""
    order: dict[str, None] = {}
    for row in shown:
        order |= dict.fromkeys(row.parts)
    return sorted(order, key=lambda part: (part in ("tokenizer", "other"), part == "other"))


def bytes_table(shown: Sequence[Row]) -> str:
    """Megabytes by part, a row a step or model, folded."""
    parts = parts_of(shown)
    headers = [say("column.model"), *(named("part", part) for part in parts), say("column.total")]
    cells = [(row.name, *(_size(row.parts.get(part)) for part in parts), units.megabytes(row.total)) for row in shown]
    return markup.folded(say("table.numbers"), markup.table(say("chart.bytes"), headers, cells))


def step_of(result: Result, shown: Sequence[Row]) -> NextStep | None:
    """What would make the run's last model smaller still, if anything would."""
    return next_step(shown[-1].parts, result.config) if shown else None


def offer(result: Result, shown: Sequence[Row]) -> str:
    """Where most bytes are, and a button that puts the next step into the recipe."""
    step = step_of(result, shown)
    if step is None:
        return markup.text("p", say("next.none"), "quiet")
    where = say("next.where", part=named("part", step.part), share=units.share(step.share))
    button = f'<button type="button" class="remedy" data-step="1">{escape(named("next", step.action))}</button>'
    return markup.text("p", where) + button + markup.text("p", say("next.info"), "quiet")


def lessons(result: Result, shown: Sequence[Row]) -> str:
    """Why some things weigh much, and why others, taken out, save nothing: with this run's numbers, folded."""
    last = shown[-1]
    told = []
    if "embeddings" in last.parts:
        told.append(markup.folded(say("why.vocabulary"), markup.text("p", _embeddings(shown))))
    if not isinstance(result.config.student, Linear) and "attention" in last.parts:
        told.append(markup.folded(say("why.heads"), markup.text("p", _heads(result, last))))
    told.append(markup.folded(say("why.zeros"), markup.text("p", _zeros(result))))
    return f'<div class="lessons">{"".join(told)}</div>'


def _size(part_bytes: int | None) -> str:
    return say("table.undefined") if part_bytes is None else units.megabytes(part_bytes)


def _embeddings(shown: Sequence[Row]) -> str:
    first, last = shown[0], shown[-1]
    before, after = (sum(row.parts.get(part, 0) for part in _LAYERS) for row in (first, last))
    return say(
        "why.vocabulary.text",
        first=first.name,
        last=last.name,
        before=units.share(first.parts.get("embeddings", 0) / first.total),
        after=units.share(last.parts["embeddings"] / last.total),
        layers_before=units.megabytes(before),
        layers_after=units.megabytes(after),
        table_before=units.megabytes(first.parts.get("embeddings", 0)),
        table_after=units.megabytes(last.parts["embeddings"]),
    )


def _heads(result: Result, last: Row) -> str:
    removed = result.config.structured.heads
    words = say("why.heads.text", attention=units.megabytes(last.parts["attention"]))
    return words + " " + (say("why.heads.removed", share=units.share(removed)) if removed else say("why.heads.kept"))


def _zeros(result: Result) -> str:
    sparsity = result.config.pruning.sparsity
    made = {stage.name: stage.size_bytes for stage in result.stages}
    if not sparsity or made.get("prune") is None or made.get("distill") is None:
        return say("why.zeros.none")
    before = made.get("structured") or made["distill"]
    return say(
        "why.zeros.text",
        share=units.share(sparsity),
        before=units.megabytes(before or 0),
        after=units.megabytes(made["prune"] or 0),
    )
