"""Taxonomies: bundled classes and symbols, matching of labels, coarser terms, a user's own classes."""

from __future__ import annotations

import csv
import itertools
import json
import re
import string
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from galaxtool.errors import InputError, UnknownName
from galaxtool.taxonomy.coarse import coarsen, find_parents
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy, load_taxonomy, taxonomy_from_dict
from galaxtool.taxonomy.matching import choose_taxonomy, find_unmatched, match_label, match_labels
from galaxtool.taxonomy.names import clean_name, find_lookalikes, make_prompt, make_slugs, match_key, slugify
from galaxtool.taxonomy.plugin import register_taxonomies
from galaxtool.taxonomy.symbols import load_symbol, load_symbols

ROOT = Path(__file__).resolve().parents[2]
SPECS = {spec.name: spec for spec in register_taxonomies()}
TAXONOMIES = {name: load_taxonomy(spec) for name, spec in SPECS.items()}
CLASSES = [(taxonomy, item) for taxonomy in TAXONOMIES.values() for item in taxonomy.classes]
CONTRACT = {
    "galaxy10": "disturbed merging round_smooth in_between_round_smooth cigar_shaped_smooth barred_spiral "
    "unbarred_tight_spiral unbarred_loose_spiral edge_on_without_bulge edge_on_with_bulge",
    "galaxymnist": "smooth_round smooth_cigar edge_on_disk unbarred_spiral",
    "gz2-5": "smooth_round smooth_inbetween smooth_cigar edge_on spiral",
    "gz1-coarse": "elliptical edge_on spiral merger",
    "radio-fr": "fri frii compact bent",
    "rgz": "1c_1p 1c_2p 1c_3p 2c_2p 2c_3p 3c_3p",
}
ids = [f"{taxonomy.name}:{item.slug}" for taxonomy, item in CLASSES]
every_class = pytest.mark.parametrize(("taxonomy", "item"), CLASSES, ids=ids)

MINIMAL = 'name = "mine"\n[[classes]]\nslug = "ring"\nname = "ring galaxy"\n'


def folder_with(path: Path, toml: str, *slugs: str) -> Path:
    (path / "taxonomy.toml").write_text(toml)
    for slug in slugs:
        Image.new("L", (8, 8), 255).save(path / f"{slug}.png")
    return path


# --- what is bundled -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTRACT)
def test_slugs_and_order_are_the_contract(name: str) -> None:
    assert TAXONOMIES[name].slugs == tuple(CONTRACT[name].split())


