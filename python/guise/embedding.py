"""The measuring flow as calls on images: embed, compare, pose, quality.

    faces = guise.embed("party.jpg")            # every face: faces.vectors, float32 [N, D]
    result = guise.compare("a.jpg", "b.jpg")    # one face in each
    print(result)                               # the cosine with its false match rate

Options are those of the engine's structs (`guise._core.EmbedOptions`, `PoseOptions`,
`QualityOptions`), given flat by keyword. Their defaults live in C++ only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Union

import torch
from typing_extensions import Unpack

from guise import _core, models
from guise._images import ImageLike, to_tensor
from guise.calibration import Calibration, Population, Rate
from guise.calibration import load as load_calibration
from guise.faces import DEFAULT_DETECTORS, DetectKeywords, detect
from guise.models import CropContract

# Used where no recogniser is named. Fetched on first use, with a printed line.
DEFAULT_RECOGNISER = "mobilefacenet-foamliu"
# Of `compare`, where none is named: one impostor pair in a thousand is called the same person.
DEFAULT_FMR = 1e-3
# What nets of InsightFace's training code see.
ARCFACE_CROP = CropContract("arcface", 112, 112, (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))

# A name of the registry, or what `open_file` gave.
Recogniser = Union[str, _core.Embedder]

_estimators: dict[str, _core.PoseEstimator] = {}
_estimators_lock = threading.Lock()


class CropKeywords(TypedDict, total=False):
    """Keywords of `EmbedOptions`."""

    flip: bool
    batch_size: int
    normalise: bool
    smallest_source_px: float


class EmbedKeywords(CropKeywords, DetectKeywords, total=False):
    """Keywords of `EmbedOptions` and `DetectOptions`."""


class PoseKeywords(TypedDict, total=False):
    """Keywords of `PoseOptions`."""

    landmark_noise: float
    doubtful_misfit: float


class QualityKeywords(TypedDict, total=False):
    """Keywords of `QualityOptions`."""

    measure: str
    norm_low: float
    norm_high: float


@dataclass(frozen=True, eq=False, repr=False)
class Embeddings:
    """The embeddings of N faces of one picture, one row a face."""

    vectors: torch.Tensor
    """float32 [N, D], of length 1 (raw with normalise=False)."""
    norms: torch.Tensor
    """float32 [N]: lengths of the raw embeddings."""
    quality: torch.Tensor | None
    """float32 [N], learned, higher is better; None where the model gives none."""
    faces: list[_core.Face]
    """The faces, in the order of the rows."""
    too_small: list[_core.Face]
    """Faces that were found and have too few pixels to tell people apart: they have no row."""
    flip: bool
    """Whether the mirror images took part."""
    model: _core.Embedder
    _engine: _core.Embeddings

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        small = f", {len(self.too_small)} too small" if self.too_small else ""
        return f"Embeddings({len(self)} faces of {self.model.name}{small})"


@dataclass(frozen=True)
class Comparison:
    """Two faces: how alike a recogniser finds them, and what that is worth."""

    cosine: float
    """-1 to 1."""
    threshold: float
    """The cosine from which on they count as the same person."""
    same: bool
    """Whether the cosine is at least the threshold."""
    fmr_at_threshold: float
    """How often two different people reach the threshold."""
    fmr: Rate
    """How often two different people reach this very cosine."""
    population: Population
    """The people over whom both rates were counted; others may give other rates."""
    model: str

    def __str__(self) -> str:
        verdict = "at or above" if self.same else "below"
        who = self.population
        return (
            f"cosine {self.cosine:.3f}, {verdict} the threshold {self.threshold:.3f}, which "
            f"{100 * self.fmr_at_threshold:.4g} % of pairs of different people reach; "
            f"{self.fmr} reach {self.cosine:.3f} ({self.model}, {who.impostor_pairs} pairs of "
            f"{who.people} people: {who.what})"
        )


def open_file(
    path: str | os.PathLike[str],
    *,
    architecture: str,
    preset: str,
    crop: CropContract = ARCFACE_CROP,
    colour: str = "RGB",
    sha256: str = "",
    name: str = "",
) -> _core.Embedder:
    """A recogniser from a safetensors file of your own, for `model=`.

    architecture, preset: the layout of its tensors, such as "iresnet", "r50"; the engine lists what
    it knows when asked for another. crop, colour: what it was trained on; wrong ones give
    embeddings that look right and are not. sha256: checked where given. A checkpoint is converted
    first: `guise models convert`.
    Raises ValueError, Unavailable (no such file), CorruptFile (tensors that are not the
    architecture's).
    """
    if colour not in ("RGB", "BGR"):
        raise ValueError(f"colour must be RGB or BGR; got {colour!r}")
    return _core.Embedder(
        architecture,
        preset=preset,
        path=os.fspath(path),
        sha256=sha256 or _core.sha256_file(os.fspath(path)),
        name=name or os.path.basename(os.fspath(path)),
        crop=models.engine_crop(crop, colour),
    )


def embed(
    image: ImageLike,
    *,
    model: Recogniser = DEFAULT_RECOGNISER,
    faces: Sequence[_core.Face] | None = None,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    **options: Unpack[EmbedKeywords],
) -> Embeddings:
    """The embeddings of the faces of one picture, in the order of `faces`.

    image: a path, uint8 [H, W, 3] RGB (tensor or array), or a PIL image.
    faces: which; by default those that `guise.detect` finds with `detectors`. Of these, faces with
    too few pixels are listed in `.too_small`; a face that you name is refused instead.
    Faces much larger than the recogniser's crop are averaged down, then cut out by their landmarks.
    Raises ValueError, CorruptFile, and Unavailable where a model's file is not there.
    """
    pixels, embedder = to_tensor(image), _embedder(model)
    values: dict[str, Any] = dict(options)
    chosen = _core.EmbedOptions(
        **{key: values.pop(key) for key in CropKeywords.__annotations__ if key in values}
    )
    small: list[_core.Face] = []
    if faces is None:
        found = detect(pixels, detectors=detectors, **values)
        shown = _core.crop_source_px(_landmarks(found), embedder)
        sizes = list(zip(found, shown, strict=True))
        small = [face for face, size in sizes if size < chosen.smallest_source_px]
        faces = [face for face, size in sizes if size >= chosen.smallest_source_px]
    elif values:
        raise TypeError(f"{', '.join(values)}: nothing is searched where faces are given")
    made = _core.embed_faces(pixels, _landmarks(faces), embedder, chosen)
    return Embeddings(
        vectors=made.vectors,
        norms=made.norms,
        quality=made.quality,
        faces=list(faces),
        too_small=small,
        flip=chosen.flip,
        model=embedder,
        _engine=made,
    )


def embed_crops(
    crops: Any,
    *,
    model: Recogniser = DEFAULT_RECOGNISER,
    template: str = _core.DEFAULT_CROP_TEMPLATE,
    **options: Unpack[CropKeywords],
) -> torch.Tensor:
    """float32 [N, D], of length 1: embeddings of faces that are cut out already.

    crops: uint8 [N, S, S, 3] RGB, tensor or array, as `guise.align` makes them with this template.
    S is the model's (`model.crop_size_px`), or larger with the same layout: then they are averaged
    down. N may be 0. Raises ValueError for anything else.
    """
    return _embed_crops(crops, _embedder(model), template, _core.EmbedOptions(**options)).vectors


def _embed_crops(
    crops: Any, embedder: _core.Embedder, template: str, options: _core.EmbedOptions
) -> _core.Embeddings:
    tensor = crops if isinstance(crops, torch.Tensor) else _from_array(crops)
    return _core.embed_crops(tensor, embedder, template=template, options=options)


def _from_array(crops: Any) -> torch.Tensor:
    if not hasattr(crops, "__array_interface__"):
        raise ValueError(
            f"crops must be a uint8 tensor or array [N, S, S, 3]; got {type(crops).__name__}"
        )
    import numpy

    values = numpy.ascontiguousarray(crops)
    if values.dtype != numpy.uint8:
        raise ValueError(f"crops must be uint8 [N, S, S, 3]; got {values.dtype} {values.shape}")
    return torch.from_numpy(values if values.flags.writeable else values.copy())


def compare(
    a: ImageLike | Embeddings,
    b: ImageLike | Embeddings,
    *,
    model: Recogniser = DEFAULT_RECOGNISER,
    fmr: float = DEFAULT_FMR,
    population: str | None = None,
    calibration: Calibration | None = None,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    **options: Unpack[DetectKeywords],
) -> Comparison:
    """Whether two pictures of one face each show the same person, and how sure that is.

    a, b: pictures, or embeddings of one face each, made with the calibration's `flip`.
    fmr: the false match rate of the threshold. population: whose rates, by name; by default the
    first of the model's calibration. calibration: of a model of your own.
    Raises ValueError where a picture holds no face or several, or where fmr is smaller than the
    calibration can tell; Unavailable where the model has no calibration.
    """
    embedder = _embedder(model)
    known = calibration or load_calibration(embedder)
    chosen = known.population(population)
    threshold = chosen.threshold(fmr)
    rows = []
    for which, picture in (("a", a), ("b", b)):
        if not isinstance(picture, Embeddings):
            picture = embed(
                picture, model=embedder, detectors=detectors, flip=known.flip, **options
            )
        elif (picture.model.sha256, picture.flip) != (embedder.sha256, known.flip):
            raise ValueError(
                f"{which} must be embedded with {embedder.name} and flip={known.flip}, as its "
                f"calibration was; got {picture.model.name} and flip={picture.flip}"
            )
        rows.append(_only_row(which, picture))
    cosine = float(torch.nn.functional.cosine_similarity(rows[0], rows[1], dim=0))
    return Comparison(
        cosine=cosine,
        threshold=threshold,
        same=cosine >= threshold,
        fmr_at_threshold=fmr,
        fmr=chosen.fmr(cosine),
        population=chosen,
        model=embedder.name,
    )


def _only_row(which: str, found: Embeddings) -> torch.Tensor:
    if len(found) != 1:
        small = f" and {len(found.too_small)} too small to compare" if found.too_small else ""
        todo = (
            "choose one: pass guise.embed(picture, faces=[face])"
            if len(found)
            else "lower the detector's threshold=, or pass guise.embed(picture, faces=[face]) with "
            "a face of your own"
        )
        raise ValueError(f"{which} must show one face; {len(found)} were found{small}; {todo}")
    return found.vectors[0]


def estimate_pose(
    faces: Sequence[_core.Face] | torch.Tensor, **options: Unpack[PoseKeywords]
) -> list[_core.HeadPose]:
    """Yaw, pitch and roll of each face in degrees, from its five landmarks alone.

    faces: `Face` objects with landmarks, or float [N, 5, 2] in px. yaw + to the right of the
    picture, pitch + up, roll + clockwise. `misfit` says how unusual a face the landmarks would
    need. Mean errors are in docs/measurements.md. Raises ValueError for landmarks that coincide.
    """
    landmarks = faces if isinstance(faces, torch.Tensor) else _landmarks(faces)
    chosen = _core.PoseOptions(**options)
    head = os.fspath(models.path("house-head"))
    with _estimators_lock:
        key = f"{head} {chosen!r}"
        if key not in _estimators:
            _estimators[key] = _core.PoseEstimator(head=head, options=chosen)
    return _estimators[key].estimate(landmarks)


def assess_quality(embeddings: Embeddings, **options: Unpack[QualityKeywords]) -> torch.Tensor:
    """float32 [N], 0 to 1: how far each embedding may be relied on; higher is better.

    measure: "norm", the length of the raw embedding between two lengths of the model's calibration
    (or norm_low, norm_high), or "learned", what the model itself says. Values of different models
    do not compare. Raises Unavailable where the model gives no such measure.
    """
    values: dict[str, Any] = dict(options)
    measure = values.get("measure", _core.QualityOptions().measure)
    if measure == "norm" and not {"norm_low", "norm_high"} & set(values):
        known = load_calibration(embeddings.model)
        values |= {"norm_low": known.norm_low, "norm_high": known.norm_high}
    if measure == "learned" and embeddings.quality is None:
        raise _core.Unavailable(
            f"the model {embeddings.model.name} was not trained to judge quality; "
            f"{_who_judges()}, or take measure='norm'"
        )
    return _core.assess_quality(embeddings._engine, _core.QualityOptions(**values))


def _who_judges() -> str:
    """The models at hand that give a learned quality, in words."""
    names = []
    for entry in models.list():
        if entry.input is not None and entry.input.crop is not None:
            try:
                path = models.path(entry.name, fetch=False)
            except (_core.Unavailable, _core.CorruptFile):
                continue
            if path and models.open_embedder(entry.name).has_quality:
                names.append(entry.name)
    return f"these were: {', '.join(names)}" if names else "none of the models at hand was"


def _embedder(model: Recogniser) -> _core.Embedder:
    return models.open_embedder(model) if isinstance(model, str) else model


def _landmarks(faces: Sequence[_core.Face]) -> torch.Tensor:
    points = [face.landmarks for face in faces]
    return torch.stack(points) if points else torch.empty(0, 5, 2)
