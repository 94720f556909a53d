"""A bundle -> a directory, a zip or an ONNX file that works without this project."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from kobert_demo.errors import ModelError

STORED = {".safetensors"}  # deflating weights takes long and saves nothing


def export(bundle: Path, form: str, out: Path) -> None:
    """Write `out`, whole or not at all.

    `directory` and `zip` hold the bundle as it is: weights, config, vocabulary, record and model card.
    `onnx` is one file, see `onnx_export`.

    Args:
        bundle: a bundle's directory.
        form: one of `FORMS`.

    Raises:
        ModelError: `out` is there already, or the ONNX file answers otherwise than the bundle.
        OSError: `out` cannot be written.
    """
    if out.resolve().is_relative_to(bundle.resolve()):
        raise ModelError("{path} is within the model itself: choose another place.", path=out)
    if out.exists() or out.is_symlink():
        raise ModelError("{path} is there already: give another name.", path=out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=out.parent) as folder:
        unfinished = Path(folder) / out.name
        FORMS[form](bundle, unfinished)
        unfinished.rename(out)


def _directory(bundle: Path, out: Path) -> None:
    shutil.copytree(bundle, out)


def _zip(bundle: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(bundle.iterdir()):
            stored = path.suffix in STORED
            archive.write(path, path.name, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)


def _onnx(bundle: Path, out: Path) -> None:
    from kobert_demo.onnx_export import export_onnx  # imports torch

    export_onnx(bundle, out)


FORMS: dict[str, Callable[[Path, Path], None]] = {
    "directory": _directory,
    "zip": _zip,
    "onnx": _onnx,
}
