"""The shape that the design sets: sizes, names, layers, and what must stand beside what."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_CSRC = _ROOT / "csrc"
_CPP = (".h", ".cuh", ".cpp", ".cu")
_TEXT = (*_CPP, ".py", ".pyi", ".md", ".toml", ".cmake", ".txt", ".j2", ".yml", ".ipynb", ".cff")

HEADER_LINES, SOURCE_LINES, FUNCTION_LINES = 200, 400, 60


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository: what git knows or would take, else what lies in its folders."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    except OSError:
        listed = None
    if listed is not None and listed.returncode == 0:
        names = listed.stdout.split("\0")
    else:
        folders = ("csrc", "python", "tests", "examples", "models", "notebooks", "docs")
        found = [path for folder in folders for path in (_ROOT / folder).rglob("*")]
        names = [str(path.relative_to(_ROOT)) for path in [*_ROOT.glob("*"), *found]]
        names = [name for name in names if "__pycache__" not in name]
    paths = [_ROOT / name for name in names if name]
    return tuple(sorted(path for path in paths if path.is_file() and not path.is_symlink()))


def named(path: Path) -> str:
    return str(path.relative_to(_ROOT))


def below(folder: str, *suffixes: str) -> list[Path]:
    inside = [path for path in files() if path.is_relative_to(_ROOT / folder)]
    return [path for path in inside if path.suffix in suffixes]


def cpp_files() -> list[Path]:
    return [path for path in files() if path.suffix in _CPP]


# ---- sizes ---------------------------------------------------------------------------------------


def line_budget(path: Path) -> int:
    return HEADER_LINES if path.suffix in (".h", ".cuh") else SOURCE_LINES


def test_files_stay_within_their_budgets() -> None:
    sized = [path for path in files() if path.suffix in (*_CPP, ".py")]
    assert len(sized) > 50
    lines = {path: path.read_text().count("\n") for path in sized}
    too_long = {named(p): n for p, n in lines.items() if n > line_budget(p)}
    assert not too_long


def without_literals(text: str) -> str:
    """C++ without comments, literals and preprocessor lines, so that braces can be counted."""
    pattern = (
        r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|(?:(?<=\n)|^)[ \t]*#(?:\\\n|[^\n])*"
    )
    return re.sub(pattern, lambda hit: "\n" * hit[0].count("\n"), text, flags=re.DOTALL)


_NOT_A_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|typedef|using)\b")


def cpp_functions(text: str) -> list[tuple[int, int]]:
    """(first line, length) of each function: a block whose head ends like a parameter list."""
    functions: list[tuple[int, int]] = []
    open_blocks: list[tuple[int, bool]] = []
    line, head = 1, ""
    for letter in without_literals(text):
        if letter == "\n":
            line += 1
        if letter == "{":
            plain = re.sub(r"template\s*<[^{;]*?>\s*(?=[a-z])", "", head).strip()
            is_function = (
                ")" in plain
                and not _NOT_A_FUNCTION.match(plain)
                and not any(inside for _, inside in open_blocks)
            )
            open_blocks.append((line - plain.count("\n"), is_function))
            head = ""
        elif letter == "}":
            if open_blocks:
                first, is_function = open_blocks.pop()
                if is_function:
                    functions.append((first, line - first + 1))
            head = ""
        elif letter == ";" and head.count("(") == head.count(")"):
            head = ""
        else:
            head += letter
    return functions


def test_cpp_functions_stay_within_their_budget() -> None:
    found, too_long = 0, []
    for path in cpp_files():
        for first, length in cpp_functions(path.read_text()):
            found += 1
            if length > FUNCTION_LINES:
                too_long.append(f"{named(path)}:{first} has {length} lines")
    assert found > 500, "the heuristic must see the functions"
    assert not too_long


def test_python_functions_stay_within_their_budget() -> None:
    too_long = []
    for path in files():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    too_long.append(f"{named(path)}:{node.lineno} {node.name} has {length} lines")
    assert not too_long


def test_the_counting_sees_a_long_function() -> None:
    body = '  call("}");  // }\n' * 70
    short = "#if defined(A)\n#endif\nnamespace a {\nint short_one() { return '{'; }\n\n"
    text = f"{short}void long_one(int x) {{\n{body}}}\n}}\n"
    assert cpp_functions(text) == [(4, 1), (6, 72)]


# ---- layers and names ----------------------------------------------------------------------------


def test_stems_are_unique_in_csrc() -> None:
    # x.h, x.cpp, x_cpu.cpp and x_cuda.cu of one folder share a stem by design; two folders do not.
    places = {(path.stem, path.parent) for path in below("csrc", *_CPP)}
    counts = Counter(stem for stem, _ in places)
    assert [stem for stem, count in counts.items() if count > 1] == []
    names = Counter(path.name for path in below("csrc", *_CPP))
    assert [name for name, count in names.items() if count > 1] == []


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), flags=re.MULTILINE)


def test_pybind11_stays_in_bindings() -> None:
    python = re.compile(r"pybind11|torch/extension\.h|torch/csrc/|Python\.h")
    strays = [
        f"{named(path)}: {header}"
        for path in below("csrc", *_CPP)
        if path.parent.name != "bindings"
        for header in includes(path)
        if python.search(header)
    ]
    assert not strays
    assert any(python.search(h) for p in below("csrc/bindings", ".h") for h in includes(p))


def test_opencv_stays_out_of_headers() -> None:
    strays = [
        named(path)
        for path in below("csrc", ".h", ".cuh")
        if path.name != "cv_bridge.h"
        and (
            "cv::" in without_literals(path.read_text())
            or any(header.startswith("opencv") for header in includes(path))
        )
    ]
    assert not strays
    assert "cv::" in (_CSRC / "core/cv_bridge.h").read_text()


def test_torch_h_stays_out_of_headers() -> None:
    headers = below("csrc", ".h", ".cuh")
    assert not [named(path) for path in headers if "torch/torch.h" in includes(path)]


_RUNG = {"core": 1, "io": 2, "ops": 2, "nets": 3, "stages": 4, "pipelines": 5, "bindings": 6}
_RUNG |= {"sampling": 3, "render": 3, "search": 3, "measure": 3}


def test_nothing_calls_upward() -> None:
    upward = []
    for path in below("csrc", *_CPP):
        own = _RUNG[path.parent.name]
        for header in includes(path):
            folder = header.split("/")[0]
            if folder not in _RUNG or not (_CSRC / header).is_file():
                continue
            other_stage = path.parent.name == folder == "stages" and Path(header).stem not in (
                path.stem,
                "hand_overs",
            )
            if _RUNG[folder] > own or other_stage:
                upward.append(f"{named(path)} includes {header}")
    assert not upward


def test_every_kernel_calls_its_element_function() -> None:
    kernels = below("csrc/ops", ".cu")
    assert kernels
    for path in kernels:
        header = path.with_name(path.stem.removesuffix("_cuda") + "_element.h")
        assert header.is_file(), f"{named(path)} needs {header.name}"
        element = header.read_text()
        functions = re.findall(r"GUISE_HOST_DEVICE[^(;]*?(\w+)\s*\(", element)
        assert functions, f"{named(header)} must hold a GUISE_HOST_DEVICE function"
        text = without_literals(path.read_text())
        assert any(re.search(rf"\b{name}\s*\(", text) for name in functions), named(path)


# ---- stages --------------------------------------------------------------------------------------


def stages() -> list[str]:
    return [path.stem for path in below("csrc/stages", ".h") if path.stem != "hand_overs"]


def stage_rows() -> list[tuple[str, str]]:
    """(stage, its row) of the tables in csrc/README.md, in their order."""
    page = _CSRC / "README.md"
    assert page.is_file(), "csrc/README.md must hold the flow table"
    rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
    found = [(match[1], row) for row in rows if (match := re.search(r"`stages/(\w+)`", row))]
    return found


def test_every_stage_has_a_test_options_and_a_row() -> None:
    assert stages()
    rows = dict(stage_rows())
    for stage in stages():
        test = _ROOT / f"tests/cpp/stages/{stage}_test.cpp"
        assert test.is_file(), f"{stage} needs {named(test)}"
        options = re.findall(r"struct (\w+Options)", (_CSRC / f"stages/{stage}.h").read_text())
        assert len(options) == 1, f"{stage} needs one options struct"
        assert stage in rows, f"{stage} needs a row in csrc/README.md"
        assert options[0] in rows[stage], f"the row of {stage} must name {options[0]}"
        assert named(test) in rows[stage], f"the row of {stage} must name {named(test)}"
    assert sorted(rows) == sorted(stages())


def test_the_order_of_the_flow_is_the_same_everywhere() -> None:
    in_build = re.findall(r"csrc/stages/(\w+)\.cpp", (_CSRC / "sources.cmake").read_text())
    assert in_build == [stage for stage, _ in stage_rows()]
    # hand_overs.h names the verbs of both flows: image -> detect -> ... and plan -> render -> ...
    head = (_CSRC / "stages/hand_overs.h").read_text().split("#pragma once")[0]
    verbs = re.findall(r"\w+", head.split("image ->")[1])
    comments = re.findall(
        r"^\s*# (\w+)$", (_CSRC / "sources.cmake").read_text(), flags=re.MULTILINE
    )
    for order in (verbs, comments):
        places = [order.index(stage.split("_")[0]) for stage in in_build]
        assert places == sorted(places), order


def test_every_source_is_built_and_every_test_is_run() -> None:
    build = (_CSRC / "sources.cmake").read_text()
    built = below("csrc", ".cpp", ".cu")
    assert [named(p) for p in built if named(p) not in build] == []
    listed = (_ROOT / "tests/cpp/CMakeLists.txt").read_text()
    tests = [str(path.relative_to(_ROOT / "tests/cpp")) for path in below("tests/cpp", ".cpp")]
    assert [test for test in tests if test not in listed] == []


# ---- models, notebooks, examples -----------------------------------------------------------------


def test_every_model_folder_has_a_card() -> None:
    folders = {p.parent for p in files() if p.is_relative_to(_ROOT / "models")} - {_ROOT / "models"}
    assert folders
    assert [named(folder) for folder in folders if not (folder / "card.md").is_file()] == []


def test_checksums_of_the_registry_are_64_hexadecimal_digits() -> None:
    lines = (_ROOT / "models/registry.toml").read_text().splitlines()
    sums = [line.split("=", 1)[1] for line in lines if re.match(r"\w*sha256\s*=", line)]
    assert len(sums) > 3
    assert [value for value in sums if not re.fullmatch(r'\s*"[0-9a-f]{64}"\s*', value)] == []


def test_notebooks_carry_no_outputs() -> None:
    for path in below("notebooks", ".ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), f"{named(path)} carries outputs"
            assert cell.get("execution_count") is None, f"{named(path)} carries counts"


def test_examples_are_numbered_without_gaps_in_both_languages() -> None:
    by_language = {
        suffix: sorted(path.stem for path in below("examples", suffix))
        for suffix in (".py", ".cpp")
    }
    assert by_language[".py"] == by_language[".cpp"]
    numbers = [int(stem[:2]) for stem in by_language[".py"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


# ---- text ----------------------------------------------------------------------------------------

# Put together here, so that this file does not hold what it looks for.
_PLACES = re.compile(r"(?<![\w./\-}$~])/(?:" + "|".join(("work", "home", "root", "tmp")) + r")/\w")


def test_no_absolute_path_of_a_machine() -> None:
    strays = [
        f"{named(path)}:{number}: {line.strip()}"
        for path in files()
        if path.suffix in _TEXT or path.name in ("Makefile", "run")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if _PLACES.search(line)
    ]
    assert not strays


@pytest.mark.parametrize("folder", ["work", "home", "root", "tmp"])
def test_the_search_for_paths_sees_one(folder: str) -> None:
    assert _PLACES.search(f'open("/{folder}/someone/file")')
    assert not _PLACES.search(f"https://example.org/{folder}/page")
