"""What a trained detector is, as ``detector.json`` stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galaxtool import ModelError
from galaxtool_detect.detectors.record_checks import check_detector_values
from galaxtool_detect.networks.config import NetworkConfig

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class DetectorRecord:
    """What a trained detector is.

    Parameters
    ----------
    network : NetworkConfig
        Settings of the architecture.
    upscale : float
        Factor by which pixels of a map are enlarged for the network.
    threshold : float
        Score from which a box counts by default: the one of the best F1 on the validation split.
    beam_pixels : float or None
        Median width of the beam in the training, full width at half maximum in pixels of the fields; None if unknown.
    sources : dict
        Sizes of the sources in the training, in pixels of the fields.
    training : dict
        How it was trained.
    scores : dict
        Scores on the validation split.
    licence : str
        Licence of the weights that the training started from; empty for random ones, or if it is not known.
    citations : list of dict
        What to cite: ``text``, ``doi``, ``arxiv`` and ``bibcode`` of each work.
    created, version : str
        Time, and version of galaxtool-detect.
    """

    network: NetworkConfig
    upscale: float = 1.0
    threshold: float = 0.5
    beam_pixels: float | None = None
    sources: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    created: str = ""
    version: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, **vars(self), "network": self.network.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str) -> DetectorRecord:
        """Rebuild the record; `where` is named in errors.

        Raises
        ------
        ModelError
            If it is damaged, or of a newer version.
        """
        try:
            if int(values["schema"]) > SCHEMA:
                raise ModelError(
                    f"The detector '{where}' is of a newer version.", hint="Update galaxtool-detect to use it."
                )
            check_detector_values(values, where)
            known = {key: values[key] for key in cls.__dataclass_fields__ if key in values}
            return cls(**{**known, "network": NetworkConfig.from_dict(values["network"])})
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise ModelError(f"The record of the detector '{where}' is damaged: {error!r}.") from error