def test_listing_needs_the_standard_library_only() -> None:
    code = (
        "import sys; from galaxtool.taxonomy.plugin import register_taxonomies as r;"
        "from galaxtool.taxonomy.load import load_taxonomy;"
        "print(len([load_taxonomy(s) for s in r()]), [m for m in ('numpy', 'PIL', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [str(len(SPECS)), "[]\n"]


@every_class
def test_every_class_is_complete(taxonomy: Taxonomy, item) -> None:
    assert item.prompt == make_prompt(item.name)
    assert [path.name for path in item.drawings] == [f"{item.slug}{end}.png" for end in ("", "@fading", "@filled")]
    for drawing in item.drawings:
        assert "<svg" in drawing.with_suffix(".svg").read_text() and drawing.stat().st_size < 10_000
        with Image.open(drawing) as image:
            assert image.size == (256, 256)
        pixels = load_symbol(drawing, 256)
        lit = pixels.max(axis=2) > 128
        assert 0.003 < lit.mean() < 0.5
        # Centred within a tenth of the side, and clear of the edge so that it may be turned.
        rows, columns = np.nonzero(pixels.max(axis=2) > 40)
        assert abs((rows.min() + rows.max()) / 2 - 127.5) < 25
        assert abs((columns.min() + columns.max()) / 2 - 127.5) < 25
        rows, columns = np.nonzero(lit)
        assert min(rows.min(), columns.min(), 255 - rows.max(), 255 - columns.max()) >= 6


@pytest.mark.parametrize("slug", ["round_smooth", "in_between_round_smooth", "cigar_shaped_smooth"])
def test_a_smooth_galaxy_is_bright_in_the_middle(slug: str) -> None:
    for pixels in load_symbols(TAXONOMIES["galaxy10"].subset([slug]), 64)[0, ..., 0].astype(float):
        assert pixels[30:34, 30:34].min() > 220, "a ring with an empty middle is a ring galaxy"


@pytest.mark.parametrize("variant", [0, 1, 2], ids=["line", "fading", "filled"])
@pytest.mark.parametrize("name", TAXONOMIES)
def test_symbols_differ_at_64_pixels_even_when_turned(name: str, variant: int) -> None:
    symbols = load_symbols(TAXONOMIES[name], 64).astype(float)[:, variant, ..., 0] / 255
    for (a, one), (b, two) in itertools.combinations(zip(TAXONOMIES[name].slugs, symbols, strict=True), 2):
        for turned in (np.rot90(two, k) for k in range(4)):
            apart = np.abs(one - turned).sum() / max(one.sum(), two.sum())
            assert apart > 0.3, f"{a} and {b} look alike"


def test_drawings_are_those_of_the_script() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import draw_symbols
    finally:
        sys.path.pop(0)
    drawn = {(name, slug) for name, symbols in draw_symbols.SYMBOLS.items() for slug in symbols}
    assert drawn == {(taxonomy.name, item.slug) for taxonomy, item in CLASSES}
    number = re.compile(r"-?\d+(?:\.\d+)?")
    for (taxonomy, item), style in itertools.product(CLASSES, draw_symbols.STYLES):
        fresh = draw_symbols.make_svg(draw_symbols.SYMBOLS[taxonomy.name][item.slug](style))
        kept = (item.symbol.parent / f"{draw_symbols.name_file(item.slug, style)}.svg").read_text()
        assert number.sub("#", fresh) == number.sub("#", kept)
        # The last printed digit may differ between platforms' mathematics libraries.
        values = [np.array(number.findall(text), float) for text in (fresh, kept)]
        np.testing.assert_allclose(*values, atol=0.11)


@every_class
def test_parents_exist_and_are_complete(taxonomy: Taxonomy, item) -> None:
    own = {target.partition(":")[0] for target in item.is_a} | {taxonomy.name}
    for target in item.is_a:
        name, _, slug = target.partition(":")
        # A parent's parents are this class's parents too, so that one look suffices.
        grand = TAXONOMIES[name].get(slug).is_a
        assert {g.partition(":")[0] for g in grand} <= own
        assert {g for g in grand if not g.startswith(f"{taxonomy.name}:")} <= set(item.is_a)


def test_documentation_shows_every_class() -> None:
    page = ROOT / "docs" / "taxonomies.md"
    text = page.read_text()
    for link in re.findall(r'src="([^"]+)"', text):
        assert (page.parent / link).is_file(), link
    for taxonomy, item in CLASSES:
        row = next(line for line in text.splitlines() if f"symbols/{taxonomy.name}/{item.slug}.png" in line)
        assert f"`{item.slug}`" in row and item.name in row
        assert re.findall(r"`([\w-]+:\w+)`", row) == list(item.is_a)


# --- names -----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=40))
def test_a_slug_is_plain_and_stays_itself(name: str) -> None:
    slug = slugify(name)
    assert re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", slug)
    assert slugify(slug) == slug
    assert bool(slug) or not any(char.isalnum() and char.isascii() for char in name)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("In-between  Smooth", "in_between_smooth"), ("Brüggen–Ring", "bruggen_ring"), ("---", ""), ("1C-1P", "1c_1p")],
)
def test_slugs_by_hand(name: str, slug: str) -> None:
    assert slugify(name) == slug


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        ("-5 5 -2 1 3 -0.5 0.5", "minus_5 5 minus_2 1 3 minus_0_5 0_5"),
        ("\u22125 +1 T=-5 ttype_-3 1--2", "minus_5 1 t_minus_5 ttype_minus_3 1_minus_2"),
        ("S0- S0 S0+ E E+ E- dE", "s0_minus s0 s0_plus e e_plus e_minus de"),
        (".LA.-.. .LA.+.. S0^- S0/a S0-a", "la_minus la_plus s0_minus s0_slash_a s0_dash_a"),
        ("E+A E-A K+A", "e_plus_a e_dash_a k_a"),
        ("Sa SA SB(r) S(r) SBr", "sa sa_upper sb_r s_r sbr"),
        ("Sa SA sa", "sa_capital sa_upper sa"),
        ("Spiral Spiral? !Spiral", "spiral spiral_question not_spiral"),
        (">5 <5 >=5 ≤5", "gt_5 lt_5 ge_5 le_5"),
        ("Gaïa Gaia Hα β 渦巻", "gai_diaeresis_a gaia halpha beta u6e26u5dfb"),
        ("1 01 1.0 10 True False", "1 01 1_0 10 true false"),
        ("\U0001f300 + ? ...", "cyclone plus question dot_dot_dot"),
        ("FRI FR-I FR_I", "fri fr_dash_i fr_i"),
        ("a\udce9 a", "a_udce9 a"),
    ],
)
def test_classes_keep_slugs_of_their_own(names: str, slugs: str) -> None:
    assert list(make_slugs(names.split()).values()) == slugs.split()


