"""Models by name: what there is, where the file is, and ready detectors.

    from guise import models
    models.list()                          # every entry of the registry
    models.get("centerface").weights_licence
    models.path("centerface")              # pathlib.Path, sha256 checked; fetched on first use
    models.open_detectors(["yunet"])       # engine objects
    models.open_embedder("mobilefacenet-foamliu")

Files live in `$GUISE_HOME/models` or `~/.cache/guise/models`. `GUISE_OFFLINE=1` forbids downloads.
"""

from guise.models._api import engine_crop, open_detectors, open_embedder
from guise.models._api import get_model as get
from guise.models._api import list_models as list  # read as models.list()
from guise.models._api import model_path as path
from guise.models.registry import CropContract, InputContract, ModelEntry

__all__ = [
    "CropContract",
    "InputContract",
    "ModelEntry",
    "engine_crop",
    "get",
    "list",
    "open_detectors",
    "open_embedder",
    "path",
]
