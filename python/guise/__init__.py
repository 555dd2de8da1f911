"""guise: faces that belong to nobody, and photos without faces.

>>> import guise
>>> faces = guise.Renderer(size_px=224).sample(identities=4, samples=8, seed=1)
>>> result = guise.anonymize("party.jpg")
>>> guise.write_image("party-anonymous.jpg", result.image)
>>> print(guise.compare("a.jpg", "b.jpg"))
"""

from __future__ import annotations

import gc

# torch first: its libraries are then loaded when the engine's module asks for them. Nothing that it
# makes while it loads is garbage; looking for some takes a fifth of the time.
_collecting = gc.isenabled()
gc.disable()
import torch  # noqa: E402

if _collecting:
    gc.enable()

from guise._version_check import require_matching_torch  # noqa: E402

require_matching_torch(torch.__version__)

from guise import data, models  # noqa: E402
from guise._core import (  # noqa: E402
    AnonymizedImage,
    Cancelled,
    CancelToken,
    CollectionProgress,
    CollectionSummary,
    CorruptFile,
    DatasetSummary,
    Face,
    HeadPose,
    PhotoResult,
    RecipeOptions,
    Unavailable,
    __version__,
)
from guise._images import read_image, write_image  # noqa: E402
from guise.audit import audit_dataset  # noqa: E402
from guise.contact_sheet import contact_sheet  # noqa: E402
from guise.dataset_report import dataset_report  # noqa: E402
from guise.embedding import (  # noqa: E402
    Comparison,
    Embeddings,
    assess_quality,
    compare,
    embed,
    estimate_pose,
)
from guise.faces import (  # noqa: E402
    NeedsReview,
    align,
    anonymize,
    anonymize_file,
    anonymize_folder,
    detect,
    obscure,
    search,
)
from guise.generation import GeneratorOptions  # noqa: E402
from guise.identities import (  # noqa: E402
    IdentityVectors,
    identities_from_images,
    sample_identities,
)
from guise.rendering import RenderedFaces, Renderer  # noqa: E402
from guise.synthesis import plan_dataset, synthesize_dataset  # noqa: E402
from guise.vec2face import GeneratedFaces, Vec2Face  # noqa: E402

__all__ = [
    "AnonymizedImage",
    "CancelToken",
    "Cancelled",
    "CollectionProgress",
    "CollectionSummary",
    "Comparison",
    "CorruptFile",
    "DatasetSummary",
    "Embeddings",
    "Face",
    "GeneratedFaces",
    "GeneratorOptions",
    "HeadPose",
    "IdentityVectors",
    "NeedsReview",
    "PhotoResult",
    "RecipeOptions",
    "RenderedFaces",
    "Renderer",
    "Unavailable",
    "Vec2Face",
    "__version__",
    "align",
    "anonymize",
    "anonymize_file",
    "anonymize_folder",
    "assess_quality",
    "audit_dataset",
    "compare",
    "contact_sheet",
    "data",
    "dataset_report",
    "detect",
    "embed",
    "estimate_pose",
    "identities_from_images",
    "models",
    "obscure",
    "plan_dataset",
    "read_image",
    "sample_identities",
    "search",
    "synthesize_dataset",
    "write_image",
]
