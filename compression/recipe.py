"""Reading a recipe: layers of settings become a `RunConfig`, and what is wrong with them becomes one sentence.

Every setting has a dotted key (`student.layers`); what a key accepts is read off its field, never stated twice.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from compression.clashes import refuse_clashes
from compression.config import RunConfig
from compression.errors import ConfigError

# The field of a section that decides its class. `--set quantization=nf4` is short for `--set quantization.scheme=nf4`.
_DISCRIMINATORS = {
    name: field.discriminator for name, field in RunConfig.model_fields.items() if isinstance(field.discriminator, str)
}


def parse(*layers: Mapping[str, Any]) -> RunConfig:
    """The recipe that nested mappings give, each laid over the ones before, all over the defaults. Raises ConfigError.

    A layer that switches a discriminator (`student.init`, `quantization.scheme`) drops what lower layers said of the
    fields the new choice does not have. Steps that cannot go together are refused with the reason.
    """
    defaults = RunConfig()
    merged: dict[str, Any] = {s: {d: getattr(getattr(defaults, s), d)} for s, d in _DISCRIMINATORS.items()}
    for layer in layers:
        merged = _merge(merged, layer)
    try:
        config = RunConfig.model_validate(merged)
    except ValidationError as error:
        raise _explain(error) from None
    refuse_clashes(config)
    return config


def nest(settings: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Dotted keys and values as one nested mapping, ready for `parse`. Raises ConfigError on an unknown key."""
    nested: dict[str, Any] = {}
    for key, value in settings:
        if key in _DISCRIMINATORS:
            key = f"{key}.{_DISCRIMINATORS[key]}"
        if key not in keys():
            raise _unknown(key)
        section, _, field = key.rpartition(".")
        target = nested.setdefault(section, {}) if section else nested
        target[field] = value
    return nested


