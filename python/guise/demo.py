"""`python -m guise.demo`: faces of nobody, photos without faces, and a page that shows both.

First a sheet of rendered people, a row each, with the renderer's defaults, a small dataset and its
report. Then a dataset that house-vec2face draws from identity vectors, and its audit. Then the
photos of `--photos` are anonymised, or some made from the astronaut picture that scikit-image
carries (NASA, public domain): as it is, lying on its side by an EXIF flag with a GPS position,
small in a large picture, in grey, beside a cat, and cut short.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

import guise
import guise.data
from guise.dataset_report import dataset_report
from guise.report import write_comparison_page
from guise.synthesis import DatasetJob

PEOPLE, PHOTOS_EACH, SIZE_PX, SEED = 6, 8, 160, 4
DATASET_PEOPLE, DATASET_PHOTOS_EACH, DATASET_SIZE_PX = 24, 8, 112
SHOWN_GENERATED = 8
# Rendered anew by the audit, beside as many others: some seconds.
TRAINING_PEOPLE = 100
# A recogniser, where one is installed, takes a tenth of a second a picture.
COMPARED_PEOPLE = 8


def main() -> None:
    """Entry point."""
    arguments = _parse()
    out: Path = arguments.out
    sheet, speed = _render_faces(out)
    dataset_line = _write_dataset(out)
    generated, generated_line = _generate_dataset(out)
    photos = arguments.photos or _make_photos(out / "made-photos")
    summary = guise.anonymize_folder(photos, out / "anonymised")
    page = write_comparison_page(
        out / "index.html",
        report=summary.report,
        input_folder=photos,
        output_folder=out / "anonymised",
        title="guise: photos without faces",
        show_originals=True,
    )
    print(
        f"{summary.total} photos, {summary.faces} faces obscured, {summary.written} written, "
        f"{summary.without_face} without a face, {summary.review} held back for review, "
        f"{summary.failed} refused, {summary.seconds:.1f} s"
    )
    for photo, status, reason in summary.problems:
        print(f"  {photo}: {status}: {reason}")
    rendered = (speed, f"Beside it {dataset_line}.")
    _put_in_front(
        page,
        _figure("guise: faces of nobody", sheet, "rendered faces", rendered)
        + _figure("Faces from identity vectors", generated, "generated faces", generated_line),
    )
    print(f"report: {summary.report}\npage:   {page}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Render faces; anonymise photos; show both.")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder to write")
    parser.add_argument("--photos", type=Path, help="your own folder of photos")
    return parser.parse_args()


def _render_faces(out: Path) -> tuple[Path, str]:
    """Writes a sheet of people who do not exist; its path and a line about it."""
    started = time.monotonic()
    renderer = guise.Renderer(size_px=SIZE_PX)
    opened = time.monotonic()
    faces = renderer.sample(identities=PEOPLE, samples=PHOTOS_EACH, seed=SEED)
    seconds = time.monotonic() - opened
    speed = (
        f"{len(faces)} pictures of {PEOPLE} people who do not exist, {SIZE_PX} px: "
        f"{seconds:.2f} s, {len(faces) / seconds:.0f} pictures/s "
        f"(models opened in {opened - started:.1f} s)"
    )
    out.mkdir(parents=True, exist_ok=True)
    sheet = out / "faces.jpg"
    guise.write_image(sheet, guise.contact_sheet(faces.images, columns=PHOTOS_EACH))
    print(f"{speed}\nfaces:  {sheet}")
    return sheet, speed


def _write_dataset(out: Path) -> str:
    """Writes a dataset in folders and its report; a line of HTML about both."""
    job = guise.plan_dataset(
        identities=DATASET_PEOPLE,
        images_per_identity=DATASET_PHOTOS_EACH,
        size_px=DATASET_SIZE_PX,
        seed=SEED,
    )
    name = _named("dataset", job)
    summary = job.run(out / name)
    turned_down = summary.no_face + summary.landmarks_disagree
    words = (
        f"a dataset of {summary.pictures} pictures of {DATASET_PEOPLE} people, "
        f"{DATASET_SIZE_PX} px; {turned_down} drawn again because the gate turned them down"
    )
    report = dataset_report(out / name, out=out / "dataset.html", people=COMPARED_PEOPLE)
    judged = "" if report.similarity else f" ({report.missing})"
    print(f"{words}\ndataset: {out / name}\nits report: {report.path}{judged}")
    return f'{html.escape(words)}: <a href="{report.path.name}">its report</a>'


def _generate_dataset(out: Path) -> tuple[Path, tuple[str, str]]:
    """Writes a dataset of house-vec2face and its audit; a sheet of it, and two lines of HTML."""
    job = guise.plan_dataset(
        engine="house-vec2face",
        identities=DATASET_PEOPLE,
        images_per_identity=DATASET_PHOTOS_EACH,
        seed=SEED,
    )
    folder = out / _named("generated", job)
    started = time.monotonic()
    summary = job.run(folder)
    seconds = time.monotonic() - started
    words = (
        f"{summary.pictures} pictures of {DATASET_PEOPLE} people drawn from vectors, each checked "
        f"to show its own identity, 112 px: {seconds:.1f} s"
    )
    faces = guise.data.open(folder)
    shown = range(SHOWN_GENERATED * DATASET_PHOTOS_EACH)
    sheet = out / "generated.jpg"
    pictures = torch.stack([faces[i][0] for i in shown])
    guise.write_image(sheet, guise.contact_sheet(pictures, columns=DATASET_PHOTOS_EACH))
    page = out / _named("audit", job)
    if page.exists():
        verdict = str(json.loads((page / "audit.json").read_text())["verdict"])
    else:
        verdict = guise.audit_dataset(folder, out=page, training_people=TRAINING_PEOPLE).verdict
    print(f"{words}\ndataset: {folder}\nits audit: {page}/index.html ({verdict})")
    link = f'<a href="{page.name}/index.html">its audit</a>'
    return sheet, (words, f"The verdict of {link}: {verdict}.")


def _named(what: str, job: DatasetJob) -> str:
    """A folder's name, after the plan: an engine of another version begins another one."""
    return f"{what}-{hashlib.sha256(job.plan.json.encode()).hexdigest()[:8]}"


