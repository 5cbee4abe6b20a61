"""Files that hold pictures but have to be unpacked first: what they are, and how it is done."""

from __future__ import annotations

from pathlib import Path

from ganwerk.errors import DataError, typed

_TAR = "mkdir {folder} && tar -xf {file} -C {folder}"
_FILM = "mkdir {folder} && ffmpeg -i {file} {folder}/%06d.png"
_INTO_FOLDER = "import sys, pathlib; o = pathlib.Path(sys.argv[2]); o.mkdir(); "
_SAVE = "[Image.fromarray(p.squeeze()).save(o / f'{{i:06d}}.png') for i, p in enumerate(a)]"
_BYTES = "[(o / f'{{i:06d}}.png').write_bytes(p) for i, p in enumerate(a)]"


def _python(read: str, save: str) -> str:
    return f'python -c "{_INTO_FOLDER}{read}; {save}" {{file}} {{folder}}'


_NUMPY = _python(
    "import numpy as np; from PIL import Image; a = np.load(sys.argv[1]); "
    "a = a if isinstance(a, np.ndarray) else a[a.files[0]]",
    _SAVE,
)
_HDF5 = _python(
    "import h5py; from PIL import Image; f = h5py.File(sys.argv[1]); "
    "a = next(d for d in f.values() if d.ndim > 2)",
    _SAVE,
)
_MATLAB = _python(
    "from scipy.io import loadmat; from PIL import Image; "
    "a = loadmat(sys.argv[1])['X'].transpose(3, 0, 1, 2)",
    _SAVE,
)
_PARQUET = _python(
    "from pyarrow.parquet import read_table; "
    "a = [r['bytes'] for r in read_table(sys.argv[1])['image'].to_pylist()]",
    _BYTES,
)
_ARROW = _python(
    "import datasets as d; a = [r['bytes'] for r in d.Dataset.from_file(sys.argv[1])"
    ".cast_column('image', d.Image(decode=False))['image']]",
    _BYTES,
)
_TFRECORD = _python(
    "import tensorflow as t; a = [t.train.Example.FromString(r.numpy()).features"
    ".feature['image/encoded'].bytes_list.value[0] for r in t.data.TFRecordDataset(sys.argv[1])]",
    _BYTES,
)
_LMDB = _python(
    "import lmdb; a = [bytes(v) for _, v in lmdb.open(sys.argv[1], subdir=False, lock=False)"
    ".begin().cursor()]",
    _BYTES,
)
_PICKLE = (
    "Only if you trust where it comes from: save its pictures as PNG files and name their folder."
)

KINDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.zst"),
        ("a tar archive", _TAR),
    ),
    ".zip": ("a zip file", "unzip {file} -d {folder}"),
    ".7z": ("a 7z archive", "7z x {file} -o{folder}"),
    ".rar": ("a rar archive", "unrar x {file} {folder}/"),
    ".001": ("the first piece of a split archive", "cat {stem}.* > {stem}"),
    ".gz": ("a gzip file", "gunzip --keep {file}"),
    ".bz2": ("a bzip2 file", "bunzip2 --keep {file}"),
    ".xz": ("an xz file", "unxz --keep {file}"),
    ".zst": ("a zstd file", "unzstd {file}"),
    ".parquet": ("a Parquet table", _PARQUET),
    ".arrow": ("an Arrow table", _ARROW),
    ".tfrecord": ("a TFRecord file", _TFRECORD),
    ".tfrecords": ("a TFRecord file", _TFRECORD),
    ".npz": ("a file of numpy arrays", _NUMPY),
    ".npy": ("a file of a numpy array", _NUMPY),
    ".h5": ("an HDF5 file", _HDF5),
    ".hdf5": ("an HDF5 file", _HDF5),
    ".mat": ("a Matlab file", _MATLAB),
    ".mdb": ("an LMDB database", _LMDB),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth"), ("a pickle, which can run code", "")),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), ("a film", _FILM)),
    ".pdf": ("a document", "mkdir {folder} && pdfimages -png {file} {folder}/p"),
}
"""Suffix -> what it is, and the command that makes a folder of pictures of it; '' for none."""

_MAGIC = {
    b"7z\xbc\xaf\x27\x1c": ".7z",
    b"Rar!\x1a\x07": ".rar",
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\0": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"PAR1": ".parquet",
    b"ARROW1": ".arrow",
    b"\x93NUMPY": ".npy",
    b"\x89HDF\r\n\x1a\n": ".h5",
    b"%PDF": ".pdf",
}
_USTAR = slice(257, 262)


def packed_suffix(name: str) -> str:
    """The suffix in KINDS that a file name ends with, the longest one; '' for none."""
    lower = name.lower()
    parts = lower.rsplit("/", 1)[-1].split(".")
    ends = ("." + ".".join(parts[-count:]) for count in (2, 1) if len(parts) > count)
    return next((end for end in ends if end in KINDS), "")


def packed_content(path: Path) -> str:
    """The suffix in KINDS that fits how the file begins; '' for none. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(512)
    if start[_USTAR] == b"ustar":
        return ".tar"
    return next((suffix for magic, suffix in _MAGIC.items() if start.startswith(magic)), "")


def packed_error(path: Path, suffix: str) -> DataError:
    """The error of a packed file that was named as the place of the pictures."""
    return DataError(
        f"{path} is {KINDS[suffix][0]}, which ganwerk does not look into.",
        unpack_hint(path, suffix),
    )


def unpack_hint(path: Path, suffix: str) -> str:
    """The command that unpacks `path`, and the one to come after it, each on its line."""
    command = KINDS[suffix][1]
    if not command:
        return _PICKLE
    stem = path.with_name(path.name[: -len(suffix)] if packed_suffix(path.name) else path.name)
    folder = stem if not stem.exists() else stem.with_name(f"{stem.name}-unpacked")
    made = "{folder}" in command
    text = command.format(file=typed(path), folder=typed(folder), stem=typed(stem))
    then = f"Then: ganwerk data check {typed(folder if made else stem)}"
    return f"Unpack it first: {text}\n{then}"
