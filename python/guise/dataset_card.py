"""The card of a dataset: README.md, which says what it is, how it was made and what it is not.

The same plan and totals give the same text: it holds no times and no names of machines.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guise import models
from guise.models.registry import FREE_LICENCES
from guise.plan_words import (
    FROM_PHOTOS,
    REASONS,
    SAMPLED,
    SOURCE_TYPE,
    changed_options,
    identity_source,
    is_whole_command,
    plan_command,
    whose_faces,
)

_SOURCE_TYPE_URI = f"http://cv.iptc.org/newscodes/digitalsourcetype/{SOURCE_TYPE}"

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


@dataclass(frozen=True)
class ModelLicence:
    """What the registry says of a model of the generator. known: its sha256 is the registry's."""

    name: str
    sha256: str
    known: bool
    weights: str = ""
    training_data: tuple[str, ...] = ()
    commercial: str = "unknown"

    @property
    def is_free(self) -> bool:
        """Whether nothing in the chain keeps the pictures from being given away."""
        parts = self.weights.replace(" OR ", " AND ").split(" AND ")
        return self.known and self.commercial == "yes" and FREE_LICENCES.issuperset(parts)


def model_licences(plan: Mapping[str, Any]) -> tuple[ModelLicence, ...]:
    """The licences of the generator's models, by name; a file of the user's has none known."""
    entries = {entry.name: entry for entry in models.list()}
    licences = []
    for name, sha256 in sorted(plan["generator"].get("models", {}).items()):
        entry = entries.get(name)
        if entry is None or entry.sha256 != sha256:
            licences.append(ModelLicence(name, sha256, known=False))
            continue
        licences.append(
            ModelLicence(
                name,
                sha256,
                known=True,
                weights=entry.weights_licence,
                training_data=entry.training_data,
                commercial=entry.commercial,
            )
        )
    return tuple(licences)


def dataset_card(
    plan: Mapping[str, Any],
    totals: Mapping[str, Any],
    licences: Sequence[ModelLicence],
    *,
    plan_sha256: str,
) -> str:
    """The card in Markdown, with the front matter that Hugging Face reads.

    plan: plan.json. totals: the manifest's last line. licences: `model_licences(plan)`.
    plan_sha256: of plan.json's bytes.
    """
    parts = [
        _front_matter(plan, totals, licences),
        _what(plan, totals),
        _how(plan, plan_sha256, licences),
        _counts(plan, totals),
        _options(plan),
        _reading(plan),
        _provenance(plan),
        _limits(plan),
        _licence(plan, licences),
    ]
    return "\n".join(parts)


def _front_matter(
    plan: Mapping[str, Any], totals: Mapping[str, Any], licences: Sequence[ModelLicence]
) -> str:
    size = next((word for most, word in _SIZES if totals["pictures"] < most), "n>10M")
    lines = [
        "---",
        f"license: {'cc0-1.0' if _is_free(plan, licences) else 'other'}",
        f"pretty_name: {_title(plan)}, {plan['identities']} identities",
        "tags: [synthetic, faces, face-recognition, guise]",
        "task_categories: [image-feature-extraction, image-classification]",
        f"size_categories: [{size}]",
    ]
    files = {"parquet": "data/train-*.parquet", "webdataset": "shard-*.tar"}.get(plan["format"])
    if files:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        lines += ["  - split: train", f'    path: "{files}"']
    return "\n".join([*lines, "---", ""])


def _what(plan: Mapping[str, Any], totals: Mapping[str, Any]) -> str:
    size = plan["size_px"]
    crop = {
        "arcface": "cut out by their five landmarks as recognisers are trained on (arcface)",
        "none": "as the generator frames them",
    }.get(plan["crop"], plan["crop"])
    known = "what its generator drew: pose, light, age, tone and more"
    if plan["generator"]["name"] != "render":
        known = "what its generator was asked for, such as the strength of the noise"
    words = (
        f"{totals['pictures']:,} pictures of {plan['identities']:,} {whose_faces(plan)}, "
        f"{size} x {size} px, {crop}. Each picture comes with its class, its five landmarks and "
        f"box in px, and {known}."
    )
    if identity_source(plan) == FROM_PHOTOS:
        words += (
            " These are likenesses of real people: whoever passes the dataset on must have their "
            "consent for it."
        )
    return f"# {_title(plan)}\n\n{_filled(words)}\n"


