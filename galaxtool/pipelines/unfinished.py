"""What a long job has done so far, kept beside its output until it is finished."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import InputError, OutputExists
from galaxtool.files import hold, replacing, write_json

if TYPE_CHECKING:
    import numpy as np


class Unfinished:
    """A folder of parts, ``<output>.unfinished``, locked while a process fills it.

    Parameters
    ----------
    output : Path
        What the job will write at the end.
    about : mapping
        What decides the result; going on is refused where it differs.
    resume : bool
        Go on with what is there.
    overwrite : bool
        Throw away what is there.

    Raises
    ------
    OutputExists
        If there is unfinished work and neither was asked for, or another process is at it.
    InputError
        If the unfinished work is of another job.
    """

    def __init__(self, output: Path, about: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
        self.folder = output.with_name(output.name + ".unfinished")
        record = self.folder / "job.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"The folder '{self.folder.parent}' cannot be written: {error.strerror}.") from error
        self._lock = hold(self.folder / ".lock")
        if self._lock is None:
            raise OutputExists(
                f"Another galaxtool process is writing '{output}'.", hint="Wait for it, or choose another -o."
            )
        try:
            self._take_over(record, dict(about), output, resume=resume, overwrite=overwrite)
        except BaseException:
            self.close()
            raise

    @property
    def parts(self) -> list[Path]:
        """The finished parts, in order and without a gap."""
        found: list[Path] = []
        while (part := self._part(len(found))).exists():
            found.append(part)
        return found

    def add(self, **arrays: np.ndarray) -> None:
        """Keep the next part, atomically."""
        import numpy as np

        with replacing(self._part(len(self.parts))) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    def collect(self) -> dict[str, np.ndarray]:
        """Return the parts' arrays, joined along their first axis."""
        import numpy as np

        loaded = [np.load(part, allow_pickle=False) for part in self.parts]
        return {name: np.concatenate([part[name] for part in loaded]) for name in (loaded[0].files if loaded else ())}

    def close(self) -> None:
        """Let go of the folder and keep it."""
        self._lock.close()

    def discard(self) -> None:
        """Remove the folder: the output stands."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take_over(self, record: Path, about: dict[str, Any], output: Path, *, resume: bool, overwrite: bool) -> None:
        if record.exists() and not resume and not overwrite:
            raise OutputExists(
                f"'{output}' was begun before and not finished.",
                hint="Go on with --resume, or start anew with --overwrite.",
            )
        if record.exists() and resume:
            self._check(record, about, output)
            return
        for old in self.folder.glob("part-*"):
            old.unlink()
        write_json(record, about)

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.npz"

    @staticmethod
    def _check(record: Path, about: dict[str, Any], output: Path) -> None:
        before = json.loads(record.read_text(encoding="utf-8"))
        differing = [key for key in about if before.get(key) != about[key]]
        if differing:
            raise InputError(
                f"The unfinished work on '{output}' was done with another {', '.join(differing)}.",
                hint="Give the same inputs and options as before, or start anew with --overwrite.",
            )
