"""Properties of a simulated galaxy that can be seen in its image, and that sentences about it are made of."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.scene import Scene

PROPERTIES = {
    "smooth": "a smooth galaxy, without disc structure",
    "spiral": "a disc with spiral arms",
    "edge_on": "a disc seen edge-on",
    "disturbed": "a single galaxy with a distorted shape",
    "merging": "two or more galaxies that merge",
    "round": "a smooth galaxy with an axis ratio of at least 0.86",
    "oval": "a smooth galaxy with an axis ratio of 0.5 to 0.8",
    "cigar": "a smooth galaxy with an axis ratio below 0.45",
    "face_on": "a disc with an axis ratio of at least 0.85",
    "tilted": "a spiral with an axis ratio of at most 0.65",
    "tight": "spiral arms with a pitch angle of at most 14 degrees",
    "loose": "spiral arms with a pitch angle of at least 18 degrees",
    "one_arm": "one spiral arm",
    "two_arms": "two spiral arms",
    "many_arms": "three or more spiral arms",
    "barred": "a bar",
    "unbarred": "a spiral without a bar",
    "ring": "a ring",
    "no_bulge": "an edge-on disc without a bulge",
    "small_bulge": "less than 8 % of the light in the bulge of a spiral, or less than 33 % in that of an edge-on disc",
    "large_bulge": "more than 22 % of the light in the bulge of a spiral, or more than 40 % in that of an edge-on disc",
    "dust_lane": "a dust lane in an edge-on disc",
    "tail": "one tidal tail or more",
    "two_tails": "two tidal tails",
    "bridge": "a bridge of light between two galaxies",
    "shells": "shells around a smooth galaxy",
    "irregular": "an irregular body with clumps",
    "lopsided": "much more light on one side of the centre",
    "companion": "a second galaxy beside the main one",
    "double_nucleus": "two nuclei in one body",
    "red": "g - r of at least 0.85",
    "blue": "g - r of at most 0.5",
    "large": "a half-light radius of at least 12 % of the side of the image",
    "little": "a half-light radius of at most 3.5 % of the side of the image",
    "near_star": "a star brighter than 16.5 mag in the image",
}
"""Name of each property, and what it says. An object may have any number of them.

No sentence is written of `large` and `little`, because the augmentation of a training changes the field of view.
"""

_RED, _BLUE = 0.85, 0.5
_LARGE, _LITTLE = 0.12, 0.035
_STAR_FLUX = 10 ** (0.4 * (22.5 - 16.5))
_CENTRAL = 0.2  # a star nearer to the centre than this fraction of the side stays in the image when it is cropped


def find_galaxy_properties(scene: Scene) -> set[str]:
    """Return the properties of the galaxy in a scene to which no surroundings were added yet.

    They are those that were noted when it was drawn, and those that follow from its parameters and its light.
    """
    parameters, found = scene.parameters, set(scene.properties)
    if "spiral" in found or "edge_on" in found:
        bulge = parameters["bulge_fraction"]
        small, large = (0.33, 0.4) if "edge_on" in found else (0.08, 0.22)
        found |= {"no_bulge"} if bulge == 0 else {"small_bulge"} if bulge < small else set()
        found |= {"large_bulge"} if bulge > large else set()
    if "spiral" in found:
        ratio = parameters["axis_ratio"]
        found |= {"face_on"} if ratio >= 0.85 else {"tilted"} if ratio <= 0.65 else set()
        if not found & {"barred", "disturbed", "merging"}:
            found.add("unbarred")
    g, r, _ = scene.light.sum(axis=(1, 2))
    color = -2.5 * np.log10(g / r)
    found |= {"red"} if color >= _RED else {"blue"} if color <= _BLUE else set()
    relative = parameters["radius"] / scene.grid.side
    found |= {"large"} if relative >= _LARGE else {"little"} if relative <= _LITTLE else set()
    return found


def has_bright_star(scene: Scene) -> bool:
    """Return whether a bright star was drawn, near enough to the centre to be seen in a cropped image."""
    near = _CENTRAL * scene.grid.side
    return any(
        bool(np.any((np.abs(x) < near) & (np.abs(y) < near) & (flux[:, 1] > _STAR_FLUX))) for x, y, flux in scene.points
    )


def note_arms(scene: Scene, number: int, pitch: float) -> None:
    """Note a spiral with so many arms and a pitch angle in degrees."""
    names = {1: "one_arm", 2: "two_arms"}
    scene.properties |= {"spiral", names.get(number, "many_arms")}
    scene.properties |= {"tight"} if pitch <= 14 else {"loose"} if pitch >= 18 else set()
