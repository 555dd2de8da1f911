"""The photo flow as calls on images: detect, align, obscure, anonymize.

Options are those of the engine's structs (`guise._core.DetectOptions`, `ObscureOptions`,
`AnonymizeOptions`, `CollectionOptions`), given flat by keyword. Their defaults live in C++ only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import torch
from typing_extensions import Unpack

from guise import _core, models
from guise._images import ImageLike, to_tensor

# Used where no detector is named. Fetched on first use, with a printed line.
DEFAULT_DETECTORS: tuple[str, ...] = ("centerface",)


class DetectKeywords(TypedDict, total=False):
    """Keywords of `DetectOptions`."""

    threshold: float
    review_threshold: float
    nms_iou: float
    smallest_face_px: float
    max_closer_looks: int


class ObscureKeywords(TypedDict, total=False):
    """Keywords of `ObscureOptions`."""

    method: str
    shape: str
    mask_scale: float
    strength: float
    feather: float


class AnonymizeKeywords(DetectKeywords, ObscureKeywords, total=False):
    """Keywords of `AnonymizeOptions` and what it holds."""

    when_unsure: str
    second_look: bool


class FileKeywords(AnonymizeKeywords, total=False):
    """Keywords of `AnonymizeOptions`, `ReadLimits` and `WriteOptions`."""

    format: str
    jpeg_quality: int
    jpeg_subsample_chroma: bool
    png_compression: int
    webp_quality: int
    webp_lossless: bool
    webp_effort: int
    max_file_bytes: int
    max_side_px: int
    max_pixels: int
    max_jpeg_scans: int


class FolderKeywords(FileKeywords, total=False):
    """Keywords of `CollectionOptions` and what it holds."""

    report: str | os.PathLike[str]
    follow_links: bool
    hidden: bool
    workers: int
    max_pixels_in_flight: int


class NeedsReview(RuntimeError):
    """A face may have been left in the picture, so there is no picture.

    `result` is the `AnonymizedImage` with `faces`, `doubtful`, `uncovered` and `reason`.
    """

    def __init__(self, result: _core.AnonymizedImage) -> None:
        super().__init__(
            f"a person has to look at this picture: {result.reason}; pass "
            "when_unsure='obscure-all' to obscure what is in doubt"
        )
        self.result = result


def search(
    image: ImageLike,
    *,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    **options: Unpack[DetectKeywords],
) -> _core.FaceSearch:
    """Finds faces at every scale: `.faces`, and `.doubtful` below the accept threshold.

    image: a path, uint8 [H, W, 3] RGB (tensor or array), or a PIL image.
    detectors: names from `guise.models.list()`; a face that any of them finds counts.
    Raises ValueError, CorruptFile, and Unavailable where a detector's file is not there.
    """
    found = models.open_detectors(detectors)
    return _core.detect_faces(to_tensor(image), found, _core.DetectOptions(**options))


def detect(
    image: ImageLike,
    *,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    **options: Unpack[DetectKeywords],
) -> list[_core.Face]:
    """The accepted faces of a picture by falling score; see `search` for arguments and errors."""
    return search(image, detectors=detectors, **options).faces


def obscure(
    image: ImageLike, faces: Sequence[_core.Face], **options: Unpack[ObscureKeywords]
) -> torch.Tensor:
    """uint8 [H, W, 3] RGB, a new tensor with `faces` blurred, pixelated or filled.

    Pixels outside the masks and their soft border are bit-equal to the input's.
    Raises ValueError for options out of range.
    """
    return _core.obscure_faces(to_tensor(image), list(faces), _core.ObscureOptions(**options))


def align(
    image: ImageLike,
    faces: Sequence[_core.Face],
    *,
    size_px: int = _core.DEFAULT_CROP_SIZE_PX,
    template: str = _core.DEFAULT_CROP_TEMPLATE,
    smooth: bool = _core.DEFAULT_CROP_SMOOTH,
) -> torch.Tensor:
    """uint8 [N, size_px, size_px, 3] RGB: the faces turned upright and cut out.

    template: "arcface" (five points of InsightFace, for recognition) or "ffhq" (restoration).
    smooth: average a face down first where it is much larger than the crop, as `guise.embed` does;
    without it single pixels are picked, as most tools do.
    The similarity is a least-squares fit over the five landmarks (Umeyama 1991).
    """
    points = [face.landmarks for face in faces]
    stacked = torch.stack(points) if points else torch.empty(0, 5, 2)
    return _core.align_faces(
        to_tensor(image), stacked, size_px=size_px, template=template, smooth=smooth
    )


def anonymize(
    image: ImageLike,
    *,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    **options: Unpack[AnonymizeKeywords],
) -> _core.AnonymizedImage:
    """A picture without its faces: `.image` uint8 [H, W, 3] RGB, and `.faces` that were obscured.

    The finished picture is searched once more, mirrored. Raises NeedsReview, and gives no picture,
    where a face may be left (unless when_unsure="obscure-all" settles it); ValueError, CorruptFile
    and Unavailable as `search` does.
    """
    opened = models.open_detectors(detectors)
    result = _core.anonymize_image(to_tensor(image), opened, _anonymize_options(dict(options)))
    if result.reason:
        raise NeedsReview(result)
    return result


def anonymize_file(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    **options: Unpack[FileKeywords],
) -> _core.PhotoResult:
    """One photo file to one anonymised file by the rules of `anonymize_folder`.

    The format is that of the output's extension. `.status` is "written", "without_face", "review"
    or "failed", with `.reason`; only the first two have written anything. An existing output is
    left as it is.
    """
    values: dict[str, Any] = dict(options)
    return _core.anonymize_file(
        os.fspath(input),
        os.fspath(output),
        models.open_detectors(detectors),
        _collection_options(values),
    )


def anonymize_folder(
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    detectors: Sequence[str] = DEFAULT_DETECTORS,
    on_progress: Callable[[_core.CollectionProgress], object] | None = None,
    cancel: _core.CancelToken | None = None,
    **options: Unpack[FolderKeywords],
) -> _core.CollectionSummary:
    """Every photo below `input` to the same place below `output`, faces obscured, and a report.

    What cannot be handled, or where a face may be left, is not written but listed. Called again
    with the same options it goes on where it stopped. on_progress is called on this thread after
    each photo and a few times a second in between (then `photo` is empty).
    Raises ValueError (folders inside each other, options that differ from the earlier run's),
    Unavailable (a model is missing, the disk is full or read-only).
    """
    values: dict[str, Any] = dict(options)
    if "report" in values:
        values["report"] = os.fspath(values["report"])
    return _core.anonymize_collection(
        os.fspath(input),
        os.fspath(output),
        models.open_detectors(detectors),
        _collection_options(values),
        on_progress,
        cancel,
    )


def _take(values: dict[str, Any], options: Any) -> Any:
    """Sets the attributes that `options` has from `values`, removing them there."""
    for name in [name for name in values if name in options.as_dict()]:
        setattr(options, name, values.pop(name))
    return options


def _anonymize_options(values: dict[str, Any]) -> _core.AnonymizeOptions:
    options = _core.AnonymizeOptions(
        detect=_take(values, _core.DetectOptions()), obscure=_take(values, _core.ObscureOptions())
    )
    _refuse_unknown(_take(values, options), values)
    return options


def _collection_options(values: dict[str, Any]) -> _core.CollectionOptions:
    inner = _core.AnonymizeOptions(
        detect=_take(values, _core.DetectOptions()), obscure=_take(values, _core.ObscureOptions())
    )
    options = _core.CollectionOptions(
        limits=_take(values, _core.ReadLimits()),
        write=_take(values, _core.WriteOptions()),
        anonymize=_take(values, inner),
    )
    _refuse_unknown(_take(values, options), values)
    return options


def _refuse_unknown(options: Any, unknown: dict[str, Any]) -> None:
    if unknown:
        raise TypeError(
            f"unknown option {', '.join(map(repr, unknown))}; the options are "
            f"{', '.join(_flat_names(options.as_dict()))}"
        )


def _flat_names(values: dict[str, Any]) -> list[str]:
    names: list[str] = []
    for name, value in values.items():
        names.extend(_flat_names(value) if isinstance(value, dict) else [name])
    return names
