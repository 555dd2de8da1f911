"""Does a generator give back the people it learned from?

They are rendered anew, and as many people beside them whom it never saw. Where the generator
memorised nothing, the two groups are exchangeable: swapping people between them at random tells how
large a difference chance makes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from guise import _core, embedding
from guise.audit.audited import AuditedDataset
from guise.audit.lines import (
    FAIL,
    NOT_APPLICABLE,
    PASS,
    WARN,
    AuditLine,
    not_measured,
)
from guise.audit.operating import Thresholds
from guise.dataset_report.charts import Floats, percent
from guise.dataset_report.pictures import spread
from guise.rendering import Renderer
from guise.train.people_group import PeopleGroup, generator_group

DEFAULT_PEOPLE = 500
# People whom no generator saw: a seed that nobody types ("guiseaud").
CONTROL_SEED = 0x6775697365617564
MOST_EXCESS = 0.01  # share of pictures
CERTAIN, LIKELY = 0.01, 0.05  # how often chance alone gives as much
_SWAPS = 400
_PROBES = 2000
_RENDER_PX = 192
_ID, _TITLE = "memorisation", "The generator's training people do not come back"


def memorisation_line(
    dataset: AuditedDataset,
    thresholds: Thresholds,
    model: _core.Embedder,
    *,
    people: int | None,
    seed: int,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> AuditLine:
    """people: how many are rendered anew, 0 for none; None: by what made the dataset."""
    generator = str(dataset.faces.plan.get("generator", {}).get("name", ""))
    if people is None and generator == "render":
        return not_measured(
            _ID,
            _TITLE,
            "The renderer drew this dataset, and it has learned from nobody; --training-people "
            "compares all the same.",
            verdict=NOT_APPLICABLE,
        )
    wanted = DEFAULT_PEOPLE if people is None else people
    if wanted == 0:
        return not_measured(_ID, _TITLE, "Not asked for (training people: 0).")
    group = generator_group()
    seen = spread(group.people, wanted)
    total = 2 * len(seen)
    vectors = []
    for place, group_seed in enumerate((group.seed, CONTROL_SEED)):
        done = place * len(seen)

        def tell(rendered: int, before: int = done) -> None:
            if progress is not None:
                progress(before + rendered, total)

        vectors.append(
            rendered_vectors(
                group, seen, group_seed, model, flip=thresholds.flip, threads=threads, tell=tell
            )
        )
    return compared_line(dataset, vectors[0], vectors[1], thresholds, group.people, seed)


def rendered_vectors(
    group: PeopleGroup,
    people: list[int],
    seed: int,
    model: _core.Embedder,
    *,
    flip: bool,
    threads: int,
    tell: Callable[[int], None],
) -> torch.Tensor:
    """float32 [people, D]: the first picture of each of these people, cut out by its landmarks."""
    renderer = Renderer(options=group.options, size_px=_RENDER_PX, threads=threads)
    vectors: list[torch.Tensor] = []
    done = 0
    for batch in renderer.stream(identities=people, samples=1, seed=seed, batch=50):
        crops = [
            _core.align_faces(
                image,
                points[None],
                size_px=model.crop_size_px,
                template=model.crop.crop_template,
                smooth=True,
            )[0]
            for image, points in zip(batch.images, batch.landmarks_5, strict=True)
        ]
        vectors.append(
            embedding.embed_crops(
                torch.stack(crops), model=model, template=model.crop.crop_template, flip=flip
            )
        )
        done += len(crops)
        tell(done)
    return torch.cat(vectors)


def compared_line(
    dataset: AuditedDataset,
    seen: torch.Tensor,
    unseen: torch.Tensor,
    thresholds: Thresholds,
    trained_on: int,
    seed: int,
) -> AuditLine:
    """The verdict. seen, unseen: float32 [P, D], people it learned from, and as many others."""
    probes = dataset.vectors[spread(len(dataset), _PROBES)]
    cosines = (probes @ torch.cat([seen, unseen]).T).numpy()
    point = thresholds.among(len(seen))
    found = _differences(cosines, len(seen), point.cosine, seed)
    excess, chance, chance_of_means = found["excess"], found["chance"], found["chance_of_means"]
    verdict = PASS
    if excess > MOST_EXCESS and chance <= CERTAIN:
        verdict = FAIL
    elif (excess > 0 and chance <= LIKELY) or chance_of_means <= CERTAIN:
        verdict = WARN
    sampled = len(seen) / trained_on
    words = (
        f"{percent(found['seen_share'])} of the pictures come as near to one of {len(seen)} people "
        f"the generator learned from as {point}, and {percent(found['unseen_share'])} to one of as "
        f"many it never saw; chance alone gives such an excess in {percent(chance)} of the cases. "
        f"Mean cosine to the nearest: {found['seen_mean']:.3f} and {found['unseen_mean']:.3f} "
        f"(chance: {percent(chance_of_means)}). {percent(sampled)} of its {trained_on:,} people "
        "were looked at."
    )
    return AuditLine(
        _ID,
        _TITLE,
        verdict,
        excess,
        f"{percent(excess)} beyond strangers",
        f"at most {percent(MOST_EXCESS)}, or chance",
        words,
        {
            "training_people": {"looked_at": len(seen), "of": trained_on},
            "control_people": len(unseen),
            "pictures": len(probes),
            "threshold": point.figures(),
            **found,
        },
        [
            ("pictures above the threshold, training people", percent(found["seen_share"])),
            ("the same, people never seen", percent(found["unseen_share"])),
            ("mean cosine to the nearest, training people", f"{found['seen_mean']:.3f}"),
            ("the same, people never seen", f"{found['unseen_mean']:.3f}"),
            ("swaps of chance with as large an excess", percent(chance)),
            ("swaps of chance with as large a mean", percent(chance_of_means)),
        ],
    )


def _differences(cosines: Floats, seen: int, threshold: float, seed: int) -> dict[str, float]:
    """What pictures have of the first `seen` columns beyond the others, and how often by chance.

    chance: share of random halves of all columns, the given one among them, with as large an
    excess (a permutation test).
    """

    def nearest(columns: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
        return np.asarray(cosines[:, columns].max(1), dtype=np.float64)

    def measured(order: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[float, ...]:
        ours, others = nearest(order[:seen]), nearest(order[seen:])
        return (
            float((ours >= threshold).mean()),
            float((others >= threshold).mean()),
            float(ours.mean()),
            float(others.mean()),
        )

    random = np.random.Generator(np.random.Philox(seed))
    given = measured(np.arange(cosines.shape[1]))
    excess, gain = given[0] - given[1], given[2] - given[3]
    as_large = [1, 1]
    for _ in range(_SWAPS):
        drawn = measured(random.permutation(cosines.shape[1]))
        as_large[0] += drawn[0] - drawn[1] >= excess - 1e-12
        as_large[1] += drawn[2] - drawn[3] >= gain - 1e-12
    return {
        "seen_share": given[0],
        "unseen_share": given[1],
        "excess": excess,
        "chance": as_large[0] / (_SWAPS + 1),
        "seen_mean": given[2],
        "unseen_mean": given[3],
        "chance_of_means": as_large[1] / (_SWAPS + 1),
    }
