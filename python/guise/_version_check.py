"""Says in one sentence what to do when the compiled module cannot work, not a missing symbol.

C++ modules do not survive a change of torch's minor version.
"""

from __future__ import annotations

import importlib.util


def minor(version: str) -> str:
    """'2.13' for '2.13.0+cpu'."""
    return ".".join(version.split("+")[0].split(".")[:2])


def require_matching_torch(torch_version: str) -> None:
    """Raises ImportError where the module is not built, or was built with another torch minor."""
    if importlib.util.find_spec("guise._core") is None:
        raise ImportError(
            "guise's compiled module is not built; run 'pip install torch==2.13.0' and then "
            "'pip install --no-build-isolation .' in guise's source folder"
        )
    from guise._build_info import TORCH_VERSION

    if minor(torch_version) != minor(TORCH_VERSION):
        raise ImportError(
            f"guise was built with torch {TORCH_VERSION} and cannot work with torch "
            f"{torch_version}; run 'pip install torch=={minor(TORCH_VERSION)}.0', or build guise "
            "again"
        )
