"""Whether a command may write to a folder: nothing a person keeps there is ever lost unasked."""

from collections.abc import Iterable
from pathlib import Path

from compression.errors import ResourceError
from compression.places import place

UNFINISHED = "unfinished"  # what a run keeps in its folder until it has ended
_OF_A_RUN = {"config.json", "result.json", "predictions.parquet", "models", UNFINISHED}
_OF_A_MODEL = (".json", ".safetensors", "vocab.txt", "merges.txt", "README.md")  # endings


def claim_run_folder(output: Path, overwrite: bool, resume: bool = False) -> None:
    """Raises ResourceError unless a run may write to `output`: absent, empty, or wanted so with `overwrite`; or a run
    was cut off there, and is to `resume`."""
    held = _held(output)
    if "result.json" in held and not overwrite:
        raise ResourceError(
            f"{output} already holds a result. Give another folder, --overwrite to replace it, or --reuse to show it "
            "(where recipe and data are the same)."
        )
    if UNFINISHED in held and not (overwrite or resume):
        raise ResourceError(
            f"{output} holds a run that was cut off. Go on with --resume, or begin anew with --overwrite."
        )
    if held - _OF_A_RUN and not overwrite:
        raise ResourceError(f"{output} is not empty. Give another folder, or --overwrite to write into it.")


def claim_model_folder(output: Path, overwrite: bool) -> None:
    """Raises ResourceError unless a model may replace `output`: absent, empty, or only a model with `overwrite`."""
    held = _held(output)
    if held and not overwrite:
        raise ResourceError(f"{output} is not empty. Give another folder, or --overwrite to replace the model in it.")
    if others := sorted(name for name in held if not name.endswith(_OF_A_MODEL)):
        raise ResourceError(f"{output} holds more than a model ({others[0]}). Give another folder.")


def refuse_inputs(output: Path, models: Iterable[str | None], data: str) -> None:
    """Raises ResourceError if `output` is what the run reads, lies in a model it reads, or would replace one."""
    target = place(str(output)).resolve()
    for source in (data, *filter(None, models)):
        if place(source).resolve() == target:
            raise ResourceError(f"{output} is what the run reads. Give another folder to write to.")
    for source in filter(None, models):
        model = place(source).resolve()
        overlap = target.is_relative_to(model) or model.is_relative_to(target / "models")
        if overlap and (model / "config.json").is_file():
            raise ResourceError(f"{output} and {source}, which the run reads, overlap. Give a folder apart from it.")


def _held(output: Path) -> set[str]:
    """Names of what the folder holds; nothing where it does not exist yet. Raises ResourceError for a file."""
    try:
        if place(str(output)).exists() and not output.is_dir():
            raise ResourceError(f"{output} is a file. Give a folder.")
        return {path.name for path in output.iterdir()} if output.exists() else set()
    except OSError as error:
        raise ResourceError(f"{output} cannot be used ({error.strerror or error}). Give another folder.") from None
