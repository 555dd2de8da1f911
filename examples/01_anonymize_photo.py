"""One photo without its faces, step by step: detect, obscure, look again, write.

    python examples/01_anonymize_photo.py IN OUT.jpg

The same in C++: 01_anonymize_photo.cpp. The detector is fetched once, with a printed line.
All of it in one call: `guise.anonymize(IN)`; a whole folder: `guise anonymize FOLDER OUT`.
"""

from __future__ import annotations

import sys

import guise


def anonymize(source: str, target: str) -> bool:
    """Whether the photo was written."""
    # A truncated or hostile file ends here, with a sentence. Metadata ends here too.
    photo = guise.read_image(source)  # torch.uint8 [H, W, 3], RGB, upright

    # Faces, and places that a person should look at: here they are obscured as well.
    found = guise.search(photo)
    faces = found.faces + found.doubtful
    for face in faces:
        x0, y0, x1, y1 = face.box
        print(f"a face of {x1 - x0:.0f} x {y1 - y0:.0f} px, score {face.score:.2f}")

    # A new picture; outside the masks every pixel is that of the photo.
    obscured = guise.obscure(photo, faces, method="pixelate", mask_scale=1.3)

    # The second look. What it finds where nothing was obscured was missed. A pixelated face may
    # still look like one to a detector, so only new places count.
    missed = [face for face in guise.detect(obscured) if not any(_meet(face, old) for old in faces)]
    if missed:
        print("a face may be left: nothing written")
        return False
    guise.write_image(target, obscured)
    print(f"{len(faces)} face(s) obscured")
    return True


def _meet(left: guise.Face, right: guise.Face) -> bool:
    a, b = left.box, right.box
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} IN OUT.jpg")
    sys.exit(0 if anonymize(sys.argv[1], sys.argv[2]) else 3)
