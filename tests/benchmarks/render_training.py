"""Are rendered faces good for training? A small recogniser, a fixed short budget, real photos.

    python render_training.py --cache build/crops                # 3,000 people x 8, 15 core minutes
    python render_training.py --cache build/crops --minutes 2    # a quick look
    python render_training.py --raw-pixels                      # the baseline without training

Trains on rendered people only and is measured on ORL (40 people x 10, grey), of which no photo is
ever trained on, and on rendered people that were left out. The network has 0.95 million parameters,
sees 64 px, and learns with CosFace (s 32, m 0 for the first 30 %, then up to 0.25 at 70 %), SGD 0.1
with cosine, batches of 64. The budget is processor time of this process, so other work on the
machine does not shorten it; ``--steps`` fixes the number of steps instead.

Pictures are rendered once, cut to 80 px and kept in ``--cache`` (19 kB each; an interrupted run
goes on where it stopped; a renderer that draws another first picture starts a new file). Rendered
crops follow the renderer's five points, ORL crops those of ``--detector``. Figures are over all
pairs; rank-1 is the mean over every choice of one shot as the gallery. Standard errors: bootstrap
over people. Where you show ORL faces, give credit to Olivetti Research Laboratory.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from render_augment import Augmenter
from render_crops import CROP_PX, INPUT_PX, Cache, Crops, load_orl, middle
from render_pairs import Pairs, error_rate, share_at, standard_error
from render_recogniser import embed, train
from render_support import (
    Floats,
    Integers,
    decimal,
    describe_source,
    open_source,
    percent,
    render_parser,
    write_sheet,
)
from support import markdown_table, prepare, processor, write_json
from torch.nn import functional

FALSE_ACCEPT = 0.01


def raw_pixels(crops: Crops) -> Floats:
    """The grey view itself, the set's mean removed, of length 1."""
    grey = torch.einsum("nchw,c->nhw", middle(crops), Augmenter.LUMINANCE).flatten(1)
    return np.asarray(functional.normalize(grey - grey.mean(0)).numpy(), dtype=np.float64)


def rank_one(embeddings: Floats, people: Integers, shots: int) -> float:
    """Share of probes whose nearest gallery picture is theirs.

    Gallery: ``shots`` pictures of each person that follow one another, every such choice in turn.
    """
    cosine = embeddings @ embeddings.T
    order = np.concatenate([np.arange(c) for c in np.unique(people, return_counts=True)[1]])
    count = int(order.max()) + 1
    if count <= shots:
        return math.nan
    rates = []
    for first in range(count):
        gallery = (order - first) % count < shots
        best = cosine[~gallery][:, gallery].argmax(1)
        rates.append(float((people[gallery][best] == people[~gallery]).mean()))
    return float(np.mean(rates))


def figures_of(embeddings: Floats, people: Integers) -> dict[str, float]:
    """The figures of one set."""
    pairs = Pairs.of(embeddings, people)
    rate, threshold = error_rate(pairs)
    accepted, strict = share_at(pairs, FALSE_ACCEPT)
    cosine = 1 - pairs.distance**2 / 2
    centred = embeddings - embeddings.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    return {
        "EER": rate,
        "EER standard error": standard_error(pairs),
        "EER, mean removed": error_rate(Pairs.of(centred, people))[0],
        "EER threshold": 1 - threshold**2 / 2,
        "TAR": accepted,
        "TAR threshold": 1 - strict**2 / 2,
        "rank-1": rank_one(embeddings, people, 1),
        "rank-1, 5 shots": rank_one(embeddings, people, 5),
        "genuine": float(cosine[pairs.genuine].mean()),
        "impostor": float(cosine[~pairs.genuine].mean()),
        "mean length": float(np.linalg.norm(embeddings.mean(0))),
    }


def print_sets(sets: dict[str, tuple[Floats, Integers]]) -> dict[str, Any]:
    """The table of all sets."""
    figures = {name: figures_of(*values) for name, values in sets.items()}
    header = ["", "EER, %", "its standard error", "EER, mean removed, %", "TAR at FAR 1 %, %"]
    header += ["rank-1, 1 shot, %", "5 shots, %", "genuine cosine", "impostor cosine"]
    header.append("length of the mean embedding")
    shares = ("EER", "EER standard error", "EER, mean removed", "TAR", "rank-1", "rank-1, 5 shots")
    rows = [
        [name]
        + [percent(f[key], 2) for key in shares]
        + [decimal(f[key]) for key in ("genuine", "impostor", "mean length")]
        for name, f in figures.items()
    ]
    print(markdown_table(header, rows))
    return figures