@given(
    st.lists(st.text(st.sampled_from("aAs0+-?<>=/()._ ^é1α\u0301🌀中"), min_size=1, max_size=6), max_size=8),
    st.randoms(),
)
def test_different_names_have_different_slugs_in_any_order(names: list[str], random) -> None:
    names = [name for name in names if clean_name(name)]
    slugs = make_slugs(names)
    assert len(set(slugs.values())) == len({clean_name(name) for name in names})
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug) and len(slug) <= 60 for slug in slugs.values())
    random.shuffle(names)
    assert make_slugs(names) == slugs
    taxonomy = build_taxonomy(sorted(names)) if names else None
    assert all(match_label(name, taxonomy) == slugs[name] for name in names)


def test_long_names_fit_the_columns_of_fits_tables() -> None:
    slugs = make_slugs(["a" * 100, "a" * 101, "渦" * 30]).values()
    assert len(set(slugs)) == 3 and max(map(len, slugs)) <= 60


def test_blanks_and_underscores_do_not_make_classes() -> None:
    taxonomy = build_taxonomy(["edge_on", "edge  on ", "Edge-on"])
    assert taxonomy.slugs == ("edge_on", "edge_dash_on")
    assert [item.name for item in taxonomy.classes] == ["edge on", "Edge-on"]


def test_spellings_that_look_alike_are_found() -> None:
    names = ["Sa", "SA", "S0-", "S0+", "S0", "1.0", "1", "10", "1.5", "15", "FRI", "FR I", "spiral", "-1"]
    assert find_lookalikes(names) == [("1", "1.0"), ("FR I", "FRI"), ("SA", "Sa")]


def test_a_doubtful_label_is_not_its_class() -> None:
    assert match_label("Spiral?", TAXONOMIES["gz1-coarse"]) is None
    assert choose_taxonomy(["Spiral", "Spiral?"], TAXONOMIES.values()) is None
    assert match_label("-1", TAXONOMIES["galaxy10"], indices=True) is None


