"""What a file's bytes are, whatever its name says: a known form that is no table, or text in some encoding."""

import codecs
import io
from typing import BinaryIO

from compression.errors import DataError

PARQUET = b"PAR1"
# How forms that are no table begin, and what they are called.
_FORMS = {
    b"\x1f\x8b": "compressed (gzip)",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"PK\x05\x06": "an empty ZIP archive",
    b"BZh": "compressed (bzip2)",
    b"\xfd7zXZ\0": "compressed (xz)",
    b"\x28\xb5\x2f\xfd": "compressed (zstd)",
    b"\x04\x22\x4d\x18": "compressed (LZ4)",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF-": "a PDF",
}
# UTF-32 before UTF-16: the mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 4096  # bytes looked at to guess UTF-16 that has no mark
_BLOCK = 1_048_576  # bytes decoded at a time
_STRANGE = 0.01  # share of control characters from which on bytes are no text
_OTHER_ENCODING = (
    "The file is not UTF-8 and was read as Windows-1252 (Western European). If letters look wrong, save it as UTF-8."
)


def refuse_other_forms(start: bytes, called: str) -> None:
    """Raises DataError if a file that begins so is compressed, an archive or a document."""
    form = next((form for magic, form in _FORMS.items() if start.startswith(magic)), None)
    if form is not None:
        raise DataError(f"{called} is {form}, whatever its name says. Unpack it or save it as CSV (UTF-8) or Parquet.")


def decode(content: bytes, called: str) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and a note if its encoding had to be assumed. Raises DataError if it is no text."""
    encoding, notes = encoding_of(io.BytesIO(content), called)
    return content.decode(encoding, "replace"), notes


def encoding_of(file: BinaryIO, called: str) -> tuple[str, tuple[str, ...]]:
    """How to decode a file (with errors="replace"), and a note if that had to be assumed; reads all of it, in blocks.

    Raises DataError if it is no text.
    """
    file.seek(0)
    encoding = _encoding(file.read(_SAMPLE))
    notes: tuple[str, ...] = ()
    try:
        text = _is_text(file, encoding, "strict")
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise DataError(
                f"{called} begins as {encoding.upper()} text but does not go on so. Save it again as CSV (UTF-8)."
            ) from None
        encoding, notes = "cp1252", (_OTHER_ENCODING,)
        text = _is_text(file, encoding, "replace")
    if not text:
        raise DataError(f"{called} is not a text file. Save it as CSV (UTF-8) or Parquet.")
    return encoding, notes


def _is_text(file: BinaryIO, encoding: str, errors: str) -> bool:
    """Whether no character is zero and, in an encoding that takes nearly all bytes, few are strange."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    length = strange = 0
    file.seek(0)
    while True:
        block = file.read(_BLOCK)
        text = decoder.decode(block, final=not block)
        if "\0" in text:
            return False
        if encoding == "cp1252":
            length += len(text)
            strange += sum((c < " " and c not in "\t\n\r\f") or c == "\ufffd" for c in text)
        if not block:
            return strange <= _STRANGE * length


def _encoding(content: bytes) -> str:
    """The encoding a mark at the start names; else UTF-16 if every second byte is mostly zero; else UTF-8."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if marked:
        return marked
    even, odd = content[:_SAMPLE:2], content[1:_SAMPLE:2]
    if odd.count(0) > len(odd) / 2 and not even.count(0):
        return "utf-16-le"
    if even.count(0) > len(even) / 2 and not odd.count(0):
        return "utf-16-be"
    return "utf-8"
