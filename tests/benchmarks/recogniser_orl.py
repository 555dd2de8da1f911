"""Recognisers on real photos and on rendered people that no training has seen, side by side.

    python recogniser_orl.py --models house-recogniser mobilefacenet-foamliu
    python recogniser_orl.py --weights build/train-recogniser/house-recogniser.safetensors

ORL: 40 people x 10, all pairs. Every recogniser gets the same faces: landmarks by ``--detector``,
found in the photo or, failing that, with a border. dlib's ResNet aligns by its own. Rendered
people: seed 990002, 300 people x 6 of default options ("all"), and 300 x 6 of `frontal()`, cut out
by their true landmarks. EER with its 95 % interval over people drawn anew (bootstrap); rank-1: one
gallery photo a person, the mean over every choice. Where you show ORL faces, give credit to
Olivetti Research Laboratory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from attack_orl import DlibRecogniser
from numpy.typing import NDArray
from support import (
    Image,
    argument_parser,
    import_guise,
    list_photos,
    markdown_table,
    prepare,
    processor,
    read_image,
    write_json,
)

FARS = [0.01, 0.001]
BORDER_PX = 28
# Where a face of ORL usually is, for the photos in which no detector finds one.
USUAL_POINTS = np.array([[30, 45], [62, 45], [46, 62], [33, 80], [59, 80]], np.float32)
RENDER_SEED = 990_002

Embed = Callable[[Sequence[Image], NDArray[np.float32]], torch.Tensor]


@dataclass(frozen=True)
class Faces:
    """Photos with one face each."""

    images: list[Image]
    landmarks: NDArray[np.float32]  # [N, 5, 2] px
    people: torch.Tensor  # int64 [N]


def load_orl(folder: Path, detector: str) -> Faces:
    """The 400 photos; says on stderr in how many no face was found."""
    guise = import_guise()
    images, landmarks, people, missed = [], [], [], []
    for path in list_photos(folder):
        image = read_image(path)
        border = ((BORDER_PX, BORDER_PX), (BORDER_PX, BORDER_PX), (0, 0))
        for view, shift in ((image, 0), (np.pad(image, border, mode="edge"), BORDER_PX)):
            faces = guise.detect(view, detectors=(detector,))
            if faces:
                points = faces[0].landmarks.numpy() - shift
                break
        else:
            points = USUAL_POINTS
            missed.append(path.stem)
        images.append(image)
        landmarks.append(points)
        people.append(int(path.stem[1:].split("_")[0]))
    if missed:
        print(f"no face found in {', '.join(missed)}: usual places taken", file=sys.stderr)
    return Faces(images, np.stack(landmarks), torch.tensor(people))


def render(options: Any, people: int, samples: int) -> Faces:
    """Rendered people with their true landmarks."""
    guise = import_guise()
    faces = guise.Renderer(options=options, size_px=192).sample(
        identities=people, samples=samples, seed=RENDER_SEED
    )
    return Faces(list(faces.images.numpy()), faces.landmarks_5.numpy(), faces.identities)


def embed_with(model: Any) -> Embed:
    """A recogniser of guise, mirror images included."""
    guise = import_guise()

    def embed(images: Sequence[Image], landmarks: NDArray[np.float32]) -> torch.Tensor:
        rows = []
        for image, points in zip(images, landmarks, strict=True):
            face = guise.Face((0, 0, 1, 1), landmarks=torch.from_numpy(points))
            rows.append(guise.embed(image, model=model, faces=[face]).vectors)
        return torch.cat(rows)

    return embed


def embed_with_dlib() -> Embed:
    """dlib's ResNet, which aligns by itself; the box for its landmarks follows from ours."""
    judge = DlibRecogniser()

    def embed(images: Sequence[Image], landmarks: NDArray[np.float32]) -> torch.Tensor:
        alignments = []
        for image, points in zip(images, landmarks, strict=True):
            low, high = points.min(0), points.max(0)
            size = 1.1 * (high - low).max()
            middle = (low + high) / 2
            alignments.append(judge.align(image, (*(middle - size), *(middle + size))))
        vectors = torch.from_numpy(judge.embed(images, alignments))
        return torch.nn.functional.normalize(vectors).float()

    return embed


