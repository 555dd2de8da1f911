"""Embeddings a second: the engine against onnxruntime, PyTorch as it is, and PyTorch folded.

One IResNet with the same random weights in all four; the graph for onnxruntime is exported here.
The engine is given uint8 crops, as guise.embed gives them; the others get the float tensors ready.
All take turns, round after round; a figure is the median of its rounds. On a machine that is busy
with other work, `--clock cpu --threads 1` counts processor time instead.

    python tests/benchmarks/embed_speed.py            needs onnxruntime and onnx
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from support import (
    argument_parser,
    import_guise,
    limit_threads,
    markdown_table,
    processor,
    write_json,
)
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

Embed = Callable[[torch.Tensor], torch.Tensor]  # uint8 [N, 112, 112, 3] -> [N, 512], raw

ENGINE, RUNTIME = "guise", "onnxruntime"


def ready(crops: torch.Tensor) -> torch.Tensor:
    """What the networks take: float [N, 3, 112, 112], -1 to 1."""
    return ((crops.permute(0, 3, 1, 2).float() - 127.5) / 127.5).contiguous()


@torch.no_grad()
def random_twin(depth: str) -> nn.Module:
    """Random weights whose values keep their size, and norms that have seen some."""
    from recogniser_twins import IResNetTwin

    torch.manual_seed(0)
    twin = IResNetTwin(depth)
    for name, tensor in twin.state_dict().items():
        if tensor.dim() > 1:
            tensor.normal_().mul_(tensor[0].numel() ** -0.5)
        elif name.endswith(("bn1.bias", "bn2.bias", "bn3.bias")):
            tensor.uniform_(-0.3, 0.3)
    twin.train()
    for _ in range(8):
        twin(torch.rand(4, 3, 112, 112) * 2 - 1)
    return twin.eval()


def engine(twin: nn.Module, depth: str, folder: Path) -> Embed:
    from guise import _core

    path = str(folder / "net.safetensors")
    _core.write_safetensors(path, twin.state_dict())
    embedder = _core.Embedder(
        "iresnet", preset=f"r{depth}", path=path, sha256="", name="net", crop=_core.CropContract()
    )
    options = _core.EmbedOptions(normalise=False, flip=False)
    return lambda crops: (
        _core.embed_crops(crops, embedder, template="arcface", options=options).vectors
    )


def runtime(twin: nn.Module, folder: Path, threads: int) -> Embed:
    import onnxruntime

    path = str(folder / "net.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = torch.zeros(1, 3, 112, 112)
        torch.onnx.export(
            twin,
            example,
            path,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda planes: torch.from_numpy(session.run(None, {"x": planes.numpy()})[0])


def frozen(twin: nn.Module) -> Embed:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = torch.jit.freeze(torch.jit.trace(twin, torch.zeros(1, 3, 112, 112)))
    return net


def seconds_a_crop(embed: Embed, crops: torch.Tensor, clock: Callable[[], float]) -> float:
    """One measurement of at least eight crops."""
    times = max(1, 8 // len(crops))
    start = clock()
    for _ in range(times):
        embed(crops)
    return (clock() - start) / (times * len(crops))


def main() -> None:
    """Time all four and print the table."""
    parser = argument_parser(__doc__ or "")
    parser.set_defaults(threads=2)
    parser.add_argument("--depth", default="50", choices=["18", "34", "50", "100"])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", default="wall", choices=["wall", "cpu"])
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    import_guise()
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    twin = random_twin(arguments.depth)
    with tempfile.TemporaryDirectory() as name, torch.no_grad():
        folder = Path(name)
        tools: dict[str, Embed] = {
            ENGINE: engine(twin, arguments.depth, folder),
            RUNTIME: runtime(twin, folder, arguments.threads),
            "PyTorch, folded and frozen": frozen(twin),
            "PyTorch": twin,
        }
        generator = torch.Generator().manual_seed(0)
        rows = []
        for batch in arguments.batches:
            shape = (batch, 112, 112, 3)
            crops = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
            given = {tool: crops if tool == ENGINE else ready(crops) for tool in tools}
            wanted = twin(given["PyTorch"])
            spent: dict[str, list[float]] = {tool: [] for tool in tools}
            for tool, embed in tools.items():  # and warm up
                difference = float((embed(given[tool]) - wanted).abs().max() / wanted.abs().max())
                assert difference < 1e-4, f"{tool} computes something else: {difference}"
            for _ in range(arguments.rounds):
                for tool, embed in tools.items():
                    spent[tool].append(seconds_a_crop(embed, given[tool], clock))
            rate = {tool: 1 / median(values) for tool, values in spent.items()}
            ratio = rate[ENGINE] / rate[RUNTIME]
            rows.append([str(batch), *(f"{each:.2f}" for each in rate.values()), f"{ratio:.2f}"])
    print(f"IResNet-{arguments.depth}, {processor()}, {arguments.threads} thread(s), ", end="")
    print(f"{arguments.clock} time, {arguments.rounds} rounds, embeddings a second\n")
    print(markdown_table(["batch", *tools, f"{ENGINE} / {RUNTIME}"], rows))
    write_json(arguments.json, {"rows": rows})


if __name__ == "__main__":
    main()