def test_symbols_of_classes_that_differ_in_case_or_sign(tmp_path: Path) -> None:
    for name in ("SA", "Sa", "minus_5", "5"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    symbols = [item.symbol for item in build_taxonomy(["SA", "Sa", "-5", "5"], tmp_path).classes]
    assert [symbol.stem if symbol else None for symbol in symbols] == ["SA", "Sa", "minus_5", "5"]


def test_other_scripts_keep_names_apart() -> None:
    assert slugify("渦巻") and slugify("渦巻") != slugify("楕円")


@given(
    st.sampled_from(
        [(taxonomy, item, text) for taxonomy, item in CLASSES for text in (item.slug, item.name, *item.aliases)]
    ),
    st.sampled_from([str.lower, str.upper, str.title, str.swapcase]),
    st.sampled_from(["_", "-", " ", "  ", "."]),
    st.booleans(),
)
def test_labels_match_however_written(known, case, separator: str, plural: bool) -> None:
    taxonomy, item, text = known
    label = separator.join(re.split(r"[\s_-]+", text))
    if plural and "galaxy" in label:
        label = label.replace("galaxy", "galaxies")
    elif plural and re.search(r"[a-z]{3}$", label) and not label.endswith("s"):
        label += "s"
    assert match_label(case(label), taxonomy) == item.slug


@given(st.text(alphabet=string.ascii_letters + " _-", max_size=20))
def test_a_label_never_raises_and_gives_a_class_or_none(label: str) -> None:
    for taxonomy in TAXONOMIES.values():
        assert match_label(label, taxonomy) in {None, *taxonomy.slugs}


@pytest.mark.parametrize(
    ("label", "name", "slug"),
    [
        ("Disturbed Galaxies", "galaxy10", "disturbed"),
        ("Cigar Shaped Smooth Galaxies", "galaxy10", "cigar_shaped_smooth"),
        ("Edge-on Galaxies with Bulge", "galaxy10", "edge_on_with_bulge"),
        ("FRI", "radio-fr", "fri"),
        ("FR I", "radio-fr", "fri"),
        ("FR-II", "radio-fr", "frii"),
        ("FRIIs", "radio-fr", "frii"),
        ("Compact", "radio-fr", "compact"),
        ("smooth round", "gz2-5", "smooth_round"),
        ("in-between smooth", "gz2-5", "smooth_inbetween"),
        ("EdgeOn", "gz1-coarse", "edge_on"),
        ("1C 3P", "rgz", "1c_3p"),
        ("ellipse", "gz1-coarse", None),
        ("", "gz1-coarse", None),
    ],
)
def test_labels_in_use(label: str, name: str, slug: str | None) -> None:
    assert match_label(label, TAXONOMIES[name]) == slug


def test_numbers_mean_classes_only_when_allowed() -> None:
    galaxy10 = TAXONOMIES["galaxy10"]
    assert match_label("5", galaxy10) is None
    assert [match_label(label, galaxy10, indices=True) for label in ("5", "9.0", "10", "-1", "2.5")] == [
        "barred_spiral", "edge_on_with_bulge", None, None, None,
    ]  # fmt: skip
    assert match_label("5", galaxy10.subset(["barred_spiral", "merging"]), indices=True) == "barred_spiral"
    assert match_labels(["0", "3"], TAXONOMIES["galaxymnist"], indices=True) == {
        "0": "smooth_round",
        "3": "unbarred_spiral",
    }


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (["spiral", "edge_on", "elliptical", "merger"], "gz1-coarse"),
        (["smooth_round", "smooth_inbetween", "smooth_cigar", "edge_on", "spiral"], "gz2-5"),
        (["fri", "frii"], "radio-fr"),
        (["FRI", "FRII", "Compact", "Bent", "", None], "radio-fr"),
        (["Disturbed Galaxies", "Merging Galaxies"], "galaxy10"),
        (["1C_1P", "3C_3P"], "rgz"),
        (["1P", "2P"], "rgz-peaks"),
        (["Unbarred Spiral Galaxies", "Smooth Round Galaxies"], "galaxymnist"),
        (["0", "1", "2"], None),
        (["fri", "7"], None),
        (["star", "quasar"], None),
        ([], None),
    ],
)
def test_labels_choose_their_taxonomy(labels: list[str], name: str | None) -> None:
    chosen = choose_taxonomy(labels, TAXONOMIES.values())
    assert (chosen.name if chosen else None) == name


@pytest.mark.parametrize("name", CONTRACT)
def test_all_classes_of_a_taxonomy_choose_it(name: str) -> None:
    for texts in (TAXONOMIES[name].slugs, [item.name for item in TAXONOMIES[name].classes]):
        chosen = choose_taxonomy(texts, TAXONOMIES.values())
        assert chosen is not None and chosen.name == name


def test_labels_that_fit_several_are_an_error_listing_them() -> None:
    with pytest.raises(InputError, match=r"galaxymnist.*gz2-5|gz2-5.*galaxymnist") as caught:
        choose_taxonomy(["smooth_round", "smooth_cigar"], TAXONOMIES.values())
    assert "--taxonomy" in caught.value.hint


