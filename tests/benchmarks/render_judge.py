"""dlib's recogniser on many rendered pictures, in several processes."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from attack_orl import DlibRecogniser
from numpy.typing import NDArray
from render_support import Bools, Faces, Floats, Integers, Source, number, parameter
from support import Image

# dlib's box beside the five points, median over 112 generated portraits: its side in units of the
# larger of eye and eye-to-mouth distance; its centre below the middle of eyes and mouth, in sides.
BOX_SIDE = 2.27
BOX_DOWN = 0.013


class Judge(DlibRecogniser):
    """dlib's recogniser on rendered pictures."""

    def measure(self, image: Image, landmarks_5: Floats, enlarge: int) -> tuple[Floats, bool]:
        """The embedding, and whether dlib's detector found the face."""
        large = image
        if enlarge > 1:
            large = cv2.resize(
                image, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC
            ).astype(np.uint8)
        truth = self.truth_box(landmarks_5 * enlarge)
        found = [r for r in self.detector(large, 0) if truth.intersect(r).area() > 0.25 * r.area()]
        box = max(found, key=lambda r: r.area()) if found else truth
        chip = self.dlib.get_face_chip(large, self.landmarks(large, box), size=150, padding=0.25)
        return np.array(self.net.compute_face_descriptor(chip), dtype=np.float64), bool(found)

    def truth_box(self, points: Floats) -> Any:
        """A box where dlib would put one."""
        eyes, mouth = points[:2].mean(0), points[3:].mean(0)
        size = max(np.linalg.norm(points[1] - points[0]), np.linalg.norm(mouth - eyes))
        side = BOX_SIDE * float(size)
        x, y = (eyes + mouth) / 2 + (0, BOX_DOWN * side)
        edges = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        return self.dlib.rectangle(*[round(float(v)) for v in edges])


_judge: Judge | None = None


def start_worker(models: Path | None) -> None:
    """Load the judge once in each process."""
    global _judge
    cv2.setNumThreads(1)
    _judge = Judge(models)


def judge_batch(
    images: NDArray[np.uint8], landmarks_5: Floats, enlarge: int
) -> tuple[Floats, Bools]:
    """Embeddings [N, 128] and found [N] of a batch, in a worker."""
    assert _judge is not None
    results = [_judge.measure(i, p, enlarge) for i, p in zip(images, landmarks_5, strict=True)]
    return np.array([e for e, _ in results]), np.array([f for _, f in results])


def brightness(faces: Faces) -> Floats:
    """[N] mean luminance in the face's box, 0 to 255."""
    values = []
    for image, box in zip(faces.images, faces.boxes, strict=True):
        x0, y0, x1, y1 = np.clip(np.rint(box), 0, image.shape[0]).astype(int)
        inside = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        values.append(float(inside.reshape(-1, 3).mean(0) @ (0.299, 0.587, 0.114)))
    return np.array(values)


class Measured:
    """Embeddings and what is known of each picture."""

    def __init__(
        self, source: Source, arguments: argparse.Namespace, keep_first: bool = False
    ) -> None:
        self.embeddings: Floats = np.empty((0, 128))
        self.found: Bools = np.empty(0, bool)
        self.identities: Integers = np.empty(0, np.int64)
        self.samples: Integers = np.empty(0, np.int64)
        self.pose_deg: Floats = np.empty((0, 3))
        self.brightness: Floats = np.empty(0)
        self.parameters: list[Mapping[str, Any]] = []
        self.first_images: dict[int, Image] = {}
        parts = list(self._run(source, arguments, keep_first))
        if not parts:
            sys.exit("no pictures: the folder holds none of these identities and samples")
        results, values = zip(*parts, strict=True)
        self.embeddings = np.concatenate([e for e, _ in results])
        self.found = np.concatenate([f for _, f in results])
        for index, name in enumerate(("identities", "samples", "pose_deg", "brightness")):
            setattr(self, name, np.concatenate([v[index] for v in values]))

    def _run(
        self, source: Source, arguments: argparse.Namespace, keep_first: bool
    ) -> Iterator[tuple[tuple[Floats, Bools], tuple[Any, ...]]]:
        waiting: deque[tuple[Future[tuple[Floats, Bools]], tuple[Any, ...]]] = deque()
        start, done = time.perf_counter(), 0
        with ProcessPoolExecutor(
            arguments.workers, get_context("spawn"), start_worker, (arguments.models,)
        ) as pool:
            for faces in source.stream(
                range(arguments.identities), range(arguments.images), batch=32
            ):
                job = pool.submit(judge_batch, faces.images, faces.landmarks_5, arguments.enlarge)
                values = (faces.identities, faces.samples, faces.pose_deg, brightness(faces))
                self.parameters += faces.parameters
                if keep_first:
                    for person, image in zip(faces.identities, faces.images, strict=True):
                        self.first_images.setdefault(int(person), image.copy())
                waiting.append((job, values))
                while len(waiting) > 3 * arguments.workers:
                    job, values = waiting.popleft()
                    yield job.result(), values
                done += len(faces)
                rate = done / (time.perf_counter() - start)
                print(f"\r{done} pictures, {rate:.1f}/s ", end="", file=sys.stderr, flush=True)
            while waiting:
                job, values = waiting.popleft()
                yield job.result(), values
        print(file=sys.stderr)

    def numbers(self, path: str) -> Floats:
        """[N] a parameter of each picture, NaN where unknown."""
        return np.array([number(p, path) for p in self.parameters])

    def texts(self, path: str) -> list[str]:
        """[N] a parameter of each picture in words."""
        return [str(parameter(p, path, "")).lower().removeprefix("k") for p in self.parameters]