def figures_of(vectors: torch.Tensor, people: torch.Tensor) -> dict[str, Any]:
    """EER, TAR at FAR, rank-1 and what impostors look like."""
    core = import_guise()._core
    first, second = torch.triu_indices(len(people), len(people), 1)
    genuine = people[first] == people[second]
    cosines = core.listed_cosines(vectors.contiguous()).double()
    curve = core.error_curve(cosines[genuine], cosines[~genuine])
    codes = torch.unique(people, return_inverse=True)[1]
    a, b = codes[first], codes[second]
    intervals = core.bootstrap_intervals(
        cosines,
        genuine,
        a,
        torch.where(genuine, -1, b),
        torch.ones(len(cosines), dtype=torch.float64),
        int(codes.max()) + 1,
        FARS,
        core.BootstrapOptions(resamples=200),
    )
    ranks = core.identification_over_choices(vectors.contiguous(), people)
    return {
        "EER": curve.equal_error().rate,
        "EER interval": (intervals.equal_error.low, intervals.equal_error.high),
        **{f"TAR at FAR {far}": 1 - curve.at_fmr(far).fnmr for far in FARS},
        "rank-1": float(ranks[0]),
        "genuine cosine": float(cosines[genuine].mean()),
        "impostor cosine": float(cosines[~genuine].mean()),
    }


def main() -> None:
    """Embed every set with every recogniser and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--models", nargs="*", default=[], help="names of the registry")
    parser.add_argument("--weights", type=Path, nargs="*", default=[], help="house recognisers")
    parser.add_argument("--detector", default="centerface")
    parser.add_argument("--no-dlib", action="store_true")
    parser.add_argument("--people", type=int, default=300, help="rendered, of each kind")
    arguments = parser.parse_args()
    prepare(arguments, "orl")
    guise = import_guise()
    embedders: dict[str, Embed] = {name: embed_with(name) for name in arguments.models}
    for path in arguments.weights:
        crop = guise.models.CropContract("arcface", 64, 64, (127.5,) * 3, (127.5,) * 3)
        model = guise.embedding.open_file(
            path, architecture="house-recogniser", preset="v1", crop=crop
        )
        embedders[path.stem] = embed_with(model)
    if not arguments.no_dlib:
        embedders["dlib ResNet"] = embed_with_dlib()
    sets = {
        "ORL": load_orl(arguments.data / "orl", arguments.detector),
        "rendered, all": render(guise.RecipeOptions(), arguments.people, 6),
        "rendered, frontal": render(guise.RecipeOptions.frontal(), arguments.people, 6),
    }
    rows, figures = [], {}
    for set_name, faces in sets.items():
        for name, embed in embedders.items():
            found = figures_of(embed(faces.images, faces.landmarks), faces.people)
            figures[f"{set_name}, {name}"] = found
            low, high = found["EER interval"]
            rows.append(
                [
                    set_name,
                    name,
                    f"{100 * found['EER']:.2f} ({100 * low:.1f} to {100 * high:.1f})",
                    *[f"{100 * found[f'TAR at FAR {far}']:.1f}" for far in FARS],
                    f"{100 * found['rank-1']:.1f}",
                    f"{found['genuine cosine']:.3f}",
                    f"{found['impostor cosine']:.3f}",
                ]
            )
            print(rows[-1], file=sys.stderr, flush=True)
    header = ["set", "recogniser", "EER, %", *[f"TAR at FAR {100 * far:g} %" for far in FARS]]
    header += ["rank-1", "genuine", "impostor"]
    print(f"{processor()}; landmarks by {arguments.detector}\n")
    print(markdown_table(header, rows))
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
