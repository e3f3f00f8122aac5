"""What a run cost, as the page tells it: what is known, what is not and why, and what a million URLs come to."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.config import RunConfig
from compression.result import Receipt, Result
from compression.ui.views.receipt import million_table, receipt_card

RECEIPT = Receipt(
    seconds=83.4,
    peak_memory_bytes=1_200_000_000,
    peak_memory_since="run",
    peak_gpu_bytes=None,
    energy_joules={"cpu": 7200.0},
    energy_note="Counted by the hardware, with everything else that ran on it meanwhile.",
)


def with_receipt(receipt: Receipt | None = RECEIPT, rate: float | None = 250.0) -> Result:
    plain = fakes.result(RunConfig())
    models = {name: model.model_copy(update={"urls_per_second": rate}) for name, model in plain.models.items()}
    return plain.model_copy(update={"receipt": receipt, "models": models})


def test_the_receipt_tells_time_memory_energy_and_machine() -> None:
    card = receipt_card(with_receipt())
    for told in ("1 min 23 s", "1200 MB", "2.00 Wh", "Memory is of the run.", "Counted by the hardware", "Test CPU"):
        assert told in card
    assert "<td>2 s</td><td>1.5</td>" in card  # a step
    assert "Between the steps</th><td>1 min 11 s</td><td>71.4</td>" in card, "the steps and it add up to the whole"


def test_what_the_host_does_not_tell_is_said_with_the_reason() -> None:
    silent = RECEIPT.model_copy(
        update={
            "peak_memory_bytes": None,
            "peak_memory_since": "process",
            "energy_joules": {},
            "energy_note": "This host shows no energy counter of its processor (RAPL), so the energy is not known.",
        }
    )
    card = receipt_card(with_receipt(silent))
    assert card.count("not known</dd>") == 2
    assert "no energy counter" in card
    assert "of the process that ran it" in card
    gpu = receipt_card(with_receipt(RECEIPT.model_copy(update={"peak_gpu_bytes": 2_000_000_000})))
    assert "GPU memory, at most" in gpu


def test_an_older_run_says_that_nothing_was_measured() -> None:
    old = with_receipt(receipt=None, rate=None)
    assert "before memory and energy were measured" in receipt_card(old)
    assert "12 s" in receipt_card(old)  # of its eight steps
    assert "Between" not in receipt_card(old)
    table = million_table(old, 0.4)
    assert "before URLs a second were measured" in table
    assert "<td>12.6</td><td>16.8</td>" in table


def test_a_million_urls_cost_what_their_hours_do() -> None:
    table = million_table(with_receipt(rate=250.0), 0.9)
    assert "<td>1 h 06 min<small>4,000,000 ms</small></td><td>1.00</td>" in table
    assert "<td>0.0000</td>" not in million_table(with_receipt(rate=250.0), 0)
    assert "<td>0.0011</td>" in million_table(with_receipt(rate=250_000.0), 0.99)


@pytest.mark.parametrize("price", [None, True, "", "x", -1, float("nan"), float("inf"), 10**400, [], {}])
def test_what_is_no_price_is_refused(price: Any) -> None:
    assert "That is no price" in million_table(with_receipt(), price)


def test_what_a_result_says_of_its_machine_is_escaped() -> None:
    result = with_receipt()
    hostile = result.environment.model_copy(update={"cpu": "<img src=x>", "device": "<b>", "cpu_flags": ["<i>"]})
    card = receipt_card(result.model_copy(update={"environment": hostile}))
    assert not any(tag in card for tag in ("<img", "<b>", "<i>"))