def flatten(config: RunConfig) -> dict[str, Any]:
    """Every dotted key of the recipe with its value, in order; `parse(nest(flatten(c).items())) == c`."""
    flat: dict[str, Any] = {}
    for name, value in config.model_dump().items():
        flat.update({f"{name}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {name: value})
    return flat


def keys() -> tuple[str, ...]:
    """All dotted keys of a recipe, in the order of the form."""
    return tuple(_fields())


def legal(key: str) -> str:
    """What a recipe key accepts, in words ('1 to 100', 'one of: auto, cpu, cuda')."""
    parts = []
    for field in _fields()[key]:
        parts += [part for part in _legal_parts(field) if part not in parts]
    return " or ".join(parts)


def bounds(key: str) -> tuple[float, float]:
    """Smallest and largest legal value of a numeric key (an open lower bound is given as it stands)."""
    limits: dict[str, float] = {}
    for field in _fields()[key]:
        limits.update(_limits(field))
    return limits.get("ge", limits.get("gt", float("-inf"))), limits.get("le", float("inf"))


def choices(key: str) -> tuple[str, ...]:
    """The legal words of a key whose type is a Literal, in order."""
    found: list[str] = []
    for field in _fields()[key]:
        found += [word for word in _words(field.annotation) if word not in found]
    return tuple(found)


def _merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, value in upper.items():
        if isinstance(value, str) and name in _DISCRIMINATORS:
            value = {_DISCRIMINATORS[name]: value}
        if not (isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)):
            merged[name] = value
            continue
        kept = dict(merged[name])
        discriminator = _DISCRIMINATORS.get(name)
        if discriminator is not None and value.get(discriminator, kept[discriminator]) != kept[discriminator]:
            kept = _fitting({**kept, discriminator: value[discriminator]}, _class(name, value[discriminator]))
        merged[name] = kept | dict(value)
    return merged


def _fitting(settings: Mapping[str, Any], part: type[BaseModel] | None) -> dict[str, Any]:
    """Those settings that the class of a section takes, and that were not peculiar to another class of it."""
    if part is None:  # an unknown choice, which is about to be refused
        return dict(settings)
    try:
        part.model_validate(settings)
    except ValidationError as error:
        unfit = {detail["loc"][0] for detail in error.errors()}
        return {name: value for name, value in settings.items() if name not in unfit}
    return dict(settings)


def _class(section: str, tag: Any) -> type[BaseModel] | None:
    """The class of a section that its discriminator's value `tag` chooses, None for a value it does not have."""
    parts: tuple[type[BaseModel], ...] = get_args(RunConfig.model_fields[section].annotation)
    for part in parts:
        if _is_model(part) and part.model_fields[_DISCRIMINATORS[section]].default == tag:
            return part
    return None


@cache
def _fields() -> dict[str, list[FieldInfo]]:
    """Dotted key → the fields behind it (several where a discriminated union has it in several classes)."""
    found: dict[str, list[FieldInfo]] = {}
    for name, field in RunConfig.model_fields.items():
        models = [part for part in (field.annotation, *get_args(field.annotation)) if _is_model(part)]
        if not models:
            found[name] = [field]
        for model in models:
            for inner, inner_field in model.model_fields.items():
                found.setdefault(f"{name}.{inner}", []).append(inner_field)
    order = [f"{s}.{d}" for s, d in _DISCRIMINATORS.items()]  # a discriminator comes before what depends on it
    return dict(sorted(found.items(), key=lambda item: (_section_rank(item[0]), item[0] not in order)))


def _section_rank(key: str) -> int:
    return list(RunConfig.model_fields).index(key.split(".")[0])


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _limits(field: FieldInfo) -> dict[str, float]:
    return {
        name: getattr(m, name)
        for m in _metadata(field)
        for name in ("ge", "gt", "le")
        if getattr(m, name, None) is not None
    }


def _metadata(field: FieldInfo) -> list[Any]:
    inner = [m for part in get_args(field.annotation) for m in getattr(part, "__metadata__", ())]
    return [*field.metadata, *inner]


def _words(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if isinstance(word, str)]
    return [word for part in get_args(annotation) for word in _words(part)]


def _legal_parts(field: FieldInfo) -> list[str]:
    annotation, limits = field.annotation, _limits(field)
    kinds = set(get_args(annotation)) | {annotation}
    parts: list[str] = []
    if words := _words(annotation):
        parts.append("one of: " + ", ".join(words) if len(words) > 1 else words[0])
    elif limits:
        low, high = limits.get("ge", limits.get("gt", 0)), limits.get("le", 0)
        number = "a whole number" if int in kinds else "a number"
        way = ("above", "up to") if "gt" in limits else ("from", "to")
        parts.append(f"{number} {way[0]} {low} {way[1]} {high}")
    elif bool in kinds:
        parts.append("true or false")
    elif str in kinds:
        longest = next((m.max_length for m in _metadata(field) if hasattr(m, "max_length")), None)
        parts.append(f"a text of 1 to {longest} characters" if longest else "a text")
    elif kinds == {Literal[False]} or get_args(annotation) == (False,):
        parts.append("false")
    if type(None) in kinds:
        parts.append("nothing (null)")
    return parts


def _explain(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if len(where) > 2:  # drop the tag pydantic puts in for a discriminated union
        where.pop(1)
    if first["type"].startswith("union_tag"):
        where = [where[0], _DISCRIMINATORS[where[0]]]
    key = ".".join(where)
    value = first["input"]
    if first["type"].startswith("union_tag") and isinstance(value, Mapping):  # pydantic gives the whole section
        value = value.get(where[-1])
    if key == "":
        return ConfigError("A recipe is a JSON object with the sections " + ", ".join(RunConfig.model_fields) + ".")
    if key not in keys():
        if key in RunConfig.model_fields:
            return ConfigError(
                f"{key} = {_short(value)} is not possible: {key} is a section with the keys "
                f"{', '.join(k for k in keys() if k.startswith(key + '.'))}.",
                key,
            )
        return _unknown(key)
    if first["type"] == "missing":
        return ConfigError(f"{key} is missing: give {_legal_for(first, key)}.", key)
    return ConfigError(f"{key} = {_short(value)} is not possible: legal is {_legal_for(first, key)}.", key)


def _unknown(key: str) -> ConfigError:
    """The refusal of a key that is none, with what may have been meant: keys like it, or those of its section."""
    section = key.partition(".")[0]
    near = get_close_matches(key, keys(), 3, 0.75) or [k for k in keys() if k.startswith(f"{section}.")]
    meant = f"Use {' or '.join(near)}" if near else f"The sections are {', '.join(RunConfig.model_fields)}"
    return ConfigError(f"{key[:80]} is not a recipe key. {meant}.", key)


def _legal_for(error: Any, key: str) -> str:
    """`legal(key)`, narrowed to the class a discriminator has chosen."""
    section, tag = error["loc"][0], error["loc"][1] if len(error["loc"]) > 2 else None
    if tag and (part := _class(section, tag)):
        words = " or ".join(_legal_parts(part.model_fields[error["loc"][-1]]))
        return f"{words} with {section}.{_DISCRIMINATORS[section]} = {tag}"
    return legal(key)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