def print_failures(sets: dict[str, tuple[Floats, Crops]]) -> dict[str, Any]:
    """Genuine pairs refused at FAR 1 %, by glasses; who fails most, who is confused."""
    rows: list[list[str]] = []
    figures: dict[str, Any] = {}
    lines = []
    for name, (embeddings, crops) in sets.items():
        pairs = Pairs.of(embeddings, crops.people)
        threshold = share_at(pairs, FALSE_ACCEPT)[1]
        one, other = crops.glasses[pairs.first], crops.glasses[pairs.second]
        genuine, refused = pairs.genuine, pairs.distance > threshold
        cells = []
        for mask in (~one & ~other, one & other, one != other):
            group = mask & genuine
            share = float(refused[group].mean()) if group.any() else math.nan
            cells.append(f"{percent(share)} ({int(group.sum())})")
        rows.append([name, *cells])
        figures[name] = cells
        missed = {
            int(person): float(refused[genuine & (crops.people[pairs.first] == person)].mean())
            for person in np.unique(crops.people)
        }
        worst = sorted(missed, key=lambda person: -missed[person])[:6]
        taken = ~genuine & ~refused
        couples, counts = np.unique(
            np.sort(crops.people[np.stack([pairs.first[taken], pairs.second[taken]])], axis=0),
            axis=1,
            return_counts=True,
        )
        confused = np.argsort(-counts)[:6]
        lines.append(
            f"{name}: most refused "
            + ", ".join(f"{person} ({percent(missed[person], 0)} %)" for person in worst)
            + "; most confused "
            + ", ".join(f"{couples[0, i]}–{couples[1, i]} ({counts[i]})" for i in confused)
        )
    print("\nGenuine pairs refused at FAR 1 %, % (pairs):\n")
    print(markdown_table(["", "without glasses", "with glasses", "one with, one without"], rows))
    print("\n" + "\n\n".join(lines))
    return figures


def write_looks(folder: Path, crops: Crops, orl: Crops, strength: float) -> None:
    """Sheets of what is trained on, and of what is measured on."""
    some = np.linspace(0, len(crops.people) - 1, 64).astype(int)
    inputs = Augmenter(0, strength)(torch.from_numpy(crops.pixels[some]))
    shown = inputs.add(1).mul(127.5).byte().permute(0, 2, 3, 1).numpy()
    write_sheet(folder / "trained_on.png", [(image, "") for image in shown], 16)
    edge = (CROP_PX - INPUT_PX) // 2
    for name, pixels in (("rendered", crops.pixels[some]), ("orl", orl.pixels[::6])):
        view = pixels[:, edge:-edge, edge:-edge]
        write_sheet(folder / f"{name}_crops.png", [(image, "") for image in view], 16)


def option_parser() -> argparse.ArgumentParser:
    """The options of this benchmark."""
    parser = render_parser(__doc__ or "", size_px=128)
    parser.add_argument("--identities", type=int, default=3000, help="people to train on")
    parser.add_argument("--held-out", type=int, default=200, help="further people, to measure")
    parser.add_argument("--images", type=int, default=8, help="of each person")
    parser.add_argument("--minutes", type=float, default=15.0, help="processor time of training")
    parser.add_argument("--steps", type=int, default=None, help="instead of --minutes")
    parser.add_argument("--train-threads", type=int, default=1)
    parser.add_argument("--train-seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1.0, help="times the learning rate of 0.1")
    parser.add_argument("--bfloat16", action="store_true", help="quicker where the CPU has it")
    parser.add_argument("--augmentation", type=float, default=0.4, help="strength; 1 is rough")
    parser.add_argument("--view", type=float, default=1.0, help="side of the view, ArcFace squares")
    parser.add_argument("--frontal", action="store_true", help="mild poses and no occluder")
    parser.add_argument("--detector", default="yunet", help="aligns ORL")
    parser.add_argument("--raw-pixels", action="store_true", help="the baseline, no training")
    parser.add_argument("--cache", type=Path, default=None, help="folder of the rendered crops")
    parser.add_argument("--save", type=Path, default=None, help="the trained network (torch)")
    parser.add_argument("--out", type=Path, default=None, help="folder for sheets of the crops")
    return parser


def main() -> None:
    """Render, train, measure and print the tables."""
    arguments = option_parser().parse_args()
    prepare(arguments)
    torch.set_num_threads(arguments.train_threads)
    orl = load_orl(arguments)
    if arguments.raw_pixels:
        print(f"ORL, raw pixels, cut by {arguments.detector}\n")
        figures = print_sets({"ORL, raw pixels": (raw_pixels(orl), orl.people)})
        write_json(arguments.json, figures)
        return
    if arguments.cache is None:
        sys.exit("--cache DIR is needed: a folder with room for 0.5 GB of crops")
    crops = Cache(open_source(arguments, frontal=arguments.frontal), arguments).fill()
    trained = crops.of(0, arguments.identities)
    held = crops.of(arguments.identities, arguments.identities + arguments.held_out)
    if arguments.out is not None:
        write_looks(arguments.out, trained, orl, arguments.augmentation)
    net, run = train(trained, arguments)
    size = sum(p.numel() for p in net.parameters())
    print(
        f"{len(np.unique(trained.people))} people, {len(trained.people)} pictures "
        f"({describe_source(arguments)}), {size} parameters; {int(run['steps'])} steps, "
        f"{run['core minutes']:.1f} core minutes ({run['wall minutes']:.1f} by the clock), "
        f"{run['pictures a core second']:.0f} pictures a core second, loss {run['loss']:.3f}; ORL "
        f"cut by {arguments.detector}; {processor()}\n"
    )
    on_orl = embed(net, orl)
    sets = {
        "ORL": (on_orl, orl.people),
        "ORL, with the mirrored picture": (embed(net, orl, mirror=True), orl.people),
    }
    failures = {"ORL": (on_orl, orl)}
    if len(held.people):
        on_held = embed(net, held)
        sets["rendered people left out"] = (on_held, held.people)
        failures["rendered people left out"] = (on_held, held)
    figures = print_sets(sets)
    figures["by glasses"] = print_failures(failures)
    if arguments.save is not None:
        torch.save(net.state_dict(), arguments.save)
    write_json(arguments.json, {"figures": figures, "run": run})


if __name__ == "__main__":
    main()
