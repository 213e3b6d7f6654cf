"""What `label` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from galaxtool.webserver.served_page import ServedPage


@dataclass(frozen=True, kw_only=True)
class LabelResult:
    """The state of the labels after `label`.

    Parameters
    ----------
    kind : {"labels", "ranking", "replay"}
        What was done.
    output : str
        Path of the log of labels, or the folder of a replay.
    name : str
        What was labelled.
    count : int
        Number of objects.
    labels : dict
        Label -> number of objects that have it.
    answers : int
        Number of answers in the log.
    remaining : dict or None
        Estimate of how many wanted objects are left: ``found``, ``value``, ``low``, ``high``, ``drawn``, ``hits``.
    agreement : tuple of dict
        For every two people: ``first``, ``second``, ``count``, ``share``, ``kappa``.
    rank : str
        Path of the table of all objects; empty if none was asked for.
    model : str
        How the objects were ranked.
    scores : dict
        Content of ``replay.json``; empty unless for a replay.
    notes : tuple of str
        What was left out.
    page : ServedPage or None
        The page to label on, which is served until `wait` ends or `stop` is called.
    """

    kind: str
    output: str
    name: str
    count: int
    labels: dict[str, int]
    answers: int = 0
    remaining: dict[str, float] | None = None
    agreement: tuple[dict[str, Any], ...] = ()
    rank: str = ""
    model: str = ""
    scores: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    page: ServedPage | None = None

    def wait(self) -> None:
        """Serve the page until Ctrl-C, which is raised again; without a page, return at once."""
        if self.page is None:
            return
        try:
            self.page.wait()
        except KeyboardInterrupt as error:
            error.add_note(f"Every answer is in '{self.output}'. Run it again to continue.")
            raise

    def stop(self) -> None:
        """Stop serving the page, and close the log."""
        if self.page is not None:
            self.page.stop()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        page = None if self.page is None else self.page.as_dict()
        return {**values, "agreement": list(self.agreement), "notes": list(self.notes), "page": page}
