"""Images in the cells of Parquet and Arrow files, as in Hugging Face data sets."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from reportgen.errors import DataError
from reportgen.importers import ImageCells, images_in_tables, read_image_table
from reportgen.inference.images.decoding import Decoded, Unreadable, decode
from reportgen.inference.packed.contents import (
    FileContents,
    ImageFiles,
    PerProcess,
    require_size,
)
from reportgen.inference.packed.values import Images, Packed
from reportgen.options import Options

__all__ = [
    "all_images",
    "open_data",
]


def open_data(data: Path, options: Options) -> Packed:
    """The samples of a file, or of a folder of files."""
    table = read_image_table(data, options)
    root = table.root if options.root is None else options.root
    contents = _Cells(table.cells, root)
    return Packed(table.samples, [f"{file}:{row}" for file, row in table.places], contents)


def all_images(data: Path, options: Options) -> Images:
    """(ids, raws, contents) of the rows of all splits, or of the chosen one with an id column."""
    if options.id_column is not None:
        packed = open_data(data, options)
        return packed.samples.paths, packed.raws, packed.contents
    ids, places, cells = images_in_tables(data, options.image_column)
    folder = data if data.is_dir() else data.parent
    root = folder if options.root is None else options.root
    return ids, [f"{file}:{row}" for file, row in places], _Cells(cells, root)


class _Cells(ImageFiles):
    """An image is identified by ``file:row``, two indices."""

    is_sequential = True

    def __init__(self, cells: ImageCells, root: Path) -> None:
        self._cells = PerProcess(partial(ImageCells, cells.paths, cells.column))
        self.root = root

    def read(self, raw: str) -> bytes:
        file, _, row = raw.partition(":")
        try:
            cell = self._cells().read(int(file), int(row))
        except DataError as error:
            raise Unreadable(f"can't be read: {error.message}") from error
        except MemoryError:
            raise Unreadable("needs more memory than is available") from None
        if cell.content is not None:
            require_size(len(cell.content))
            return cell.content
        if cell.path is None:
            raise Unreadable("has no image")
        return self._file(cell.path)

    def _file(self, text: str) -> bytes:
        """Read the file of a path; refused if it is outside the root."""
        root = self.root.resolve()
        path = (root / text).resolve()
        if not path.is_relative_to(root):
            raise Unreadable(
                "has a path that leads out of the data folder; --root DIR names another"
            )
        return FileContents(str(root)).read(str(path.relative_to(root)))

    def decode(self, content: bytes, raw: str) -> Decoded:  # noqa: ARG002 - it has no ending
        return decode(content, name="")
