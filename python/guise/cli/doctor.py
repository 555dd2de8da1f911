"""`guise doctor`: what this installation is made of, what is missing, and what mends it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from guise import _core, faces, models
from guise.cli._console import EXIT_MISSING, expected_errors, say, say_json
from guise.models import store

_CPU_FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16")


@dataclass
class Finding:
    """One line of the report. `mend`: the command that helps, empty where all is well."""

    what: str
    value: str
    mend: str = ""


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print versions, processor, models and what is missing, with the command that mends it.

    Exit status 0 if `guise anonymize` can run with its defaults, 4 if not.
    """
    with expected_errors():
        sections: dict[str, list[Finding]] = {
            "versions": _versions(),
            "machine": _machine(),
            "models": _models(),
            "extras": _extras(),
        }
        ready = all(
            store.inspect(models.get(n)).state == "present" for n in faces.DEFAULT_DETECTORS
        )
    if json:
        plain: dict[str, Any] = {
            title: [vars(finding) for finding in findings] for title, findings in sections.items()
        }
        say_json({**plain, "ready": ready})
    else:
        _print(sections, ready=ready)
    if not ready:
        raise typer.Exit(EXIT_MISSING)


def _print(sections: dict[str, list[Finding]], *, ready: bool) -> None:
    for title, findings in sections.items():
        say(title)
        for finding in findings:
            mend = f"; run: {finding.mend}" if finding.mend else ""
            say(f"  {finding.what:16} {finding.value}{mend}")
    default = ", ".join(faces.DEFAULT_DETECTORS)
    if ready:
        say("ready: guise anonymize can run with its defaults")
    else:
        say(f"not ready: guise anonymize needs the model {default}")


def _versions() -> list[Finding]:
    info = _core.build_info()
    built_for = info.get("torch", "")
    torch_mend = ""
    if built_for and built_for.split("+")[0] != torch.__version__.split("+")[0]:
        torch_mend = f"pip install torch=={built_for.split('+')[0]}"
    return [
        Finding("guise", _core.__version__),
        Finding("python", f"{platform.python_version()} {platform.machine()}"),
        Finding("torch", f"{torch.__version__}, built against {built_for}", torch_mend),
        Finding("opencv", info.get("opencv", "unknown")),
        Finding(
            # __cplusplus is the year and month of a standard: 202002 is C++20.
            "compiler",
            f"{info.get('compiler', 'unknown')}, C++{info.get('cxx_standard', '')[2:4] or '?'}",
        ),
        Finding("build", info.get("build_type", "unknown")),
        Finding("cuda", f"{info.get('cuda', 'unknown')}, {_cuda_seen()}"),
    ]


def _cuda_seen() -> str:
    if not torch.cuda.is_available():
        return "no device seen"
    return "seen: " + ", ".join(
        torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())
    )


def _machine() -> list[Finding]:
    usable = len(os.sched_getaffinity(0))
    flags = _cpu_flags()
    known = [flag for flag in _CPU_FLAGS if flag in flags]
    folder = store.store_folder()
    existing = next((p for p in (folder, *folder.parents) if p.is_dir()), Path("/"))
    writable = os.access(existing, os.W_OK)
    free = shutil.disk_usage(existing).free
    offline = os.environ.get("GUISE_OFFLINE")
    findings = [
        Finding("processors", f"{usable} usable of {os.cpu_count()}"),
        Finding("threads", f"{torch.get_num_threads()} inside torch"),
        Finding("features", " ".join(known) or "none known"),
        Finding(
            "model folder",
            f"{folder}, {free / 1e9:.1f} GB free{'' if writable else ', not writable'}",
            "" if writable else "export GUISE_HOME=<a folder that is writable>",
        ),
    ]
    if offline:
        findings.append(Finding("GUISE_OFFLINE", f"{offline} (1 forbids downloads)"))
    return findings


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    found = re.search(r"^flags\s*:(.*)$", text, flags=re.MULTILINE)
    return set(found.group(1).split()) if found else set()


def _models() -> list[Finding]:
    findings = []
    for entry in models.list():
        state = store.inspect(entry).state
        words = {
            "present": "here, sha256 right",
            "absent": "not here",
            "corrupt": "here, sha256 WRONG",
        }[state]
        licence = f"weights {entry.weights_licence}, commercial use {entry.commercial}"
        mend = "" if state == "present" else store.mending_command(entry)
        findings.append(Finding(entry.name, f"{words}; {licence}", mend))
    return findings


def _extras() -> list[Finding]:
    """The optional parts that the package itself declares, and whether they are installed."""
    try:
        declared = importlib.metadata.metadata("guise").get_all("Provides-Extra") or []
        requirements = importlib.metadata.requires("guise") or []
    except importlib.metadata.PackageNotFoundError:
        return [Finding("package", "not installed as a package", "pip install guise")]
    findings = []
    for extra in declared:
        wanted = [
            re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0]
            for requirement in requirements
            if re.search(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""", requirement)
        ]
        missing = [name for name in wanted if not _installed(name)]
        value = "complete" if not missing else "without " + ", ".join(missing)
        findings.append(Finding(extra, value, f'pip install "guise[{extra}]"' if missing else ""))
    return findings


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
