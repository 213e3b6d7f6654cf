"""Names for files that are not images: web pages, pointers, formats of other programs."""

from __future__ import annotations

import re

from galaxtool.images.packing import find_packing

_AGAIN = "Download it again; the first lines, in a text editor, may say what went wrong."
_CONVERT = "Convert it to PNG or TIFF first."
_BINARY = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Give it a name that ends in .h5."),
    (b"\x93NUMPY", "a NumPy array", "Give it a name that ends in .npy."),
    (b"PK\x03\x04", "a zip archive", "Give it a name that ends in .zip."),
    (b"PAR1", "a Parquet table", "Give it a name that ends in .parquet."),
    (b"SQLite format 3\x00", "an SQLite database", ""),
    (b"%PDF", "a PDF document", "Extract the image first."),
    (b"%!PS", "a PostScript document", _CONVERT),
    (b"8BPS", "a Photoshop image", _CONVERT),
    (b"XISF0100", "an XISF image of PixInsight", "Save it as FITS."),
    (b"LUCAM-RECORDER", "a SER video", "Save its stacked image as FITS or TIFF."),
    (b"\x76\x2f\x31\x01", "an OpenEXR image", "Convert it to FITS or TIFF first."),
    (b"\xff\x0a", "a JPEG XL image", _CONVERT),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image", _CONVERT),
    (b"PF\n", "a PFM image of three colours", "Convert it to TIFF or FITS first."),
    (b"II\xbc\x01", "a JPEG XR image", _CONVERT),
    (b"#ASDF", "an ASDF file", "Save its image as FITS."),
    (b"\x00\x05\x16\x07", "a macOS resource fork (a file whose name begins with '._')", "Use the file beside it."),
    (b"\x00\x05\x16\x00", "a macOS resource fork", "Use the file beside it."),
    (b"SIMPLE", "a damaged FITS file", "Download or copy it again."),
)
_TEXT = (
    (b"version https://git-lfs.github.com/spec", "a pointer of Git LFS (git lfs pull fetches the file)", ""),
    (b"/annex/objects/", "a pointer of git-annex (git annex get fetches the file)", ""),
    (b"../.git/annex/", "a pointer of git-annex (git annex get fetches the file)", ""),
)
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title)\b", re.IGNORECASE | re.DOTALL)
_BRANDS = {b"hei": "an HEIC image", b"hev": "an HEIC image", b"mif": "an HEIF image", b"msf": "an HEIF image"}
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def describe_content(head: bytes) -> tuple[str, str]:
    """Return what a file that is not an image seems to be.

    Parameters
    ----------
    head : bytes
        Its beginning, unpacked where galaxtool can unpack it.

    Returns
    -------
    what, hint : str
        Such as ``a web page (HTML)`` and the next step; both are empty where nobody knows.

    Examples
    --------
    >>> describe_content(b"<!DOCTYPE html><title>404</title>")[0]
    'a web page (HTML)'
    """
    if (packing := find_packing(head)) is not None:
        return f"packed by {packing.name} (unpack it first with {packing.command})", ""
    for magic, what, hint in _BINARY:
        if head.startswith(magic):
            return what, hint
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "an AVIF image", _CONVERT
        return _BRANDS.get(brand[:3], "a video or another file of the MP4 family"), _CONVERT
    if head[257:262] == b"ustar":
        return "a tar archive", "Give it a name that ends in .tar."
    if not any(head):
        return "nothing but zeros", "Download or copy it again."
    return _describe_text(head)


def _describe_text(head: bytes) -> tuple[str, str]:
    text = head.removeprefix(_MARKS[0])
    for start, what, hint in _TEXT:
        if text.startswith(start):
            return what, hint
    if _HTML.match(text):
        return "a web page (HTML)", _AGAIN
    if head.startswith(_MARKS) or is_text(head):
        start = text.lstrip()[:1]
        if start == b"<":
            return "an XML document" if b"<VOTABLE" not in head else "a VOTable", _AGAIN
        return ("JSON", _AGAIN) if start in (b"{", b"[") else ("a text file", "")
    return "", ""


def is_text(head: bytes) -> bool:
    """Tell whether bytes look like text: without control characters other than white space."""
    return not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
