"""Does the dataset show anybody of a gallery? Its photos are read, compared and forgotten."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from guise import _core, data
from guise.audit.audited import AuditedDataset, read_dataset
from guise.audit.identities import identity_means
from guise.audit.lines import FAIL, PASS, AuditLine, at_most, cosine_chart, worst
from guise.audit.operating import OperatingPoint, Thresholds
from guise.data.folder_store import pictures_below
from guise.data.manifest import MANIFEST, PLAN
from guise.data.recordio_store import RECORDS
from guise.dataset_report.charts import Floats, percent
from guise.evaluate.embedded_photos import embed_rows
from guise.evaluate.photo_sets import Photo, PhotoSet, open_photo_set

VECTORS = "vectors"
COPY_COSINE = 0.97  # the same photo, compressed or cut out anew
CHANCE_FACTOR = 2.0
LEAST_FAIL = 0.01
_NEAREST = 10
_NAMED = 10
_ROWS = 1024


@dataclass(frozen=True)
class Gallery:
    """Embeddings of a gallery. vectors: float32 [G, D], unit norm. names: of its photos, or None.

    photos: they are photos of unknown origin, for which false match rates over photos hold.
    """

    vectors: torch.Tensor
    kind: str
    photos: bool
    without_face: int
    names: list[str] | None


def read_gallery(
    path: str | os.PathLike[str],
    model: _core.Embedder,
    dimension: int,
    *,
    flip: bool,
    name_gallery: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Gallery:
    """Reads what `guise audit --against` takes. dimension: of the dataset's embeddings.

    Raises ValueError (no photos, no face, vectors of another width or that are no directions),
    Unavailable (absent) and CorruptFile (damaged).
    """
    place = Path(path)
    if not place.exists():
        raise _core.Unavailable(
            f"{place} must be a gallery: a folder of photos, a dataset, a .bin or a .safetensors "
            "of vectors; there is nothing"
        )
    if place.is_file() and place.suffix.lower() == ".safetensors":
        return Gallery(read_vectors(place, dimension), "vectors", False, 0, None)
    if place.is_file() and place.suffix.lower() != ".bin":
        raise ValueError(
            f"a gallery must be a folder of photos, a dataset, a .bin or a .safetensors of "
            f"vectors; {place} is another file"
        )
    if place.is_dir() and _is_dataset(place):
        faces = data.open(place)
        if len(faces) == 0:
            raise ValueError(f"a gallery must hold pictures; the dataset {place} has none")
        found = read_dataset(faces, model, flip=flip, progress=progress)
        names = [found.name(row) for row in range(len(found))] if name_gallery else None
        return Gallery(found.vectors, "dataset", not faces.plan, found.without_face, names)
    return _read_photos(place, model, flip=flip, name_gallery=name_gallery, progress=progress)


def _is_dataset(folder: Path) -> bool:
    return any((folder / name).exists() for name in (PLAN, MANIFEST, RECORDS)) or any(
        any(folder.glob(pattern)) for pattern in ("*.tar", "*.parquet", "data/*.parquet")
    )


def _read_photos(
    place: Path,
    model: _core.Embedder,
    *,
    flip: bool,
    name_gallery: bool,
    progress: Callable[[int, int], None] | None,
) -> Gallery:
    if place.is_file():
        photos = open_photo_set(place)
    else:
        paths = pictures_below(str(place))
        photos = PhotoSet(
            str(place), "folder of photos", [_file(p, place) for p in paths], [], None
        )
    if not photos.photos:
        raise ValueError(
            f"a gallery must hold photos (JPEG, PNG, WebP or BMP), also in folders below; {place} "
            "has none"
        )
    found = embed_rows(photos, model, flip=flip, skip_unreadable=True, progress=progress)
    if found.unreadable:
        named = "; --name-gallery says which"
        if name_gallery:
            named = ": " + ", ".join(each.name for each in found.unreadable[:_NAMED])
        raise _core.CorruptFile(
            f"all photos of a gallery must be readable, or a leak may be missed; "
            f"{len(found.unreadable)} of {len(photos.photos)} of {place} are not{named}"
        )
    if not found.kept:
        raise ValueError(
            f"a gallery must show faces; in none of the {len(photos.photos)} photos of {place} "
            "one was found"
        )
    names = [photos.photos[i].name for i in found.kept] if name_gallery else None
    return Gallery(found.vectors, photos.kind, True, len(found.without_face), names)


def _file(path: str, folder: Path) -> Photo:
    return Photo(str(Path(path).relative_to(folder)), lambda: _core.read_image(path))


def read_vectors(path: Path, dimension: int) -> torch.Tensor:
    """float32 [G, D], brought to length 1, from a .safetensors. Raises ValueError, CorruptFile."""
    tensors = _core.read_safetensors(str(path))
    found = tensors.get(VECTORS)
    if found is None or found.dim() != 2 or not found.is_floating_point() or not len(found):
        known = ", ".join(f"{k} {v.dtype} {list(v.shape)}" for k, v in sorted(tensors.items())[:5])
        raise ValueError(
            f"{path} must hold '{VECTORS}', float [N, D] with N at least 1; it holds "
            f"{known or 'nothing'}"
        )
    if found.shape[1] != dimension:
        raise ValueError(
            f"vectors of {path} must have {dimension} numbers, as the recogniser's; they have "
            f"{found.shape[1]}; embed the gallery with the same recogniser"
        )
    vectors = found.float()
    lengths = vectors.norm(dim=1)
    for wrong, words in (
        (~vectors.isfinite().all(1), "be finite"),
        (lengths <= 1e-6, "not be zero"),
    ):
        if bool(wrong.any()):
            raise ValueError(
                f"vectors of {path} must {words}; {int(wrong.sum())} of {len(vectors)} are not so, "
                f"the first in row {int(wrong.nonzero()[0])}; leave them out"
            )
    return torch.nn.functional.normalize(vectors)


@dataclass(frozen=True)
class _ClosePeople:
    """Identities whose pictures come, on average, as near to one of a gallery as `point`.

    expected: how many of strangers, at the most: means vary less than pictures, by which the
    recogniser is calibrated.
    """

    close: list[int]
    point: OperatingPoint
    expected: float

    def count(self) -> str:
        many = "identities" if len(self.close) > 1 else "identity"
        return f"{len(self.close)} {many}, " if self.close else ""

    def words(self) -> str:
        if not self.close:
            return ""
        named = ", ".join(map(str, self.close[:_NAMED])) + ("..." if self.close[_NAMED:] else "")
        many = len(self.close) > 1
        return (
            f" The pictures of {len(self.close)} {'identities' if many else 'identity'} ({named}) "
            f"come, on average, as near as {self.point.cosine:.3f}: at most {self.expected:.2g} of "
            "strangers would."
        )


def _close_people(
    dataset: AuditedDataset, gallery: Gallery, thresholds: Thresholds
) -> _ClosePeople:
    known = identity_means(dataset)
    count = len(known.names)
    # As rare as if every identity were compared with every vector, once.
    point = thresholds.among(count * len(gallery.vectors), photos=gallery.photos)
    cosines, _ = nearest_rows(known.means.float(), gallery.vectors)
    return _ClosePeople(
        [int(name) for name in known.names[cosines >= point.cosine]],
        point,
        count * point.expected(len(gallery.vectors)),
    )


def leak_line(
    dataset: AuditedDataset, gallery: Gallery, thresholds: Thresholds, number: int
) -> AuditLine:
    """How near the pictures come to a gallery. number: of the gallery, from 1."""
    point = thresholds.among(len(gallery.vectors), photos=gallery.photos)
    cosines, rows = nearest_rows(dataset.vectors, gallery.vectors)
    above = cosines >= point.cosine
    copies = int((cosines >= COPY_COSINE).sum())
    share, expected = float(above.mean()), point.expected(len(gallery.vectors))
    people = _close_people(dataset, gallery, thresholds)
    verdict = worst(
        (
            at_most(share, expected, max(CHANCE_FACTOR * expected, LEAST_FAIL)),
            at_most(len(people.close), people.expected, CHANCE_FACTOR * people.expected),
            FAIL if copies else PASS,
        )
    )
    nearest = _listed(dataset, gallery, cosines, rows)
    figures = {
        "gallery": {
            "kind": gallery.kind,
            "vectors": len(gallery.vectors),
            "without_face": gallery.without_face,
        },
        "threshold": point.figures(),
        "pictures_above_share": share,
        "identities": {
            "threshold": people.point.figures(),
            "above": people.close,
            "expected_by_chance": people.expected,
        },
        "expected_by_chance": expected,
        "copies": copies,
        "nearest_cosine": {
            "median": float(np.median(cosines)),
            "95_percent": float(np.quantile(cosines, 0.95)),
            "highest": float(cosines.max()),
        },
        "nearest": nearest,
    }
    return AuditLine(
        f"leak_{number}",
        f"Nobody of gallery {number} is shown",
        verdict,
        share,
        f"{percent(share)} ({int(above.sum())} of {len(dataset)}), {people.count()}"
        f"{copies or 'no'} {'copies' if copies > 1 else 'copy'}",
        f"at most {percent(expected)}, no identity, no copy",
        _words(dataset, gallery, cosines, point, copies, expected, number) + people.words(),
        figures,
        _details(nearest, people, copies),
        [cosine_chart(cosines, f"Nearest of gallery {number}", "cosine to the nearest")],
    )


def _listed(
    dataset: AuditedDataset, gallery: Gallery, cosines: Floats, rows: list[int]
) -> list[dict[str, Any]]:
    """The nearest pictures, nearest first; what they are near to is named where it may be."""
    return [
        {
            "picture": dataset.name(row),
            "identity": int(dataset.people[row]),
            "cosine": float(cosines[row]),
            "gallery": gallery.names[rows[row]] if gallery.names else None,
        }
        for row in np.argsort(-cosines, kind="stable")[:_NEAREST].tolist()
    ]


def _details(
    nearest: list[dict[str, Any]], people: _ClosePeople, copies: int
) -> list[tuple[str, str]]:
    rows = [
        ("identities as near on the whole", str(len(people.close))),
        ("pictures as near as one photo compressed anew", str(copies)),
    ]
    for each in nearest:
        other = f" with {each['gallery']}" if each["gallery"] else ""
        rows.append((f"nearest: {each['picture']}", f"cosine {each['cosine']:.3f}{other}"))
    return rows


def _words(
    dataset: AuditedDataset,
    gallery: Gallery,
    cosines: Floats,
    point: OperatingPoint,
    copies: int,
    expected: float,
    number: int,
) -> str:
    above = int((cosines >= point.cosine).sum())
    words = (
        f"{above or 'None'} of {len(dataset)} pictures {'comes' if above < 2 else 'come'} as near "
        f"to one of the {len(gallery.vectors)} faces of gallery {number} ({gallery.kind}) as "
        f"{point}; the highest cosine is {float(cosines.max()):.3f}."
    )
    if point.fmr is not None:
        words += f" Chance alone would give {percent(expected)}."
    if copies:
        words += (
            f" {copies} {'is' if copies == 1 else 'are'} as near ({COPY_COSINE}) as a photo is "
            "to itself, compressed anew."
        )
    if gallery.without_face:
        words += (
            f" In {gallery.without_face} of its photos no face was found: they were not compared."
        )
    return words


def nearest_rows(vectors: torch.Tensor, gallery: torch.Tensor) -> tuple[Floats, list[int]]:
    """For each row its highest cosine with the gallery, and whose."""
    cosines, rows = [], []
    for start in range(0, len(vectors), _ROWS):
        best = (vectors[start : start + _ROWS] @ gallery.T).max(1)
        cosines.append(best.values.double().numpy())
        rows += best.indices.tolist()
    return np.concatenate(cosines), rows
