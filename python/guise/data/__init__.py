"""Datasets on disk, read where they lie: what `guise synthesize` writes, and the same from others.

from guise import data
faces = data.open("faces")             # folder, WebDataset, RecordIO or Parquet
image, label = faces[0]                # uint8 [H, W, 3] RGB, int
faces.metadata(0)["landmarks"]
torch.utils.data.DataLoader(faces, batch_size=64, shuffle=True, num_workers=4)
"""

from guise.data.face_dataset import FaceDataset
from guise.data.face_dataset import open_dataset as open  # read as data.open()

__all__ = ["FaceDataset", "open"]
