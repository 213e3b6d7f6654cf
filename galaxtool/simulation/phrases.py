"""The words that sentences about galaxies are made of, each with the properties that make it true."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that are true of a galaxy with all of some properties.

    Parameters
    ----------
    text : str
        The words.
    needs : tuple of str
        Names of `galaxtool.simulation.properties.PROPERTIES`.
    topics : frozenset of str
        What the words speak of; a sentence speaks of a topic once.
    is_plural : bool
        Whether a noun is plural, so that it has no article.
    """

    text: str
    needs: tuple[str, ...]
    topics: frozenset[str]
    is_plural: bool = False


TOPICS = {
    **dict.fromkeys(("smooth", "spiral", "edge_on", "disturbed", "merging", "irregular"), "kind"),
    **dict.fromkeys(("round", "oval", "cigar"), "shape"),
    **dict.fromkeys(("face_on", "tilted"), "view"),
    **dict.fromkeys(("tight", "loose"), "winding"),
    **dict.fromkeys(("one_arm", "two_arms", "many_arms"), "arms"),
    **dict.fromkeys(("barred", "unbarred"), "bar"),
    **dict.fromkeys(("no_bulge", "small_bulge", "large_bulge"), "bulge"),
    **dict.fromkeys(("tail", "two_tails", "bridge"), "tide"),
    **dict.fromkeys(("companion", "double_nucleus"), "second"),
    **dict.fromkeys(("red", "blue"), "color"),
}
"""Topic of a property; those that are not listed are topics of their own."""


def _make(text: str, needs: str, *, is_plural: bool = False) -> tuple[Phrase, ...]:
    """Make phrases with the same needs from texts with ``|`` between them."""
    names = tuple(needs.split())
    topics = frozenset(TOPICS.get(name, name) for name in names)
    return tuple(Phrase(each, names, topics, is_plural) for each in text.split("|"))


NOUNS = (
    *_make("smooth galaxy|elliptical galaxy|elliptical", "smooth"),
    *_make("round elliptical galaxy|round smooth galaxy|spherical galaxy", "smooth round"),
    *_make("oval galaxy|elongated elliptical galaxy|in-between round smooth galaxy", "smooth oval"),
    *_make("cigar-shaped galaxy|very elongated smooth galaxy|cigar round smooth galaxy", "smooth cigar"),
    *_make("spiral galaxy|spiral|disc galaxy with spiral arms|disk galaxy with spiral arms", "spiral"),
    *_make("barred spiral galaxy|barred spiral|spiral galaxy with a bar|galaxy with a bar", "spiral barred"),
    *_make("unbarred spiral galaxy|spiral galaxy without a bar", "spiral unbarred"),
    *_make("tightly wound spiral|tight spiral galaxy|spiral with tightly wound arms", "spiral tight"),
    *_make("loosely wound spiral|loose spiral galaxy|spiral with loose arms|open spiral galaxy", "spiral loose"),
    *_make("unbarred tight spiral galaxy", "spiral unbarred tight"),
    *_make("unbarred loose spiral galaxy", "spiral unbarred loose"),
    *_make("galaxy with a ring|ringed galaxy", "ring"),
    *_make("ring galaxy", "disturbed ring"),
    *_make("edge-on galaxy|edge-on disc|edge-on disk|disc galaxy seen edge-on|disk galaxy seen edge-on", "edge_on"),
    *_make("edge-on galaxy without bulge|edge-on disc without a bulge|bulgeless edge-on disk", "edge_on no_bulge"),
    *_make("edge-on galaxy with a small bulge", "edge_on small_bulge"),
    *_make("edge-on galaxy with a large bulge", "edge_on large_bulge"),
    *_make("disturbed galaxy|peculiar galaxy|distorted galaxy|galaxy with a distorted shape", "disturbed"),
    *_make("irregular galaxy|clumpy irregular galaxy|galaxy with bright clumps", "disturbed irregular"),
    *_make("galaxy merger|pair of merging galaxies|merging galaxy|collision of two galaxies", "merging"),
    *_make("merging galaxies|interacting galaxies|colliding galaxies", "merging", is_plural=True),
    *_make("galaxy with a tidal tail|galaxy with a tail", "tail"),
    *_make("galaxy with two tidal tails", "two_tails"),
    *_make("galaxy with shells|shell galaxy", "shells"),
    *_make("galaxy with two nuclei", "double_nucleus"),
)  # fmt: skip
"""Names of a galaxy in the singular, or of several."""

