"""Datasets of aligned crops side by side: are identities apart, and pictures of one together?

Two judges: house-recogniser, which taught house-vec2face, and dlib's ResNet, which never saw it.

    guise synthesize build/render --engine render --identities 500 --images-per-identity 20
    guise synthesize build/made --engine house-vec2face --identities 500 --images-per-identity 20
    python generator_identity.py build/render build/made

Cosines are of embeddings of length 1. "Apart": the mean cosine of all pairs of pictures of an
identity and its nearest other. "Strays": pictures nearer to another identity's centre than to that
of their own identity's other pictures. "Training": mean over pictures of the cosine to the nearest
of 500 people that house-vec2face learned from, rendered anew, and to the nearest of 500 others: as
long as they are alike, nobody was memorised. Yaw and pitch are read from house-recogniser's last
stage (mean error of yaw 3.7 degrees); light is the mean luminance of the face, and the logarithm of
left over right; both as deviations within an identity.

Needs `dlib-bin` and `guise models fetch dlib-resnet`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from support import limit_threads, markdown_table, processor, write_json

from guise import Renderer, _core, data, embedding, models
from guise.audit.memorisation import CONTROL_SEED
from guise.dataset_report.pictures import spread
from guise.dataset_report.similarity import DlibRecogniser, accepted_at, equal_error
from guise.train.crop_bank import ARCFACE_112
from guise.train.people_group import generator_group
from guise.train.recogniser_judge import RecogniserJudge
from guise.vec2face import generator_entry, open_generator

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Crops = NDArray[np.uint8]  # [N, 112, 112, 3]
Embed = Callable[[Crops], Floats]  # -> [N, D] of length 1

BATCH = 200
FACE = (slice(40, 100), slice(31, 81))  # rows and columns of a crop that show skin
LUMINANCE = np.array([0.299, 0.587, 0.114])
FAR = 1e-3
_dlib: DlibRecogniser | None = None


def batches(count: int) -> Iterator[range]:
    for first in range(0, count, BATCH):
        yield range(first, min(first + BATCH, count))


def unit(vectors: Any) -> Floats:
    values = np.asarray(vectors, dtype=np.float64)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True))


def read_crops(path: Path) -> tuple[Crops, Integers]:
    """The pictures of a dataset and their identities, those of one in a row."""
    faces = data.open(path)
    people = faces.identities.numpy()
    order = np.argsort(people, kind="stable")
    crops = np.stack([faces[int(i)][0].numpy() for i in order])
    if crops.shape[1:] != (112, 112, 3):
        sys.exit(f"{path} must hold crops of 112 px; got {crops.shape[1:]}")
    return crops, people[order]


def rendered_people(seed: int, count: int, threads: int) -> Crops:
    """The first picture of people of the generator's group, as it learned from them."""
    group = generator_group()
    renderer = Renderer(options=group.options, size_px=192, threads=threads)
    crops = []
    numbers = spread(group.people, count)
    for batch in renderer.stream(identities=numbers, samples=1, seed=seed, batch=50):
        crops += [
            _core.align_faces(image, points[None], size_px=112, smooth=True)[0].numpy()
            for image, points in zip(batch.images, batch.landmarks_5, strict=True)
        ]
    return np.stack(crops)


def house_judge() -> Embed:
    model = models.open_embedder("house-recogniser")
    template = model.crop.crop_template

    def embed(crops: Crops) -> Floats:
        return np.concatenate(
            [
                unit(embedding.embed_crops(crops[rows], model=model, template=template))
                for rows in (slice(b.start, b.stop) for b in batches(len(crops)))
            ]
        )

    return embed


def _start_dlib() -> None:
    global _dlib
    torch.set_num_threads(1)
    _dlib = DlibRecogniser()


def _ask_dlib(crops: Crops) -> Floats:
    assert _dlib is not None
    points = ARCFACE_112.tolist()
    return np.array([_dlib.embed(torch.from_numpy(crop), points) for crop in crops])


def dlib_judge(pool: ProcessPoolExecutor) -> Embed:
    def embed(crops: Crops) -> Floats:
        parts = [crops[b.start : b.stop] for b in batches(len(crops))]
        return unit(np.concatenate(list(pool.map(_ask_dlib, parts))))

    return embed