def test_unknown_labels_are_listed_with_the_nearest_class() -> None:
    gz1 = TAXONOMIES["gz1-coarse"]
    assert find_unmatched(["spirral", "spiral", "xyz", "spirral"], gz1) == [("spirral", "spiral"), ("xyz", None)]
    with pytest.raises(InputError, match=r"'spirral' \(did you mean 'spiral'\?\)"):
        match_labels(["spirral"], gz1)


def test_an_alias_belongs_to_one_class() -> None:
    for taxonomy in TAXONOMIES.values():
        keys = [
            (match_key(text), item.slug) for item in taxonomy.classes for text in (item.slug, item.name, *item.aliases)
        ]
        assert len({key for key, _ in keys}) == len(set(keys))


@pytest.mark.shared_data
def test_real_labels_choose_their_taxonomy(shared_data: Path) -> None:
    sets = {
        "optical_gz2_5class": "gz2-5",
        "optical_gz1_coarse": "gz1-coarse",
        "optical_galaxy10_decals_samples": "galaxy10",
    }
    for folder, name in sets.items():
        with (shared_data / folder / "labels.csv").open() as file:
            rows = list(csv.DictReader(file))
        labels = [row["label"] for row in rows]
        chosen = choose_taxonomy(labels, TAXONOMIES.values())
        assert chosen is not None and chosen.name == name
        if "class_index" in rows[0]:
            for row in rows:
                assert match_label(row["class_index"], chosen, indices=True) == match_label(row["label"], chosen)
    radio = [path.name for path in (shared_data / "radio_first_4class" / "train").iterdir()]
    assert set(match_labels(radio, TAXONOMIES["radio-fr"]).values()) == set(TAXONOMIES["radio-fr"].slugs)


# --- coarser terms ---------------------------------------------------------------------------------------------------


def test_coarsen_equals_sums_by_hand() -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(10), size=50)
    got, dropped, kept = coarsen(p.astype(np.float32), TAXONOMIES["galaxy10"], TAXONOMIES["gz1-coarse"])
    p = p.astype(np.float32).astype(np.float64)
    assert kept == ("elliptical", "edge_on", "spiral", "merger")
    for row, scores in enumerate(p):
        elliptical = scores[2] + scores[3]
        edge_on = scores[4] + scores[8] + scores[9]
        spiral = scores[5] + scores[6] + scores[7]
        whole = elliptical + edge_on + spiral + scores[1]
        expected = [elliptical / whole, edge_on / whole, spiral / whole, scores[1] / whole]
        np.testing.assert_allclose(got[row], expected, rtol=1e-12)
        np.testing.assert_allclose(dropped[row], scores[0], rtol=1e-12)


def test_coarsen_radio_zoo_by_peaks_and_components() -> None:
    p = np.array([[0.1, 0.2, 0.05, 0.3, 0.15, 0.2]])
    by_peaks, none, kept = coarsen(p, TAXONOMIES["rgz"], TAXONOMIES["rgz-peaks"])
    assert kept == ("1p", "2p", "3p") and none[0] == 0
    np.testing.assert_allclose(by_peaks, [[0.1, 0.5, 0.4]])
    by_components, _, kept = coarsen(p, TAXONOMIES["rgz"], TAXONOMIES["rgz-components"])
    assert kept == ("1c", "2c", "3c")
    np.testing.assert_allclose(by_components, [[0.35, 0.45, 0.2]])


def test_coarsen_tells_which_classes_are_left_and_what_has_none() -> None:
    galaxy10 = TAXONOMIES["galaxy10"]
    fine = galaxy10.subset(["disturbed", "barred_spiral", "round_smooth"])
    p = np.array([[0.2, 0.2, 0.6], [1.0, 0.0, 0.0], [np.nan, 0.5, 0.5]])
    got, dropped, kept = coarsen(p, fine, TAXONOMIES["gz2-5"])
    assert kept == ("smooth_round", "spiral")
    np.testing.assert_allclose(got[0], [0.25, 0.75])
    assert np.isnan(got[1]).all() and dropped[1] == 1
    assert np.isnan(got[2]).all()
    same, dropped, kept = coarsen(
        np.array([[0.2, 0.2, 0.6]]), fine, galaxy10.subset(["merging", "disturbed", "barred_spiral"])
    )
    assert kept == ("disturbed", "barred_spiral")
    np.testing.assert_allclose(same, [[0.25, 0.75]])
    np.testing.assert_allclose(dropped, [0.2])