ADJECTIVES = (
    *_make("round|circular", "round"),
    *_make("oval|elongated", "oval"),
    *_make("cigar-shaped|very elongated|thin", "cigar"),
    *_make("face-on", "spiral face_on"),
    *_make("inclined|tilted", "spiral tilted"),
    *_make("lopsided|asymmetric", "lopsided"),
    *_make("distorted|disturbed", "disturbed"),
    *_make("red|reddish", "red"),
    *_make("blue|bluish", "blue"),
    *_make("dusty", "dust_lane"),
    *_make("ringed", "ring"),
    *_make("one-armed", "spiral one_arm"),
    *_make("two-armed", "spiral two_arms"),
    *_make("many-armed", "spiral many_arms"),
    *_make("barred", "barred"),
    *_make("unbarred", "spiral unbarred"),
    *_make("bulgeless", "edge_on no_bulge"),
)  # fmt: skip
"""Words before a noun, in the order in which they are written."""

FEATURES = (
    *_make("a bar|a central bar|a bar across its center", "barred"),
    *_make("no bar", "spiral unbarred"),
    *_make("one arm|a single spiral arm", "spiral one_arm"),
    *_make("two arms|two spiral arms", "spiral two_arms"),
    *_make("many arms|several spiral arms", "spiral many_arms"),
    *_make("tight arms|tightly wound arms", "spiral tight"),
    *_make("loose arms|open arms|loosely wound arms", "spiral loose"),
    *_make("two loose arms|two open spiral arms", "spiral two_arms loose"),
    *_make("two tight arms|two tightly wound spiral arms", "spiral two_arms tight"),
    *_make("many tight arms", "spiral many_arms tight"),
    *_make("many loose arms", "spiral many_arms loose"),
    *_make("a small bulge|a small core|a small nucleus", "small_bulge"),
    *_make("a large bulge|a bright bulge|a big core", "large_bulge"),
    *_make("no bulge", "no_bulge"),
    *_make("a dust lane|a dark lane of dust|dust along its disc|dust along its disk", "dust_lane"),
    *_make("a ring|a bright ring", "ring"),
    *_make("a tidal tail|a tail|a long tail of stars", "tail"),
    *_make("two tails|two tidal tails", "two_tails"),
    *_make("a bridge|a bridge of stars", "bridge"),
    *_make("shells|faint shells around it", "shells"),
    *_make("clumps|bright knots", "irregular"),
    *_make("a companion|a second galaxy beside it", "companion"),
    *_make("two nuclei|a double nucleus", "double_nucleus"),
    *_make("a bright star nearby|a star close to it", "near_star"),
)  # fmt: skip
"""What a galaxy has."""

STATEMENTS = (
    *_make("Its arms are wound tightly", "spiral tight"),
    *_make("Its arms are loose and open", "spiral loose"),
    *_make("Its two arms start at a bar", "barred two_arms"),
    *_make("The disc is seen edge-on|We look at the disk from its side", "edge_on"),
    *_make("We look at the spiral face-on", "spiral face_on"),
    *_make("The disc of the spiral is inclined", "spiral tilted"),
    *_make("There is no bulge in this edge-on disc", "edge_on no_bulge"),
    *_make("A dust lane crosses the edge-on disc", "edge_on dust_lane"),
    *_make("The galaxy is smooth and round", "smooth round"),
    *_make("The galaxy is smooth and oval", "smooth oval"),
    *_make("The galaxy is smooth and very elongated", "smooth cigar"),
    *_make("Two galaxies are merging|Two galaxies collide", "merging"),
    *_make("A bridge of stars joins two galaxies", "bridge"),
    *_make("A tidal tail leaves the galaxy", "tail"),
    *_make("The galaxy is disturbed", "disturbed"),
    *_make("A ring surrounds the center", "ring"),
)  # fmt: skip
"""Whole sentences, without the full stop."""

FRAMES = (
    "{a}", "{a}", "{a}", "{bare}", "{bare}", "A picture of {a}", "an image of {a}", "This is {a}",
)  # fmt: skip
"""Surroundings of a noun, with its article or without."""
