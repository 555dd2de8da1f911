"""Where model files live, and the only way in: temporary name, verify, fsync, rename.

The folder is `$GUISE_HOME/models`, or else `$XDG_CACHE_HOME/guise/models` (usually
`~/.cache/guise/models`). A file carries the first digits of its sha256 in its name, so two versions
of guise with different pins share a folder in peace. No locks: the rename is atomic, both of two
writers write the same bytes, and locks lie on network file systems.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guise import _core
from guise.models.registry import BundledSource, FileSource, ModelEntry, packaged_model

# Room that must stay free beside the file itself, so that a fetch never fills the disk.
_SPARE_BYTES = 16 * 1024 * 1024
# Leftovers of a fetch that was killed are swept after this time.
_STALE_AFTER_S = 24 * 3600
_TEMPORARY_PREFIX = ".incomplete-"


@dataclass(frozen=True)
class Stored:
    """What the store holds of one model.

    `state` is "present" (and verified), "absent" or "corrupt".
    """

    state: str
    path: Path
    sha256: str | None
    bytes: int | None


def store_folder() -> Path:
    """The folder that holds model files. It need not exist yet."""
    home = os.environ.get("GUISE_HOME", "")
    if home:
        return Path(home).expanduser().absolute() / "models"
    # The XDG rules: a relative path in the variable is to be ignored.
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    root = cache if cache.is_absolute() else Path.home() / ".cache"
    return root / "guise" / "models"


def stored_path(entry: ModelEntry) -> Path:
    """Where the file of `entry` belongs: in the store, or for a house model in the package."""
    if isinstance(entry.source, BundledSource):
        return packaged_model(entry.file)
    return store_folder() / f"{entry.sha256[:16] or 'own'}-{entry.file}"


def inspect(entry: ModelEntry) -> Stored:
    """Looks at the stored file of `entry` and reads all of it to compare its sha256."""
    path = stored_path(entry)
    if not path.is_file():
        return Stored("absent", path, None, None)
    size = path.stat().st_size
    got = _core.sha256_file(str(path))
    good = not entry.is_pinned or (got == entry.sha256 and size == entry.bytes)
    return Stored("present" if good else "corrupt", path, got, size)


def verified_path(entry: ModelEntry) -> Path | None:
    """The stored file, verified now; None if absent.

    Raises CorruptFile naming the file if its bytes are wrong.
    """
    stored = inspect(entry)
    if stored.state == "absent":
        return None
    if stored.state == "corrupt":
        raise _core.CorruptFile(
            f"{stored.path} must have sha256 {entry.sha256}; got {stored.sha256} "
            f"({stored.bytes} bytes); replace it with: {mending_command(entry)}"
        )
    return stored.path


def mending_command(entry: ModelEntry) -> str:
    """The command that brings `entry` to where it belongs."""
    if isinstance(entry.source, BundledSource):
        return "pip install --force-reinstall --no-deps --no-build-isolation . (in guise's source)"
    if isinstance(entry.source, FileSource):
        return f"guise models fetch {entry.name} --from FILE"
    accept = " --accept-licence" if entry.needs_acceptance else ""
    return f"guise models fetch {entry.name}{accept}"


@contextlib.contextmanager
def workspace(needed_bytes: int) -> Iterator[Path]:
    """A folder of this process alone inside the store, removed at the end; checks room first."""
    folder = store_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        free = shutil.disk_usage(folder).free
        if free < needed_bytes + _SPARE_BYTES:
            raise _core.Unavailable(
                f"{folder} must have {(needed_bytes + _SPARE_BYTES) / 1e6:.0f} MB free; it has "
                f"{free / 1e6:.0f} MB; make room or set GUISE_HOME to a folder on another disk"
            )
        path = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY_PREFIX}{os.getpid()}-", dir=folder))
    except OSError as error:
        raise _core.Unavailable(
            f"the model folder {folder} must be writable: {error.strerror or error}; "
            "set GUISE_HOME to a folder that is"
        ) from None
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Removes what fetches that were killed long ago left behind."""
    for path in folder.glob(f"{_TEMPORARY_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_AFTER_S:
                shutil.rmtree(path, ignore_errors=True)


def put(entry: ModelEntry, file: Path, origin: str) -> Path:
    """Moves `file` (in a `workspace`) into the store after verifying it.

    `origin` says in the error where the bytes came from. Raises CorruptFile if they are not the
    registry's.
    """
    size = file.stat().st_size
    got = _core.sha256_file(str(file))
    if entry.is_pinned and (got != entry.sha256 or size != entry.bytes):
        raise _core.CorruptFile(
            f"{origin} must be {entry.file} with sha256 {entry.sha256} ({entry.bytes} bytes); got "
            f"{got} ({size} bytes); nothing was stored"
        )
    target = stored_path(entry)
    try:
        file.chmod(0o644)
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(file, target)
        sync_folder(target.parent)
    except OSError as error:
        raise _core.Unavailable(f"{target} cannot be written: {error.strerror or error}") from None
    return target


def sync_folder(folder: Path) -> None:
    """Makes a rename inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unique_sibling(path: Path) -> Path:
    """A name beside `path` that no other process uses, with its suffix kept."""
    return path.with_name(f".{path.stem}-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