def test_coarsen_refuses_what_does_not_belong_together() -> None:
    with pytest.raises(InputError, match="counterpart"):
        coarsen(np.ones((1, 4)) / 4, TAXONOMIES["radio-fr"], TAXONOMIES["gz1-coarse"])
    with pytest.raises(ValueError, match=r"expected \(N, 10\)"):
        coarsen(np.ones((1, 4)), TAXONOMIES["galaxy10"], TAXONOMIES["gz1-coarse"])


def test_parents_follow_the_shape() -> None:
    found = find_parents(TAXONOMIES["galaxy10"], TAXONOMIES["gz2-5"])
    assert found["barred_spiral"] == "spiral" and found["edge_on_with_bulge"] == "edge_on"
    assert "merging" not in found and "disturbed" not in found


# --- records and a user's own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TAXONOMIES)
def test_record_survives_json(name: str) -> None:
    taxonomy = TAXONOMIES[name]
    record = json.loads(json.dumps(taxonomy.as_dict()))
    assert taxonomy_from_dict(record, Path(SPECS[name].folder)) == taxonomy
    assert taxonomy_from_dict(record).classes[0].symbol is None


def test_record_cannot_reach_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "symbols").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "out.png")
    record = {"name": "x", "classes": [{"slug": "a", "name": "a", "symbol": "../out.png"}]}
    with pytest.raises(InputError, match="missing"):
        taxonomy_from_dict(record, tmp_path / "symbols")


def test_subset_keeps_the_order_and_refuses_unknown_classes() -> None:
    galaxy10 = TAXONOMIES["galaxy10"]
    assert galaxy10.subset(["merging", "disturbed"]).slugs == ("disturbed", "merging")
    with pytest.raises(UnknownName, match="Did you mean 'merging'"):
        galaxy10.subset(["merging_"])


