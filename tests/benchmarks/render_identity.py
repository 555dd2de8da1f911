"""Does a recogniser that never saw this project tell rendered people apart?

The judge is dlib's ResNet with dlib's own detector and five points (Euclidean distance; 0.6 is its
usual threshold). A picture in which dlib finds no face counts as not found; its embedding is then
taken with a box made from the ground truth, so that hard pictures are not left out.

    python render_identity.py                          # 200 people x 10, mild poses, no occluder
    python render_identity.py --default-options        # the same with the renderer's defaults
    python render_identity.py --identities 2000 --images 2 --look-alikes --out build/look-alikes

A row's pairs lie within its group of pictures (or between two groups: "with"). "Same sex" are
pairs of different people of one sex. Standard errors: bootstrap over people. Shape strength is the
length of the person's shape modes, each standard normal over the learned distribution.

Needs `dlib-bin` and the files of `pip install --no-deps face-recognition-models==0.3.0`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from render_judge import Measured
from render_pairs import Pairs, error_rate, standard_error
from render_support import (
    Bools,
    Floats,
    Integers,
    RenderSource,
    Source,
    decimal,
    describe_source,
    is_present,
    lamp_share,
    open_source,
    parameter,
    percent,
    render_parser,
    write_sheet,
)
from support import markdown_table, prepare, processor, write_json

DLIB_THRESHOLD = 0.6
STRICT_THRESHOLD = 0.4
Group = tuple[str, Bools, Bools | None]


def bands(
    name: str, values: Floats, edges: Sequence[float], unit: str = "", outer: bool = False
) -> list[Group]:
    """Groups between edges; ``outer`` adds the pairs between the first and the last group."""
    groups: list[Group] = []
    for low, high in itertools.pairwise(edges):
        inside = (values >= low) & (values < high)
        shown = f"{low:g} to {high:g}"
        if math.isinf(low):
            shown = f"below {high:g}"
        elif math.isinf(high):
            shown = f"from {low:g}"
        groups.append((f"{name} {shown}{unit}", inside, None))
    filled = [group for group in groups if group[1].any()]
    if outer and len(filled) > 1:
        first, last = filled[0], filled[-1]
        title = f"{first[0]} with {last[0].removeprefix(name).strip()}"
        filled.append((title, first[1], last[1]))
    return filled


def thirds(name: str, values: Floats) -> list[Group]:
    """The lowest and the highest third, and one with the other."""
    if np.isnan(values).all():
        return []
    low, high = np.nanquantile(values, [1 / 3, 2 / 3])
    below, above = values <= low, values > high
    return [
        (f"{name}: lowest third (to {low:.2g})", below, None),
        (f"{name}: highest third (from {high:.2g})", above, None),
        (f"{name}: lowest with highest third", below, above),
    ]


def list_groups(measured: Measured) -> list[Group]:
    """The groups of the table: pose, light, sex, age, tone, glasses."""
    pose = measured.pose_deg
    sexes = np.array(measured.texts("identity.sex"))
    worn = np.array(
        [is_present(parameter(p, "photo.wearing.glasses")) for p in measured.parameters]
    )
    groups = bands("yaw", np.abs(pose[:, 0]), (0, 10, 20, 30, 45, 60, 90.1), "°", outer=True)
    groups += bands("pitch", pose[:, 1], (-math.inf, -5, 5, math.inf), "°", outer=True)
    groups += thirds("brightness of the face", measured.brightness)
    groups += thirds("strength of the environment", measured.numbers("photo.light.strength"))
    groups += thirds("share of the lamps", np.array([lamp_share(p) for p in measured.parameters]))
    groups += [(f"sex: {sex}", sexes == sex, None) for sex in sorted(set(sexes) - {""})]
    groups += bands("age", measured.numbers("identity.age_years"), (18, 30, 45, 60, 120))
    tones = measured.numbers("identity.skin.melanin")
    groups += bands("tone (melanin)", tones, (0, 0.2, 0.4, 0.6, 0.8, 1.01), outer=True)
    if worn.any():
        groups += [
            ("glasses in both", worn, None),
            ("glasses in none", ~worn, None),
            ("glasses in one", worn, ~worn),
        ]
    return groups


def mean(values: Floats | Bools) -> float:
    """The mean, NaN of nothing."""
    return float(values.mean()) if len(values) else math.nan


def figures_of(pairs: Pairs, found: Bools, sexes: NDArray[Any] | None) -> dict[str, float]:
    """The figures of one group."""
    genuine = pairs.genuine
    impostor = pairs.distance[~genuine]
    rate, threshold = error_rate(pairs)
    same = np.zeros(len(impostor), bool)
    if sexes is not None:
        same = (sexes[pairs.first] == sexes[pairs.second])[~genuine]
    return {
        "pictures": float(len(found)),
        "found": mean(found),
        "genuine": mean(pairs.distance[genuine]),
        "impostor": mean(impostor),
        "same sex": mean(impostor[same]),
        "EER": rate,
        "EER threshold": threshold,
        "FMR": mean(impostor <= DLIB_THRESHOLD),
        "same-sex FMR": mean(impostor[same] <= DLIB_THRESHOLD),
        "FNMR": mean(pairs.distance[genuine] > DLIB_THRESHOLD),
    }


def print_groups(measured: Measured) -> dict[str, Any]:
    """The table of groups."""
    pairs = Pairs.of(measured.embeddings, measured.identities)
    texts = np.array(measured.texts("identity.sex"))
    sexes = texts if (texts != "").all() else None
    everything = figures_of(pairs, measured.found, sexes)
    everything["EER standard error"] = standard_error(pairs)
    everything["embedding variance"] = float(measured.embeddings.var(axis=0).sum())
    results = {"all": everything}
    for name, pictures, others in list_groups(measured):
        if pictures.any():
            union = pictures if others is None else pictures | others
            part = pairs.within(pictures, others)
            results[name] = figures_of(part, measured.found[union], sexes)
    one_sex = pairs.where(
        pairs.genuine | (texts[pairs.first] == texts[pairs.second])
        if sexes is not None
        else pairs.genuine
    )
    everything["EER within one sex"] = error_rate(one_sex)[0]
    header = ["", "pictures", "dlib finds, %", "genuine", "impostor", "same sex", "EER, %"]
    header += ["false matches at 0.6, %", "same sex, %", "false non-matches, %"]
    rows = [
        [name, int(f["pictures"]), percent(f["found"])]
        + [decimal(f[key]) for key in ("genuine", "impostor", "same sex")]
        + [percent(f[key], 2) for key in ("EER", "FMR", "same-sex FMR", "FNMR")]
        for name, f in results.items()
    ]
    print(markdown_table(header, rows))
    print(
        f"\nEER {percent(everything['EER'], 2)} % (standard error "
        f"{percent(everything['EER standard error'], 2)}) at distance "
        f"{everything['EER threshold']:.3f}; within one sex "
        f"{percent(everything['EER within one sex'], 2)} %; variance of the embedding "
        f"{everything['embedding variance']:.3f}."
    )
    return results


def print_shape(measured: Measured, source: Source) -> dict[str, float]:
    """How far the people lie from the mean of the learned distribution."""
    limit = math.nan
    if isinstance(source, RenderSource):
        limit = float(source.renderer._engine.shape_limit)
    first = np.unique(measured.identities, return_index=True)[1]
    rows = [parameter(measured.parameters[int(i)], "identity.shape.modes") for i in first]
    if any(row is None or len(row) == 0 for row in rows):
        print("\nThe parameters hold no shape modes.")
        return {}
    modes = np.array(rows, dtype=np.float64)
    length = np.linalg.norm(modes, axis=1)
    figures = {
        "modes": float(modes.shape[1]),
        "mean": float(length.mean()),
        "99 %": float(np.quantile(length, 0.99)),
        "max": float(length.max()),
        "largest mode": float(np.abs(modes).max()),
        "limit": limit,
    }
    print(
        f"\nShape, {modes.shape[1]} modes of {len(modes)} people: Mahalanobis distance "
        f"{figures['mean']:.2f} on average (free draws: {math.sqrt(modes.shape[1]):.2f}), 99 % "
        f"below {figures['99 %']:.2f}, largest {figures['max']:.2f}; limit of the head model "
        f"{decimal(limit, 2)}; largest single mode {figures['largest mode']:.2f}."
    )
    return figures


def print_look_alikes(measured: Measured, out: Path | None) -> dict[str, Any]:
    """How many people have another one whose face the judge takes for theirs."""
    people, codes = np.unique(measured.identities, return_inverse=True)
    threshold = error_rate(Pairs.of(measured.embeddings, measured.identities))[1]
    nearest: dict[str, tuple[Floats, Integers]] = {}
    ways = {"first picture": measured.samples == measured.samples.min()}
    if len(codes) > len(people):
        ways["any two pictures"] = np.ones(len(codes), bool)
    for name, chosen in ways.items():
        between = np.full((len(people), len(people)), np.inf)
        vectors, owner = measured.embeddings[chosen], codes[chosen]
        squares = (vectors**2).sum(1)
        for row in range(len(vectors)):
            gap = np.sqrt(np.maximum(squares + squares[row] - 2 * vectors @ vectors[row], 0))
            np.minimum.at(between[owner[row]], owner, gap)
        np.fill_diagonal(between, np.inf)
        nearest[name] = between.min(1), between.argmin(1).astype(np.int64)
    limits = {"0.4": STRICT_THRESHOLD, "0.6": DLIB_THRESHOLD}
    if not math.isnan(threshold):
        limits[f"EER threshold {threshold:.3f}"] = threshold
    rows, figures = [], {}
    for name, (distance, _) in nearest.items():
        shares = {limit: float((distance <= value).mean()) for limit, value in limits.items()}
        quantiles = np.quantile(distance, [0, 0.01, 0.5])
        figures[name] = {**shares, "smallest": quantiles[0], "median": quantiles[2]}
        rows.append(
            [name, *[percent(share) for share in shares.values()]]
            + [decimal(float(q)) for q in quantiles]
        )
    header = ["people with a look-alike, %", *[f"at {limit}" for limit in limits]]
    header += ["smallest distance", "1 % below", "median"]
    print(f"\n{len(people)} people, nearest other one:\n")
    print(markdown_table(header, rows))
    distance, other = nearest["first picture"]
    order = np.argsort(distance)
    couples = list(dict.fromkeys((min(i, other[i]), max(i, other[i])) for i in order.tolist()))
    print("\nClosest: " + ", ".join(f"{people[a]}–{people[b]}" for a, b in couples[:12]))
    if out is not None and measured.first_images:
        tiles = []
        for a, b in couples[:32]:
            for person in (a, b):
                text = f"{people[person]} {min(distance[a], distance[b]):.3f}"
                tiles.append((measured.first_images[int(people[person])], text))
        write_sheet(out / "look_alikes.png", tiles)
    return figures


def main() -> None:
    """Judge the pictures and print the tables."""
    parser = render_parser(__doc__ or "", size_px=224)
    parser.add_argument("--identities", type=int, default=200)
    parser.add_argument("--images", type=int, default=10, help="of each person")
    parser.add_argument("--default-options", action="store_true", help="every pose and occluder")
    parser.add_argument("--look-alikes", action="store_true", help="only the nearest other person")
    parser.add_argument("--enlarge", type=int, default=2, help="of the pictures, for dlib")
    parser.add_argument("--workers", type=int, default=2, help="processes of the judge")
    parser.add_argument("--models", type=Path, default=None, help="folder of dlib's .dat files")
    parser.add_argument("--out", type=Path, default=None, help="folder of sheets")
    arguments = parser.parse_args()
    prepare(arguments)
    source = open_source(arguments, frontal=not arguments.default_options)
    measured = Measured(source, arguments, keep_first=arguments.look_alikes)
    count = len(np.unique(measured.identities))
    print(
        f"{count} people, {len(measured.found)} pictures ({describe_source(arguments)}), judge "
        f"dlib, enlarged {arguments.enlarge} times, {processor()}\n"
    )
    figures: dict[str, Any] = {}
    if arguments.look_alikes:
        print(f"dlib finds {percent(mean(measured.found), 2)} %.")
    else:
        figures["groups"] = print_groups(measured)
    figures["shape"] = print_shape(measured, source)
    figures["look-alikes"] = print_look_alikes(measured, arguments.out)
    missed = ~measured.found
    figures["not found"] = [
        [int(i), int(s)]
        for i, s in zip(measured.identities[missed], measured.samples[missed], strict=True)
    ]
    write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
