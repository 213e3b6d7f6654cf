"""The licences of weights that ``GALAXTOOL_LICENSES`` allows; without it, all are allowed."""

from __future__ import annotations

import os
import re

from galaxtool.errors import ModelError

VARIABLE = "GALAXTOOL_LICENSES"
_IDENTIFIER = re.compile(r"\b(?:[A-Za-z]+(?:[-.][A-Za-z0-9.]+)+|MIT|ISC|Zlib|Unlicense)\b")


def list_allowed_licences() -> tuple[str, ...] | None:
    """Return the licences that the environment allows, such as ``("MIT", "Apache-2.0")``; None if all are."""
    text = os.environ.get(VARIABLE)
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def is_licence_allowed(licence: str) -> bool:
    """Tell whether weights under this licence may be used.

    A licence is an SPDX identifier, or a sentence. Of a sentence that names several, all must be allowed; one that
    names none is not.

    Examples
    --------
    >>> os.environ["GALAXTOOL_LICENSES"] = "MIT, Apache-2.0"
    >>> is_licence_allowed("apache-2.0"), is_licence_allowed("MIT, trained from weights under CC-BY-NC-4.0")
    (True, False)
    >>> del os.environ["GALAXTOOL_LICENSES"]
    """
    allowed = list_allowed_licences()
    if allowed is None:
        return True
    known = {name.lower() for name in allowed}
    if licence.strip().lower() in known:
        return True
    named = [name.lower() for name in _IDENTIFIER.findall(licence)]
    return bool(named) and set(named) <= known


def check_licence(licence: str, what: str) -> None:
    """Raise `ModelError` if weights may not be used.

    Parameters
    ----------
    licence : str
        Their licence; empty if it is not known.
    what : str
        The weights, as the subject of the message: ``"The weights of mae"``.
    """
    if is_licence_allowed(licence):
        return
    named = ", ".join(list_allowed_licences() or ()) or "none"
    under = f"are under the licence '{licence}'" if licence else "state no licence"
    raise ModelError(
        f"{what} {under}, and {VARIABLE} allows {named}.",
        hint=f"Add the licence to {VARIABLE}, or use other weights; `galaxtool backbones --json` shows their licences.",
    )
