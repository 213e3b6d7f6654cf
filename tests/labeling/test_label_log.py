"""The log of labels: append-only, resumable, locked, and read by `finetune`."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import pytest
from sklearn.metrics import cohen_kappa_score

from galaxtool.datasets.archive import open_archive
from galaxtool.datasets.catalogue import open_catalogue
from galaxtool.datasets.label_log import number_objects
from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.labeling.agreement import measure_agreement
from galaxtool.labeling.answers import LogEntry, find_labels, list_states
from galaxtool.labeling.log import LabelLog, read_log


def answer(name: str, label: str = "", by: str = "anna", **values: object) -> LogEntry:
    return LogEntry(id=name, path=f"{name}.fits", label=label, by=by, **values)  # type: ignore[arg-type]


def test_answers_are_appended_and_undone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "labels.csv"
    with LabelLog.open(path) as log:
        log.append(answer("a", "ring"))
        before = path.read_bytes()
        log.append(answer("a", "lens", star=True))
        log.append(answer("b", "ring", by="bo"))
        assert path.read_bytes().startswith(before)
        undone = log.undo("anna")
        assert undone is not None and (undone.id, undone.label, undone.star) == ("a", "ring", False)
    with LabelLog.open(path) as log:
        assert len(log.answers) == 4 and find_labels(log.answers) == {"a": "ring", "b": "ring"}
        undone = log.undo("anna")
        assert undone is not None and undone.label == "" and find_labels(log.answers) == {"b": "ring"}
        assert log.undo("anna") is None
        assert [one.action for one in log.answers] == ["label", "label", "label", "undo", "undo"]
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["id"] for row in rows] == ["a", "a", "b", "a", "a"] and all(row["time"].endswith("Z") for row in rows)
    assert list(list_states(read_log(path))) == [("b", "bo")]


@pytest.mark.parametrize("name", ["plain", 'a "quoted", name', "line\nbreak", "Grüße \udce4"])
def test_every_cut_of_a_crash_loses_at_most_the_last_row(name: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with LabelLog.open(path) as log:
        log.append(answer("first", "ring", ra=1.5, dec=-2.0))
        kept = path.stat().st_size
        log.append(answer(name, "lens"))
    whole = path.read_bytes()
    for end in sorted({*range(kept, len(whole), 9), len(whole) - 2, len(whole) - 1}):
        path.write_bytes(whole[:end])
        with LabelLog.open(path) as log:
            assert [(one.id, one.ra) for one in log.answers] == [("first", 1.5)] and log.dropped == end - kept
            log.append(answer(name, "ring"))
        assert find_labels(read_log(path)) == {"first": "ring", name: "ring"}


def test_a_log_is_open_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with LabelLog.open(path), pytest.raises(GalaxtoolError, match="is open in another"):
        LabelLog.open(path)
    LabelLog.open(path).close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,label\na,ring\n", "it has no column 'path'"),
        (b"\x00\x01\x02\n", "it is not a text file"),
        (b"id,path,ra,dec,label,by,time,action,star,why,page,pool\na,,x,,ring,me,,label,0,,1,2\n", "line 2"),
        (b"id,path,ra,dec,label,by,time,action,star,why,page,pool\na,,,,ring,me,,burn,0,,1,2\n", "line 2"),
        (b"id,path,ra,dec,label,by,time,action,star,why,page,pool\na,ring\n", "line 2"),
    ],
)
def test_another_file_is_left_as_it_is(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        LabelLog.open(path)
    assert path.read_bytes() == content
    path.write_bytes(b"")
    LabelLog.open(path).close()


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GalaxtoolError, match="Cannot write"):
        LabelLog.open(tmp_path / "file" / "labels.csv")


def test_training_reads_the_labels_that_hold(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with LabelLog.open(path) as log:
        for one in (
            answer("1", "ring"), answer("1", "lens"), answer("2", "ring"), answer("2", action="unlabel"),
            answer("3", action="skip"), answer("4", action="star", star=True), answer("5", "ring"),
            answer("5", "lens", by="bo"), answer("6", "ring"), answer("6", "lens", by="bo"),
            answer("6", "ring", by="cy"), answer("7", "ring"),
        ):  # fmt: skip
            log.append(one)
        log.undo("anna")
    dataset = open_catalogue(path=path)
    assert [(item.id, item.label) for item in dataset.items] == [("1", "lens"), ("6", "ring")]
    assert str(dataset.items[0].ref.path).endswith("1.fits")
    assert any("4 objects of the log without a label" in note for note in dataset.notes)
    assert any("1 object that people label differently" in note for note in dataset.notes)


def test_training_reads_a_log_in_an_archive(tmp_path: Path) -> None:
    with LabelLog.open(tmp_path / "labels.csv") as log:
        for one in (answer("1", "ring"), answer("2", "ring"), answer("1", "lens"), answer("3", action="skip")):
            log.append(one)
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        archive.add(tmp_path / "labels.csv", "labels.csv")
        for name in ("1.fits", "2.fits", "3.fits"):
            (tmp_path / name).write_bytes(b"")
            archive.add(tmp_path / name, name)
    dataset = open_archive(path=tmp_path / "set.tar")
    assert [(item.id, str(item.ref.member), item.label) for item in dataset.items] == [
        ("2", "2.fits", "ring"), ("1", "1.fits", "lens"),
    ]  # fmt: skip


@pytest.mark.parametrize("are_grades", [False, True])
def test_agreement_is_that_of_scikit_learn(are_grades: bool) -> None:
    first, second = ["3", "1", "0", "2", "2", "3", "1", "0"], ["3", "1", "1", "2", "0", "3", "1", "3"]
    answers = [answer(str(i), label) for i, label in enumerate(first)]
    answers += [answer(str(i), label, by="bo") for i, label in enumerate(second)]
    answers += [answer("lone", "3", by="bo"), answer("0", "1", by="cy"), answer("1", "1", by="cy")]
    pairs = measure_agreement(answers, are_grades=are_grades)
    assert [(one.first, one.second, one.count) for one in pairs] == [
        ("anna", "bo", 8),
        ("anna", "cy", 2),
        ("bo", "cy", 2),
    ]
    numbers = [[int(text) for text in texts] for texts in (first, second)]
    expected = cohen_kappa_score(*numbers, weights="quadratic" if are_grades else None)
    assert pairs[0].kappa == pytest.approx(expected) and pairs[0].share == 5 / 8
    same = [answer("0", "ring"), answer("0", "ring", by="bo")]
    assert measure_agreement(same)[0].kappa is None


def test_one_identifier_of_two_images_after_a_merge(tmp_path: Path) -> None:
    north, south, copy = (str(tmp_path / side / "g-0.png") for side in "nsc")
    for path, content in ((north, b"north"), (south, b"south"), (copy, b"south")):
        Path(path).parent.mkdir()
        Path(path).write_bytes(content)

    def read(*rows: tuple[str, str, str]) -> list[tuple[str, str, str]]:
        (tmp_path / "labels.csv").unlink(missing_ok=True)
        with LabelLog.open(tmp_path / "labels.csv") as log:
            for name, path, label in rows:
                log.append(LogEntry(id=name, path=path, label=label, by="anna"))
        items = open_catalogue(path=tmp_path / "labels.csv").items
        return [(item.id, str(item.ref), str(item.label)) for item in items]

    first, second = ("g-0", south, "ring"), ("g-0", north, "disc")  # the latter in a merged index
    assert read(first, second) == [first, ("g-0-2", *second[1:])]
    again = ("g-0-2", south, "lens")
    assert read(first, again) == [again] and read(again, first) == [first]
    assert read(first, second, again) == [second, again]
    gone = ("g-0", str(tmp_path / "gone.png"), "ring")
    assert read(gone, second) == [second] and read(gone, second, first) == [second, ("g-0-2", *first[1:])]
    assert read(first, ("g-0", copy, "disc")) == [("g-0", copy, "disc")]
    Path(south).unlink()
    assert read(first, second) == [second]


def test_objects_of_one_file_are_told_apart_by_their_identifiers() -> None:
    names = [f"field-{number}" for number in range(3000)]
    objects = number_objects(names * 2, ["/survey/field.fits"] * 6000)
    assert objects[:3000] == objects[3000:] and len(set(objects)) == 3000
    assert len(set(number_objects(["field", "field-2", "field-3"], ["/survey/field.fits"] * 3))) == 1
