"""models/NAME/calibration.json: how often different people look alike to a recogniser.

Two populations, as far as they are given: "real", folders of photos, the largest face that the
default detectors find in each, pairs made within a folder alone; and "rendered", people of
`guise.Renderer` that no training has drawn, cut out by their true landmarks. "real" comes first: it
is what `guise.compare` uses where no population is named. In a folder, photos below one subfolder
are of one person; of those that lie in it directly, all whose names begin alike, up to the first
underscore.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

import guise
from guise import _core, calibration, models
from guise.embedding import embed

# Of the rendered people; trainings count from other seeds.
SEED = 990_001
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_SIZE_PX = 192


def build(
    name: str,
    *,
    out: Path | None = None,
    real: Sequence[Path] = (),
    real_is: str = "",
    people: int = 400,
    photos: int = 3,
    model: _core.Embedder | None = None,
) -> Path:
    """Measures and writes the calibration of model `name`; returns the file.

    real: folders of photos; real_is: what they are, in words. people, photos: rendered ones.
    model: opened already, else the one of the registry.
    Raises ValueError (nothing to measure), Unavailable, CorruptFile.
    """
    embedder = model or models.open_embedder(name)
    options = _core.EmbedOptions()
    populations, norms = [], []
    if real:
        found, faces, labels, groups = _real(real, embedder)
        what = real_is or ", ".join(folder.name for folder in real)
        populations.append(calibration.measure_population("real", what, found, labels, groups))
        norms.append(faces)
    if people:
        found, faces, labels = _rendered(people, photos, embedder, options)
        what = f"guise.Renderer, seed {SEED}, default options, {_SIZE_PX} px, true landmarks"
        populations.append(calibration.measure_population("rendered", what, found, labels))
        norms.append(faces)
    if not populations:
        raise ValueError("real or people must be given; got neither")
    lengths = torch.cat(norms).double()
    result = calibration.Calibration(
        model=name,
        sha256=embedder.sha256,
        flip=options.flip,
        norm_low=round(float(lengths.quantile(0.01)), 4),
        norm_high=round(float(lengths.quantile(0.99)), 4),
        populations=tuple(populations),
    )
    path = out or Path("models") / name / "calibration.json"
    result.write(path)
    return path


def _rendered(
    people: int, photos: int, embedder: _core.Embedder, options: _core.EmbedOptions
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    renderer = guise.Renderer(size_px=_SIZE_PX)
    vectors, norms, labels = [], [], []
    for batch in renderer.stream(identities=people, samples=photos, seed=SEED):
        for image, landmarks in zip(batch.images, batch.landmarks_5, strict=True):
            made = _core.embed_faces(image, landmarks[None], embedder, options)
            vectors.append(made.vectors)
            norms.append(made.norms)
        labels.append(batch.identities)
    return torch.cat(vectors), torch.cat(norms), torch.cat(labels)


def _real(
    folders: Sequence[Path], embedder: _core.Embedder
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    vectors, norms, labels, groups = [], [], [], []
    people: dict[tuple[int, str], int] = {}
    for group, person, photo in _photos(folders):
        found = embed(photo, model=embedder)
        if len(found):
            largest = max(range(len(found)), key=lambda i: _area(found.faces[i].box))
            vectors.append(found.vectors[largest])
            norms.append(found.norms[largest])
            labels.append(people.setdefault((group, person), len(people)))
            groups.append(group)
    if not vectors:
        raise ValueError(
            f"{', '.join(map(str, folders))} must hold photos with faces; none has one"
        )
    return torch.stack(vectors), torch.stack(norms), torch.tensor(labels), torch.tensor(groups)


def _photos(folders: Sequence[Path]) -> Iterator[tuple[int, str, Path]]:
    """(number of the folder, person, photo) in a fixed order."""
    for group, folder in enumerate(folders):
        for photo in sorted(folder.rglob("*")):
            if photo.suffix.lower() in _SUFFIXES:
                below = photo.relative_to(folder).parts
                yield group, below[0] if below[1:] else photo.stem.partition("_")[0], photo


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