def pair_figures(vectors: Floats, people: Integers) -> dict[str, float]:
    """Of all pairs of pictures."""
    genuine, impostor = [], []
    for b in batches(len(vectors)):
        block = vectors[b.start : b.stop] @ vectors[b.start :].T
        later = np.triu(np.ones(block.shape, dtype=bool), 1)
        same = people[b.start : b.stop, None] == people[None, b.start :]
        genuine.append(block[later & same].astype(np.float32))
        impostor.append(block[later & ~same].astype(np.float32))
    one, others = np.concatenate(genuine), np.concatenate(impostor)
    # A sample of the pairs of different people: what follows sorts them.
    others = others[:: max(1, len(others) // 5_000_000)]
    return {
        "one": float(one.mean()),
        "others": float(others.mean()),
        "equal_error": equal_error(1.0 - one, 1.0 - others)[0],
        "tar": accepted_at(1.0 - one, 1.0 - others, FAR),
    }


def identity_figures(vectors: Floats, people: Integers) -> dict[str, float]:
    """Of identities and their centres."""
    names, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, codes, vectors)
    means = sums / counts[:, None]
    pairs = means @ means.T
    np.fill_diagonal(pairs, -2)
    nearest = pairs.max(1)
    to_centres = vectors @ unit(means).T
    rest = unit(sums[codes] - vectors)
    own = (vectors * rest).sum(1)
    to_centres[np.arange(len(codes)), codes] = -2
    return {
        "apart_median": float(np.median(nearest)),
        "apart_highest": float(nearest.max()),
        "to_centre": float(own.mean()),
        "strays": float((to_centres.max(1) > own).mean()),
    }


def nearest_known(vectors: Floats, known: Floats) -> float:
    return float(
        np.mean([(vectors[list(b)] @ known.T).max(1).mean() for b in batches(len(vectors))])
    )


def within(values: Floats, people: Integers) -> float:
    """Mean over identities of the standard deviation of their pictures."""
    return float(np.mean([values[people == each].std() for each in np.unique(people)]))


def diversity(crops: Crops, people: Integers, judge: RecogniserJudge) -> dict[str, float]:
    """Pose and light."""
    engine = open_generator(generator_entry("house-vec2face"))
    weight, bias = engine.extra("pose_head.weight"), engine.extra("pose_head.bias")
    assert weight is not None and bias is not None
    poses = []
    with torch.inference_mode():
        for b in batches(len(crops)):
            x = torch.from_numpy(crops[b.start : b.stop]).permute(0, 3, 1, 2).float()
            seen = judge.last_stage(x / 127.5 - 1)
            poses.append((seen @ weight.float().T + bias.float()).numpy())
    pose = np.concatenate(poses).astype(np.float64)
    faces = crops[:, FACE[0], FACE[1]].astype(np.float32) @ LUMINANCE.astype(np.float32)
    half = faces.shape[2] // 2
    left, right = faces[:, :, :half].mean((1, 2)), faces[:, :, half:].mean((1, 2))
    side = np.log((left + 1) / (right + 1)).astype(np.float64)
    return {
        "yaw": within(pose[:, 0], people),
        "turned": float((np.abs(pose[:, 0]) > 30).mean()),
        "pitch": within(pose[:, 1], people),
        "light": within(faces.mean((1, 2)).astype(np.float64), people),
        "side": within(side, people),
    }


def rows_of(name: str, figures: dict[str, Any]) -> list[list[str]]:
    return [
        [
            name,
            judge,
            f"{f['one']:.3f}",
            f"{f['others']:.3f}",
            f"{100 * f['equal_error']:.1f}",
            f"{100 * f['tar']:.1f}",
            f"{f['apart_median']:.3f} / {f['apart_highest']:.3f}",
            f"{f['to_centre']:.3f}",
            f"{100 * f['strays']:.1f}",
            f"{f['training']:.3f} / {f['strangers']:.3f}",
        ]
        for judge, f in figures["judges"].items()
    ]


def measure(
    paths: Sequence[Path], judges: dict[str, Embed], known: dict[str, tuple[Floats, Floats]]
) -> dict[str, dict[str, Any]]:
    pose_judge = RecogniserJudge(Path(models.path("house-recogniser")))
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        crops, people = read_crops(path)
        print(f"{path.name}: {len(crops)} pictures of {len(set(people.tolist()))}", file=sys.stderr)
        table: dict[str, dict[str, float]] = {}
        for name, embed in judges.items():
            vectors = embed(crops)
            seen, unseen = known[name]
            table[name] = {
                **pair_figures(vectors, people),
                **identity_figures(vectors, people),
                "training": nearest_known(vectors, seen),
                "strangers": nearest_known(vectors, unseen),
            }
        found[path.name] = {"judges": table, "diversity": diversity(crops, people, pose_judge)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", type=Path, nargs="+", metavar="DATASET")
    parser.add_argument("--training-people", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=None, help="also write the figures here")
    options = parser.parse_args()
    limit_threads(options.threads)
    context = get_context("spawn")
    with ProcessPoolExecutor(options.threads, context, initializer=_start_dlib) as pool:
        judges = {"house-recogniser": house_judge(), "dlib": dlib_judge(pool)}
        groups = [
            rendered_people(seed, options.training_people, options.threads)
            for seed in (generator_group().seed, CONTROL_SEED)
        ]
        known = {name: (embed(groups[0]), embed(groups[1])) for name, embed in judges.items()}
        found = measure(options.datasets, judges, known)
    print(f"{processor()}, {options.threads} threads\n")
    header = (
        "dataset | judge | one person, cosine | two people, cosine | EER, % | TAR at FAR 0.1 % | "
        "nearest identity, median / highest | to own centre | strays, % | "
        "nearest training / other person"
    )
    rows = [row for name, figures in found.items() for row in rows_of(name, figures)]
    print(markdown_table(header.split(" | "), rows), end="\n\n")
    header = (
        "dataset | yaw, degrees | beyond 30 degrees, % | pitch, degrees | luminance | "
        "left over right, %"
    )
    spreads = [
        [
            name,
            f"{d['yaw']:.1f}",
            f"{100 * d['turned']:.1f}",
            f"{d['pitch']:.1f}",
            f"{d['light']:.1f}",
            f"{100 * math.expm1(d['side']):.1f}",
        ]
        for name, d in ((name, figures["diversity"]) for name, figures in found.items())
    ]
    print(markdown_table(header.split(" | "), spreads))
    write_json(options.json, found)


if __name__ == "__main__":
    main()
