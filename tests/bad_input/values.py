"""Bad values of a recipe: numbers that are none, words nobody knows, shapes that cannot be built, text that tricks."""

from collections.abc import Callable
from pathlib import Path

from bad_input import Bad, Bench, Given, Options, options, recipe

DEEP = "[" * 100_000


def _config(content: bytes | str) -> Callable[[Bench], Given]:
    """A recipe file with this content, for the command line."""
    return lambda bench: Options(("run", "--config", bench.file("recipe.json", content), "--output", "{out}"))


def _output(make: Callable[[Bench], Path]) -> Callable[[Bench], Given]:
    """A run into what is made."""
    return lambda bench: Options(
        (
            "run",
            "--output",
            make(bench),
            "--teacher",
            bench.teacher,
            "--set",
            "student.layers=1",
            "--set",
            "distillation.max_length=48",
        )
    )


def _retrained(bench: Bench) -> Given:
    model = bench.model()
    arguments = ("--base", model, "--data", "bundled", "--output", model, "--overwrite")
    return Options(("train-teacher", *arguments))


def _own_student(bench: Bench) -> Given:
    """The teacher is the student that an earlier run left where this one would put its own."""
    out = bench.folder / "run"
    bench.model().rename(bench.file("run/models/x", "").parent / "student")
    (out / "models" / "x").unlink()
    return Options(("run", "--teacher", out / "models" / "student", "--output", out, "--overwrite"))


def _into_a_folder(bench: Bench) -> Path:
    bench.file("mine/thesis.tex", "mine")
    return bench.folder / "mine"


TABLE = [
    Bad("a rate that is no number", "0.1", recipe(distillation__learning_rate=float("nan"))),
    Bad("a rate that is no number, as text", "0.1", recipe(distillation__learning_rate="nan")),
    Bad("an infinite temperature", "50", recipe(distillation__temperature=float("inf"))),
    Bad("an infinite weight, as text", "0 to 1", recipe(distillation__soft_weight="-Infinity")),
    Bad("true for a number", "1 to 100", recipe(distillation__epochs=True)),
    Bad("true for a fraction", "0 to 1", recipe(distillation__soft_weight=True)),
    Bad("true for a text", "teacher", recipe(teacher=True)),
    Bad("a number for true", "true or false", recipe(training__bucketing=2)),
    Bad("half an epoch", "1 to 100", recipe(distillation__epochs=0.5)),
    Bad("a word for a number", "1 to 100", recipe(distillation__epochs="four")),
    Bad("no number at all", "1 to 100", recipe(distillation__epochs=None)),
    Bad("a number below all others", "0 to", recipe(seed=-1)),
    Bad("a huge number", "1 to 512", recipe(distillation__batch_size=10**30)),
    Bad("a huge number, as text", "1 to 512", recipe(distillation__batch_size="9" * 5000)),
    Bad("a huge fraction", "50", recipe(distillation__temperature=1e308)),
    Bad("a list for a text", "bundled", recipe(teacher=["bundled"])),
    Bad("a table for a number", "1 to 100", recipe(distillation__epochs={"a": 1})),
    Bad("an empty teacher", "teacher", recipe(teacher="")),
    Bad("a teacher of spaces", "teacher", recipe(teacher="  \t "), command=False),
    Bad("an unknown scheme", "nf4", recipe(quantization__scheme="int3")),
    Bad("a scheme that is a list", "nf4", recipe(quantization__scheme=["nf4"])),
    Bad("an unknown device", "cuda", recipe(device="tpu")),
    Bad("an unknown start", "teacher-layers", recipe(student__init="magic")),
    Bad("a precision this device has not", "GPU", recipe(device="cpu", training__precision="fp16")),
    Bad("heads that do not divide", "divide", recipe(student__heads=5)),
    Bad("more layers than the teacher", "Use 4 at most", recipe(student__layers=48)),
    Bad("a greater width than the teacher's", "random", recipe(student__hidden_size=1024)),
    Bad("a pretrained student without its base", "base", recipe(student__init="pretrained"), page=False),
    Bad("texts longer than the positions", "128 or less", recipe(distillation__max_length=512)),
    Bad("a path with a null byte", "path", recipe(teacher="/tmp/\0model")),
    Bad("data with a null byte", "path", recipe(data="/tmp/\0urls.csv")),
    Bad("a path with a broken letter", "teacher", recipe(teacher="/nowhere/\udcff\ud800")),
    Bad("a path that reads backwards", "folder", recipe(teacher="/nowhere/\u202emoc.elgoog")),
    Bad("a path of several lines", "folder", recipe(teacher="/nowhere/a\nTraceback (most recent call last):\r\x1b[2J")),
    Bad("a path too long for any disk", "path", recipe(teacher="/" + "x" * 400)),
    Bad("a text too long for a recipe", "teacher", recipe(teacher="x" * 5_000)),
    Bad("a home nobody has", "path", recipe(data="~nosuchuser/urls.csv")),
    Bad("markup for a teacher", "folder", recipe(teacher="<img src=x onerror=alert(1)>")),
    Bad("an unknown key", "epoch|recipe key", _config('{"distillation": {"epoch": 3}}'), page=False),
    Bad("a recipe that is a list", "recipe", _config("[1]"), page=False),
    Bad("a recipe that is no JSON", "recipe", _config("epochs: 3"), page=False),
    Bad("a recipe that is binary", "recipe", _config(b"\xff\xfe\0\x01"), page=False),
    Bad("a recipe a hundred thousand deep", "recipe", _config(DEEP), page=False),
    Bad("a recipe with numbers for sections", "distillation", _config('{"distillation": 3}'), page=False),
    Bad("a recipe with a number of 5,000 digits", "recipe", _config(f'{{"seed": {"9" * 5000}}}'), page=False),
    Bad("a recipe that is a folder", "recipe", options("run", "--config", "{tmp}", "--output", "{out}"), page=False),
    Bad("an unknown preset", "preset|article", options("run", "--preset", "best", "--output", "{out}"), page=False),
    Bad("an output that is a file", "file", _output(lambda b: b.file("out", "mine")), page=False),
    Bad("an output below a file", "out", _output(lambda b: b.file("out", "mine") / "run"), page=False),
    Bad("an output that holds other things", "not empty", _output(_into_a_folder), page=False),
    Bad("an output with a null byte", "null byte", options("run", "--output", "{tmp}/\0"), page=False),
    Bad("an output that is the teacher", "reads", _output(lambda b: b.teacher), page=False),
    Bad("an output inside the teacher", "overlap", _output(lambda b: b.teacher / "run"), page=False),
    Bad("an output over the teacher", "overlap", _own_student, page=False),
    Bad("an output over the base", "reads", _retrained, page=False),
]
