"""A registry with one small model, and archives that hold it, for the store's tests."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

from guise.models.registry import Registry, parse_registry

PAYLOAD = bytes(range(256)) * 40
WHEEL = "toy_models-1.0-py3-none-any.whl"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def registry_with(source: str, payload: bytes = PAYLOAD, licence: str = "MIT") -> Registry:
    return parse_registry(f"""
[toy]
summary = "a toy"
task = "detect"
role = "engine"
architecture = "yunet"
preset = "n"
runtime = "opencv-dnn"
file = "toy.onnx"
sha256 = "{sha256(payload)}"
bytes = {len(payload)}
code_licence = "MIT"
weights_licence = "{licence}"
training_data = ["drawn shapes"]
commercial = "yes"
card = "toy/card.md"
[toy.input]
colour = "RGB"
range = [0, 255]
size = "any"
[toy.source]
{source}
""")


def pypi_registry(archive: bytes, kind: str = "wheel", member: str = "toy/toy.onnx") -> Registry:
    return registry_with(f"""
kind = "pypi"
package = "toy-models"
version = "1.0"
archive = "{kind}"
archive_sha256 = "{sha256(archive)}"
archive_bytes = {len(archive)}
member = "{member}"
""")


def url_registry(
    url: str, licence: str = "MIT", payload: bytes = PAYLOAD, converted_from: str = ""
) -> Registry:
    more = f"converted_from = {converted_from}" if converted_from else ""
    return registry_with(f'kind = "url"\nurl = "{url}"\n{more}', payload, licence)


def wheel_with(members: dict[str, bytes]) -> bytes:
    """A wheel that pip accepts, made here."""
    info = "toy_models-1.0.dist-info"
    files = {
        **members,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: toy-models\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in {**files, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def sdist_with(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as sdist:
        for name, data in members.items():
            member = tarfile.TarInfo(f"toy_models-1.0/{name}")
            member.size = len(data)
            sdist.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]