def _title(plan: Mapping[str, Any]) -> str:
    return "Faces of nobody" if identity_source(plan) == SAMPLED else "Generated faces"


def _how(plan: Mapping[str, Any], plan_sha256: str, licences: Sequence[ModelLicence]) -> str:
    generator = plan["generator"]
    note = "The same command gives the same bytes on one machine and build, with any workers."
    if not is_whole_command(plan) or not all(model.known for model in licences):
        note = "Not all of the plan can be said as a command: plan.json has it all."
    rows = "\n".join(f"| {model.name} | `{model.sha256}` |" for model in licences)
    return f"""## How it was made

By guise {plan["guise"]}, generator `{generator["name"]}`, seed {plan["seed"]}:

{plan_command(plan)}

{note}

| what | sha256 |
|---|---|
| plan.json | `{plan_sha256}` |
{rows}
"""


def _counts(plan: Mapping[str, Any], totals: Mapping[str, Any]) -> str:
    attempts = totals["attempts"]
    rows = [("attempts", attempts)]
    rows += [(f"rejected: {REASONS.get(k, k)}", n) for k, n in totals["rejected"].items()]
    rows += [
        ("pictures given up and left out", totals["given_up"]),
        ("pictures", totals["pictures"]),
    ]
    table = "\n".join(
        f"| {name} | {count:,} | {100 * count / max(attempts, 1):.2f} % |" for name, count in rows
    )
    gate = plan["gate"]
    words = "No detector looked at the pictures."
    if gate:
        words = (
            f"A picture is drawn again, at most {gate['attempts']} times in all, where the "
            f"detector {gate['detector']} (sha256 `{gate['sha256']}`) finds no face, or places its "
            f"five landmarks more than {gate['landmark_tolerance']} of the face's size away on "
            "average."
        )
    own = plan["generator"].get("identities", {}).get("gate")
    if own:
        words += (
            f" So is one whose embedding by {own['recogniser']} is further than "
            f"{own['max_intra_distance']} (1 - cosine) from the face of its identity, or as near "
            "to another identity's"
            + (f", or whose quality is below {own['min_quality']}." if own["min_quality"] else ".")
        )
    return f"""## Counts

| what | count | of the attempts |
|---|---:|---:|
{table}

{_filled(words)}
"""


def _options(plan: Mapping[str, Any]) -> str:
    changed = changed_options(plan)
    if not changed:
        return "## Options\n\nAll options of the generator have their default values.\n"
    rows = "\n".join(f"| {name} | {value} | {default} |" for name, value, default in changed)
    if plan["generator"]["name"] != "render":
        return f"## Options of the generator\n\n| option | here | |\n|---|---:|---|\n{rows}\n"
    return f"""## Options that differ from the defaults

| option | here | default |
|---|---:|---:|
{rows}
"""


_READERS = {
    "folder": """    import torchvision

    faces = torchvision.datasets.ImageFolder("DATASET")

A folder an identity; `metadata.jsonl` has a line a picture.
""",
    "webdataset": """    import webdataset as wds

    faces = wds.WebDataset("DATASET/shard-{000000..LAST}.tar", shardshuffle=100)
    faces = faces.decode("torchrgb").to_tuple("PICTURE", "cls")

Members of each key: the picture, `.cls` (the class) and `.json` (its metadata).
""",
    "recordio": """arcface_torch and insightface read it unchanged: set `config.rec = "DATASET"`.
`train.rec` and `train.idx` hold the pictures under keys 1 to N, `property` the number of classes
and the size; line i of `metadata.jsonl`, counted from 0, belongs to key i + 1.
""",
    "parquet": """    import datasets

    faces = datasets.load_dataset("parquet", data_files="DATASET/data/*.parquet", split="train")

Columns: `image`, `label`, and the metadata of each picture.
""",
}


