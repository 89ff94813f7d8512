"""Write `tests/surgery/adapters/photos/`: small photographs in four formats, for the preprocessing of networks.

Run by hand: `python tests/tools/make_photos.py FOLDER`, where FOLDER is `skimage/data` of scikit-image 0.26. Sources
and licences are in `photos/README.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

TARGET = Path(__file__).parents[1] / "surgery" / "adapters" / "photos"
PHOTOS = {
    "chelsea.png": ("cat.jpg", (96, 64)),
    "coffee.png": ("coffee.png", (60, 40)),
    "astronaut.png": ("astronaut.gif", (48, 48)),
    "rocket.jpg": ("rocket.bmp", (48, 32)),
}
"""File of scikit-image to the one that is written and its width and height."""


def main(source: Path) -> None:
    TARGET.mkdir(exist_ok=True)
    for name, (written, size) in PHOTOS.items():
        with Image.open(source / name) as image:
            small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        options = {"quality": 90} if written.endswith(".jpg") else {}
        small.save(TARGET / written, **options)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
