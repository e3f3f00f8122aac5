"""How sure a result is: models compared URL by URL, what the teacher brought, and how far luck moves the score."""

from typing import TYPE_CHECKING

from compression.result import Paired, Result
from compression.ui import markup, units
from compression.ui.views.comparison import noise
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence

# What a visitor wants to know first; all other pairs are in the table.
_FIRST = (("compressed", "student"), ("compressed", "teacher"), ("compressed", "control"))


def certainty_card(result: Result, sure: "Evidence | None") -> str:
    """Sentences about the pairs that matter, what the teacher brought, the spread over seeds; all pairs, folded."""
    pairs = dict(sure.pairs) if sure else {}
    sentences = [pair_sentence(*pair, pairs[pair]) for pair in _FIRST if pair in pairs]
    sentences = sentences or [say("certainty.none")]
    told = [markup.text("p", sentence) for sentence in [*sentences, _taught(result), *_spread(result)]]
    table = markup.folded(say("pairs.more"), pairs_table(pairs)) if pairs else ""
    lesson = next((_lesson(*pair, pairs[pair]) for pair in _FIRST if pair in pairs), "")
    return f'<div class="certainty">{"".join(told)}</div>{table}{lesson}'


def pair_sentence(model: str, other: str, by: Paired) -> str:
    """'The compressed model is right on 3 more of 450 test URLs than the student: within noise (p = 0.66).'"""
    more = by.only_model_right - by.only_teacher_right
    who = {"model": _capital(named("who", model)), "other": named("who", other), "examples": f"{by.examples:,}"}
    if by.only_model_right == by.only_teacher_right == 0:
        return say("pair.same", **who)
    verdict = say("pair.noise" if noise(by) else "pair.real", chance=_chance(by.p_value))
    if more == 0:
        return say("pair.even", verdict=verdict, **who)
    return say("pair.more" if more > 0 else "pair.fewer", count=f"{abs(more):,}", verdict=verdict, **who)


def pairs_table(pairs: dict[tuple[str, str], Paired]) -> str:
    """Every two models on the same URLs, a row a pair."""
    rows = [
        (
            named("model", model),
            named("model", other),
            f"{by.only_model_right:,}",
            f"{by.only_teacher_right:,}",
            f"{units.signed_points(by.difference)}\n{units.signed_points(by.low)} … {units.signed_points(by.high)}",
            _p(by.p_value),
            say("means.noise" if noise(by) else "means.real"),
        )
        for (model, other), by in pairs.items()
    ]
    columns = ("model", "against", "only-model", "only-other", "points", "p", "means")
    headers = [say(f"column.{column}") for column in columns]
    return markup.table(say("pairs.caption"), headers, rows, "pairs") + markup.text("p", say("pairs.note"), "quiet")


def _taught(result: Result) -> str:
    if result.distillation_gain is None:
        return say("taught.not", control=say("controls.without_teacher"))
    by = result.distillation_gain["both"]
    points = units.signed_points(by.difference)
    return say(
        "taught.measured",
        points=points,
        unit=say("summary.point" if points.strip("+−") == "1.0" else "summary.points"),
        low=units.signed_points(by.low),
        high=units.signed_points(by.high),
        verdict=say("paired.noise" if noise(by) else "paired.real"),
        examples=f"{by.examples:,}",
    )


def _spread(result: Result) -> list[str]:
    if result.spread is None:
        return [say("spread.not", control=say("controls.seeds"))]
    sentences = []
    for name, values in result.spread.items():
        low, high = min(values), max(values)
        points = f"{100 * (high - low):.1f}"
        unit = say("summary.point" if points == "1.0" else "summary.points")
        ends = {"low": units.percent(low), "high": units.percent(high)}
        sentences.append(
            say("spread.measured", model=named("model", name), seeds=len(values), points=points, unit=unit, **ends)
        )
    return sentences


def _lesson(model: str, other: str, by: Paired) -> str:
    """Why a few URLs are noise, with this run's coin tosses."""
    from compression.measure.paired import uneven_enough

    who = {"model": _capital(named("who", model)), "other": named("who", other)}
    more, less = by.only_model_right, by.only_teacher_right
    if not more + less:
        words = say("why.noise.same", **who)
    else:
        words = say(
            "why.noise.text",
            apart=f"{more + less:,}",
            more=f"{more:,}",
            less=f"{less:,}",
            share=units.share(by.p_value),
            **who,
        )
        needed = uneven_enough(more + less)
        if needed is not None and noise(by):
            words += " " + say("why.noise.enough", needed=f"{needed:,}", rest=f"{more + less - needed:,}")
    return markup.folded(say("why.noise"), markup.text("p", words))


def _chance(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {_p(p_value)}"


def _p(p_value: float) -> str:
    """With two decimals, three where it is small."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.{2 if p_value >= 0.095 else 3}f}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