def _figure(title: str, sheet: Path, what: str, lines: tuple[str, str]) -> str:
    """A section with a sheet of faces between two lines, HTML."""
    data = base64.b64encode(sheet.read_bytes()).decode("ascii")
    above, below = lines
    return (
        f'<h1>{title}</h1>\n<p class="quiet">{above}</p>\n'
        f'<p><img src="data:image/jpeg;base64,{data}" alt="{what}, a row a person" '
        'style="max-width: 100%; height: auto"></p>\n'
        f"<p>{below}</p>\n"
    )


def _put_in_front(page: Path, sections: str) -> None:
    """Puts sections at the top of the page of the photos."""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<main>\n", f"<main>\n{sections}", 1), encoding="utf-8")


def _make_photos(folder: Path) -> Path:
    try:
        import skimage.data
        from PIL import Image
    except ImportError:
        sys.exit("the demo's photos need scikit-image: pip install scikit-image, or give --photos")
    folder.mkdir(parents=True, exist_ok=True)
    astronaut = Image.fromarray(skimage.data.astronaut())
    astronaut.save(folder / "astronaut.jpg", quality=95)
    astronaut.convert("L").save(folder / "astronaut-grey.png")
    _save_with_metadata(astronaut, folder / "sideways-with-gps.jpg")
    _small_in_large(astronaut).save(folder / "twelve-megapixels.jpg", quality=92)
    Image.fromarray(skimage.data.cat()).save(folder / "cat.png")
    whole = (folder / "astronaut.jpg").read_bytes()
    (folder / "cut-short.jpg").write_bytes(whole[: len(whole) // 2])
    return folder


def _save_with_metadata(picture: Any, path: Path) -> None:
    """On its side, with the EXIF flag that says so, a position, and a serial number."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn 90 degrees clockwise to see it upright
    exif[0xA431] = "serial number 0042"
    exif.get_ifd(0x8825).update({1: "N", 2: (28.0, 34.0, 21.0), 3: "W", 4: (80.0, 39.0, 3.0)})
    picture.transpose(Image.Transpose.ROTATE_90).save(path, quality=95, exif=exif)


def _small_in_large(picture: Any) -> Any:
    """The photo at five sizes, down to a face of about 16 px, in a 12-megapixel picture."""
    import skimage.data
    from PIL import Image

    backdrop = Image.fromarray(skimage.data.coffee()).resize((4000, 3000), Image.Resampling.BICUBIC)
    for x, y, side in (
        (150, 200, 1100),
        (1500, 300, 512),
        (2400, 250, 256),
        (3000, 1500, 128),
        (3500, 700, 64),
    ):
        backdrop.paste(picture.resize((side, side), Image.Resampling.LANCZOS), (x, y))
    return backdrop


if __name__ == "__main__":
    main()
