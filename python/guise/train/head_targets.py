"""Which targets house-head keeps, in the order in which the file stores them.

ancestry: 3 ancestries x 2 sexes x 2 ages; build: 2 sexes x 2 ages x 3 muscle x 3 weight; local: two
of each signed parameter (its positive and its negative side, left and right eye or ear together);
asymmetry; expression. Adults only: no baby or child target is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from guise.train.head_source import Floats, Source

SEXES, AGES = ("female", "male"), ("young", "old")
ANCESTRIES = ("african", "asian", "caucasian")
DEGREES = ("min", "average", "max")

# As ExpressionWeights (csrc/render/recipe.h).
EXPRESSIONS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip

_LOCAL_FOLDERS = (
    "head", "forehead", "eyebrows", "eyes", "nose", "cheek", "mouth", "chin", "ears"
)  # fmt: skip
# Ends of the names: negative and positive side.
_SIDES = (
    ("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward"),
    ("concave", "convex"), ("compress", "uncompress"),
)  # fmt: skip
# Not human, not a matter of identity, or what the macro targets do already.
_LEFT_OUT = ("shape-pointed", "head-trans-", "head-age-")


@dataclass(frozen=True)
class Signed:
    """A signed parameter, -1..1 (0..1 where `negative` is empty): names of its targets."""

    name: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


def ancestry_targets(source: Source) -> list[Floats]:
    """12 displacements of the base mesh: by ancestry, sex, age."""
    folder = "macrodetails/"
    return [
        source.target(f"{folder}{ancestry}-{sex}-{age}")
        for ancestry in ANCESTRIES
        for sex in SEXES
        for age in AGES
    ]


def build_targets(source: Source) -> list[Floats]:
    """36 displacements: by sex, age, muscle, weight."""
    return [
        source.target(f"macrodetails/universal-{sex}-{age}-{muscle}muscle-{weight}weight")
        for sex in SEXES
        for age in AGES
        for muscle in DEGREES
        for weight in DEGREES
    ]


def local_parameters(source: Source) -> list[Signed]:
    """Signed parameters of the face's parts, both sides of the face together."""
    names = [name for folder in _LOCAL_FOLDERS for name in source.names(folder)]
    names = [n for n in names if "/r-" not in n and not any(out in n for out in _LEFT_OUT)]
    found: dict[str, Signed] = {}
    for name in names:
        stem, _, end = name.rpartition("-")
        for low, high in _SIDES:
            if end in (low, high) and f"{stem}-{low}" in names and f"{stem}-{high}" in names:
                whole = f"{stem}-{high}"
                found[whole] = Signed(whole, _both(whole), _both(f"{stem}-{low}"))
                break
        else:
            found[name] = Signed(name, _both(name), ())
    return list(found.values())


def displacement(source: Source, parameter: Signed) -> Floats:
    """[B, 3] of the base mesh for weight 1: half of positive less negative, where it has both.

    Targets of the two sides are near opposites; one displacement for both keeps the model linear.
    """
    positive = sum_of(source, parameter.positive)
    if not parameter.negative:
        return positive
    return 0.5 * (positive - sum_of(source, parameter.negative))


def _both(name: str) -> tuple[str, ...]:
    return (name, name.replace("/l-", "/r-")) if "/l-" in name else (name,)


def sum_of(source: Source, names: tuple[str, ...]) -> Floats:
    """The displacements of several targets together."""
    total = source.target(names[0])
    for name in names[1:]:
        total = total + source.target(name)
    return total
