"""How long one URL takes, compared fairly: the models take turns, so that a busy moment of the host hits them all."""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from compression.result import Latency

MAX_SECONDS = 6.0


def latencies(
    models: Mapping[str, Callable[[str], object]],
    texts: Sequence[str],
    report: Callable[[int, int], None] = lambda step, steps: None,
) -> dict[str, Latency]:
    """Median and 95th percentile of milliseconds for one URL, each model on the same texts in turn, after a warm-up.

    Stops early, after at least five texts, when six seconds are spent.
    """
    import numpy as np

    for answer in models.values():
        answer(texts[0])
    times: dict[str, list[float]] = {name: [] for name in models}
    start = perf_counter()
    for step, text in enumerate(texts):
        report(step, len(texts))
        for name, answer in models.items():
            asked = perf_counter()
            answer(text)
            times[name].append((perf_counter() - asked) * 1000)
        if step >= 4 and perf_counter() - start > MAX_SECONDS:
            break
    return {
        name: Latency(p50=float(np.percentile(values, 50)), p95=float(np.percentile(values, 95)))
        for name, values in times.items()
    }