@pytest.mark.parametrize(
    ("toml", "symbols", "message"),
    [
        ("name = ", (), "is not valid TOML"),
        (MINIMAL, (), "'ring' in .* has no symbol"),
        (MINIMAL + MINIMAL[MINIMAL.index("[[") :], ("ring",), "Two classes .* slug 'ring'"),
        (MINIMAL.replace('"ring"', '"Ring One"'), ("ring",), "not a slug"),
        (MINIMAL + "nam = 1\n", ("ring",), "'nam' .* not a known key"),
        (MINIMAL + 'is_a = "gz2-5:spiral"\n', ("ring",), "not a list"),
        (MINIMAL + 'is_a = ["spiral"]\n', ("ring",), "names no taxonomy"),
        (MINIMAL + 'is_a = ["gz2-5:spiral", "gz2-5:edge_on"]\n', ("ring",), "two classes of 'gz2-5'"),
        (MINIMAL.replace('name = "ring galaxy"', ""), ("ring",), "has no 'name'"),
        ('index_order = ["lens"]\n' + MINIMAL, ("ring",), "index_order"),
        ('name = "mine"\nclasses = []\n', (), "has no 'classes'"),
        ('name = "mine"\nclasses = ["ring"]\n', (), "not a table"),
    ],
)
def test_a_bad_folder_is_one_plain_sentence(tmp_path: Path, toml: str, symbols: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_taxonomy(folder_with(tmp_path, toml, *symbols))
    assert caught.value.hint


def test_a_plugins_folder_loads(tmp_path: Path) -> None:
    taxonomy = load_taxonomy(folder_with(tmp_path, MINIMAL, "ring"))
    assert taxonomy.prompts == ("A picture of a ring galaxy",)
    with pytest.raises(InputError, match="cannot be read"):
        load_taxonomy(tmp_path / "nowhere")


def test_own_classes_take_symbols_by_name(tmp_path: Path) -> None:
    for name, size in (("Ring-Galaxies.png", (40, 20)), ("unknown.png", (8, 8))):
        Image.new("RGBA", size, (255, 255, 255, 255)).save(tmp_path / name)
    (tmp_path / "lens.svg").write_text("<svg/>")
    taxonomy = build_taxonomy(["ring_galaxy", "S0 galaxy", "lens"], tmp_path)
    assert taxonomy.slugs == ("ring_galaxy", "s0_galaxy", "lens")
    assert taxonomy.prompts == ("A picture of a ring galaxy", "A picture of an S0 galaxy", "A picture of a lens")
    assert [item.symbol.name if item.symbol else None for item in taxonomy.classes] == ["Ring-Galaxies.png", None, None]
    with pytest.raises(InputError, match=r"No symbol for s0_galaxy, lens") as caught:
        load_symbols(taxonomy, 32)
    assert "--method supervised or clip" in caught.value.hint
    pixels = load_symbols(taxonomy.subset(["ring_galaxy"]), 32)
    assert pixels.shape == (1, 1, 32, 32, 3) and pixels.dtype == np.uint8
    assert pixels[0, 0, 16].min() == 255 and pixels[0, 0, 2].max() == 0, "a wide drawing is padded, not stretched"


def save_drawing(path: Path, ground: tuple[int, ...], ink: tuple[int, ...]) -> Path:
    pixels = np.full((40, 40, len(ground)), ground, np.uint8)
    pixels[15:25, 10:30] = ink
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(
    ("ground", "ink"),
    [
        ((0, 0, 0), (255, 255, 255)),
        ((255, 255, 255), (0, 0, 0)),
        ((0, 0, 0, 0), (255, 255, 255, 255)),
        ((255, 255, 255, 0), (0, 0, 0, 255)),
        ((0, 0, 0, 0), (0, 0, 0, 255)),
    ],
)
def test_symbols_are_bright_on_black_however_drawn(tmp_path: Path, ground, ink) -> None:
    pixels = load_symbol(save_drawing(tmp_path / "bar.png", ground, ink), 40)
    assert pixels[16:24, 11:29].min() > 250 and pixels[:14].max() < 5 and pixels[26:].max() < 5


def test_a_folder_may_have_several_drawings_of_a_class(tmp_path: Path) -> None:
    names = ["Rings.png", "ring@filled.png", "RING@2.png", "a@b.png", "a@b@2.png", "1.5.png", "lens@x.png", "1@5.jpg"]
    for level, name in enumerate(names):
        save_drawing(tmp_path / name, (0, 0, 0), (200 + level,) * 3)
    taxonomy = build_taxonomy(["ring", "a@b", "1.5", "1", "lens"], tmp_path)
    found = {item.name: [path.name for path in item.drawings] for item in taxonomy.classes}
    assert found == {
        "ring": ["Rings.png", "RING@2.png", "ring@filled.png"], "a@b": ["a@b.png", "a@b@2.png"], "1.5": ["1.5.png"],
        "1": ["1@5.jpg"], "lens": ["lens@x.png"],
    }  # fmt: skip
    pixels = load_symbols(taxonomy, 40)
    assert pixels.shape == (5, 3, 40, 40, 3)
    levels = pixels[:, :, 20, 20, 0].astype(int)
    assert levels[:3].tolist() == [[200, 202, 201], [203, 204, 203], [205, 205, 205]], "repeated in turn"
    save_drawing(tmp_path / "rings@FILLED.jpg", (0, 0, 0), (9, 9, 9))
    with pytest.raises(InputError, match="variant 'filled', has two symbols") as caught:
        build_taxonomy(["ring"], tmp_path)
    assert "ring@2.png" in (caught.value.hint or "")


def test_invalid_own_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot name a class"):
        build_taxonomy(["ring", " _"])
    with pytest.raises(InputError, match="not a folder"):
        build_taxonomy(["ring"], tmp_path / "none")
    for name in ("ring.png", "rings.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(InputError, match="two symbols"):
        build_taxonomy(["ring"], tmp_path)
    assert [item.symbol.name for item in build_taxonomy(["ring", "rings"], tmp_path).classes] == [
        "ring.png",
        "rings.jpg",
    ]
    (tmp_path / "ring.png").write_text("no image")
    with pytest.raises(InputError, match="cannot be read as an image"):
        load_symbol(tmp_path / "ring.png", 32)