def _reading(plan: Mapping[str, Any]) -> str:
    people, each = plan["identities"], plan["identities_per_shard"]
    shards = max(1, -(-people // each))
    last = str(shards - 1).zfill(6)
    other = (
        _READERS.get(plan["format"], "")
        .replace("LAST", last)
        .replace("PICTURE", plan["encoding"]["format"])
    )
    return f"""## Reading it

    from guise import data

    faces = data.open("DATASET")           # a torch Dataset
    image, label = faces[0]                # uint8 [H, W, 3] RGB, and the class
    faces.metadata(0)["landmarks"]         # px

{other}"""


def _provenance(plan: Mapping[str, Any]) -> str:
    where = {
        "picture": "Every picture carries it as XMP, with the generator and the sha256 of its "
        "models.",
        "card": "This card carries it for all of them; the pictures themselves have no metadata.",
        "none": "It was left out of the pictures on request (`--no-provenance`).",
    }.get(plan["provenance"], str(plan["provenance"]))
    return f"""## Provenance

IPTC digital source type of all pictures: `{SOURCE_TYPE}`
(<{_SOURCE_TYPE_URI}>).
{_filled(where)}
"""


def _limits(plan: Mapping[str, Any]) -> str:
    points = []
    if plan["generator"]["name"] == "render":
        points.append(
            "The faces are rendered, not photographed: skin, hair and cloth look simpler than real "
            "ones, and what is learned from them need not hold for photos."
        )
    else:
        points.append(
            "The faces are drawn by a network, which knows people only as far as what it learned "
            "from shows them. Landmarks are where the aligned crop has them (of a turned head "
            "where a turn was asked for), not what a detector measured."
        )
    points.append(
        "Classes are numbers of drawn people. Whether two of them look alike, and whether all "
        "pictures of one look like one person, this card does not say: `guise report DATASET` "
        "measures it with a recogniser and names that recogniser."
    )
    if plan["generator"]["name"] == "render":
        points += [
            "Landmarks, pose and the rest are what was drawn, not what a detector measured.",
            "How age, sex and tone are spread was chosen in the options; it is not how they are "
            "spread among people. Skin tone is a number of the drawing, placed on the Monk scale "
            "from 1 to 10.",
        ]
    if plan["gate"]:
        points.append(
            "Pictures in which the detector of the gate finds no face are missing, so what it "
            "finds badly is rarer here than it was drawn."
        )
    lines = [_filled(f"- {point}", indent="  ") for point in points]
    return "## Limits\n\n" + "\n".join(lines) + "\n"


def _licence(plan: Mapping[str, Any], licences: Sequence[ModelLicence]) -> str:
    rows = "\n".join(
        f"| {m.name} | {m.weights} | {'; '.join(m.training_data)} |"
        if m.known
        else f"| {m.name} | not known: not a file of guise's registry | not known |"
        for m in licences
    )
    if identity_source(plan) != SAMPLED:
        words = (
            "Not stated: whose faces these are follows from what the maker of the dataset gave. "
            "Whoever publishes it must clear their rights first."
        )
    elif _is_free(plan, licences):
        words = (
            "CC0-1.0: guise and its models claim no rights in the pictures, and the licences of "
            "what they were learned from allow it. Whoever publishes the dataset may choose other "
            "terms."
        )
    else:
        words = (
            "Not stated: at least one model of the generator has no licence known here that lets "
            "its pictures be given away. Whoever publishes the dataset must clear that first."
        )
    return f"""## Licence

{_filled(words)}

| model | licence of its file | learned from |
|---|---|---|
{rows}
"""


def _is_free(plan: Mapping[str, Any], licences: Sequence[ModelLicence]) -> bool:
    is_ours = identity_source(plan) == SAMPLED
    return is_ours and bool(licences) and all(model.is_free for model in licences)


def _filled(text: str, indent: str = "") -> str:
    """Wrapped; words such as a sha256 stay whole."""
    return textwrap.fill(
        text, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
