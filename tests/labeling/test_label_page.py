"""The page of `galaxtool label`: what it asks, its keys in a browser, and what a killed process loses."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.chromium import open_chromium
from support.helpers import write_png
from support.processes import running

import galaxtool
from galaxtool.errors import ConfigError, GalaxtoolError, InputError
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.labeling.answers import LogEntry, find_labels
from galaxtool.labeling.log import LabelLog, read_log
from galaxtool.labeling.results import LabelResult

pytestmark = pytest.mark.usefixtures("loopback")

COUNT, DIM = 90, 6
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    vectors = np.random.default_rng(0).normal(0, 1, (COUNT, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    picture = write_png(folder / "picture.png", 0, size=32)
    rows = [EmbeddedImage(f"g{i}<b>", str(picture if i % 2 else folder / "gone.png"), None, None) for i in range(COUNT)]
    path = folder / "features.parquet"
    with open_embedding_writer(path, count=COUNT, dim=DIM, meta={}) as writer:
        writer.write(rows, vectors)
    return path


@pytest.fixture
def serve(features: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[LabelResult, Ask]]]:
    """Serve the page, and return the result and a function that asks it."""
    served: list[LabelResult] = []

    def start(**options: Any) -> tuple[LabelResult, Ask]:
        result = galaxtool.label(features, output=tmp_path / "labels.csv", browser=False, **options)
        served.append(result)
        page = result.page
        assert page is not None
        token = page.address.partition("token=")[2]

        def ask(path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> Any:
            connection = http.client.HTTPConnection(page.host, page.port, timeout=60)
            headers = {"Authorization": f"Bearer {token}", "X-Galaxtool": "1"}
            content = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, content, headers)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            assert answer.status == status, text
            return json.loads(text) if answer.headers["content-type"] == "application/json" else text

        return result, ask

    yield start
    for one in served:
        one.stop()


def test_answers_reach_the_log_and_the_next_page_learns(
    serve: Callable[..., tuple[LabelResult, Ask]], features: Path, tmp_path: Path
) -> None:
    log = tmp_path / "labels.csv"
    result, ask = serve(id="g7<b>", by="anna")
    about = ask("/api/about")
    assert (about["kind"], about["classes"], about["count"]) == ("wanted", ["wanted", "unwanted"], COUNT)
    assert len(about["run"]) == 16 and b"askAbout()" in ask("/files/label.js")
    page = ask("/api/page")
    assert page == ask("/api/page") and page["page"] == 1 and len(page["objects"]) == 24
    rows = [one["row"] for one in page["objects"]]
    assert 7 in rows and not any("why" in one for one in page["objects"])
    for place, row in enumerate(rows[:20]):
        label = "wanted" if place % 4 == 0 else "unwanted"
        found = ask("/api/answer", {"row": row, "action": "label", "label": label})
        assert (found["row"], found["label"]) == (row, label)
        assert find_labels(read_log(log))[f"g{row}<b>"] == label
    assert ask("/api/answer", {"row": rows[20], "action": "skip"})["skipped"]
    assert ask("/api/answer", {"row": rows[0], "action": "star"}) | {"status": 0} == {
        "row": rows[0], "label": "wanted", "star": True, "skipped": False, "status": 0,
    }  # fmt: skip
    assert ask("/api/answer", {"row": rows[1], "action": "unlabel"})["label"] == ""
    assert ask("/api/undo", {})["label"] == "unwanted"
    assert ask("/api/undo", {})["star"] is False
    second = ask("/api/next", {"page": 1})
    assert second["page"] == 2 and second["ranked_by"] == "logistic regression"
    assert not {one["row"] for one in second["objects"]} & set(rows[:21])
    assert ask("/api/next", {"page": 1}) == second  # Enter, pressed twice
    reasons = {answer.why for answer in read_log(log)}
    assert reasons <= {"best", "far", "random"} and "far" in reasons
    for body in ({"row": COUNT}, {"row": 1, "action": "undo"}, {"row": 1, "label": "x"}, {"row": 1, "label": ""}):
        assert "error" in ask("/api/answer", body, status=400)
    picture = ask("/api/picture/1")
    assert picture[:3] == b"\xff\xd8\xff" and ask("/api/picture/0")[:3] == b"\xff\xd8\xff"
    assert b"label.js" in ask("/")
    with pytest.raises(GalaxtoolError, match="is open in another"):
        galaxtool.label(features, output=log, browser=False)
    result.stop()
    result, ask = serve(by="bo")
    assert result.labels == {"wanted": 5, "unwanted": 15} and result.answers == 25
    again = [one["row"] for one in ask("/api/page")["objects"] if one["row"] in rows[:20]]
    assert len(again) == 2
    for row in again:
        assert all(one["label"] == "" for one in ask("/api/page")["objects"])
        label = "wanted" if rows.index(row) % 4 == 0 else "unwanted"
        status = ask("/api/answer", {"row": row, "action": "label", "label": label})["status"]
        ask("/api/undo", {})
    assert [(one["first"], one["second"], one["count"], one["share"]) for one in status["agreement"]] == [
        ("anna", "bo", 1, 1.0)
    ]


def test_objects_without_an_answer_come_back(serve: Callable[..., tuple[LabelResult, Ask]]) -> None:
    result, ask = serve()
    rows = [one["row"] for one in ask("/api/page")["objects"]]
    undone, unlabeled, starred, skipped = rows[:4]

    def answer(row: int, action: str, label: str = "") -> Any:
        return ask("/api/answer", {"row": row, "action": action, "label": label})

    answer(skipped, "skip")
    answer(skipped, "label", "wanted")
    assert ask("/api/undo", {})["skipped"]  # as it was before
    assert answer(skipped, "star")["skipped"]
    answer(unlabeled, "label", "wanted")
    answer(unlabeled, "unlabel")
    answer(starred, "star")
    for row in [*rows[4:], undone]:
        answer(row, "label", "unwanted")
    assert ask("/api/undo", {})["row"] == undone
    seen: list[int] = []
    for number in range(1, 5):
        for one in ask("/api/next", {"page": number})["objects"]:
            seen.append(one["row"])
            status = answer(one["row"], "label", "unwanted")["status"]
    assert {undone, unlabeled, starred} <= set(seen) and skipped not in seen and len(seen) == COUNT - 21
    assert ask("/api/page")["objects"] == []  # all have an answer
    assert status["labels"] == {"wanted": 0, "unwanted": COUNT - 1}
    result.stop()


def test_classes_and_grades(serve: Callable[..., tuple[LabelResult, Ask]], tmp_path: Path) -> None:
    result, ask = serve(classes=["ring,lens", "disk"], id="g3<b>")
    assert ask("/api/about")["kind"] == "classes" and list(result.labels) == ["ring", "lens", "disk"]
    rows = [one["row"] for one in ask("/api/page")["objects"]]
    for place, row in enumerate(rows):
        ask("/api/answer", {"row": row, "action": "label", "label": ("ring", "lens", "disk")[place % 3]})
    assert ask("/api/next", {"page": 1})["ranked_by"] == "logistic regression"
    result.stop()
    (tmp_path / "labels.csv").unlink()
    result, ask = serve(scale="0-2", id="g3<b>")
    assert ask("/api/about")["classes"] == ["2", "1", "0"]
    for place, one in enumerate(ask("/api/page")["objects"]):
        ask("/api/answer", {"row": one["row"], "action": "label", "label": str(place % 3)})
    page = ask("/api/next", {"page": 1})
    assert page["ranked_by"] == "Gaussian process" and page["status"]["remaining"] is None


def test_labels_of_an_earlier_table_start(serve: Callable[..., tuple[LabelResult, Ask]], tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.csv"
    earlier.write_text("id,label\n" + "".join(f"g{i}<b>,{'ring' if i < 8 else 'other'}\n" for i in range(20)))
    result, ask = serve(labels=earlier, classes=["ring,other"], wanted="ring")
    page = ask("/api/page")
    assert result.labels == {"ring": 8, "other": 12} and page["ranked_by"] == "logistic regression"
    assert all(one["row"] >= 20 for one in page["objects"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"text": "a ring"}, ConfigError, "which is not an index"),
        ({"id": "h7"}, InputError, "no object 'h7'"),
        ({"classes": ["a,b"]}, ConfigError, "labels that are not asked for now, wanted"),
        ({"port": 70000}, ConfigError, "--port is 70000"),
    ],
)
def test_a_page_that_cannot_be_opened_leaves_the_log_free(
    features: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    log = tmp_path / "labels.csv"
    if "classes" in options:
        with LabelLog.open(log) as opened:
            opened.append(LogEntry(id="g1<b>", label="wanted"))
    with pytest.raises(error, match=message):
        galaxtool.label(features, output=log, browser=False, **options)
    assert log.exists() == ("classes" in options)
    LabelLog.open(log).close()


@pytest.mark.slow
def test_the_keys(serve: Callable[..., tuple[LabelResult, Ask]], tmp_path: Path) -> None:
    result, _ = serve(id="g7<b>")
    log = tmp_path / "labels.csv"

    def wait(count: int) -> LogEntry:
        end = time.monotonic() + 60
        while len(answers := read_log(log)) < count:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert len(answers) == count
        return answers[-1]

    assert result.page is not None
    with open_chromium(tmp_path / "profile") as tab:
        tab.open(result.page.address)
        for number, (key, action, label) in enumerate(
            [("1", "label", "wanted"), ("2", "label", "unwanted"), ("s", "skip", ""), ("f", "star", "")], 1
        ):
            tab.press(key)
            assert (wait(number).action, wait(number).label) == (action, label)
        tab.wait("document.querySelectorAll('.star:not([hidden])').length === 1")
        tab.press("z")
        tab.wait("document.querySelectorAll('.star:not([hidden])').length === 0")
        assert (wait(5).action, wait(5).star) == ("undo", False)
        first = read_log(log)[0].id
        tab.run("document.querySelector('.tile').focus()")
        tab.press("0")
        assert (wait(6).action, wait(6).id, wait(6).label) == ("unlabel", first, "")
        tab.press("ArrowRight")
        tab.press(" ")
        tab.wait("document.getElementById('viewer').open")
        assert tab.run("document.getElementById('viewer-id').textContent") == read_log(log)[1].id
        tab.press("1")  # also while magnified
        assert (wait(7).id, wait(7).label) == (read_log(log)[1].id, "wanted")
        tab.press(" ")
        tab.wait("!document.getElementById('viewer').open")
        tab.press("x")
        tab.wait("document.querySelectorAll('.tile.done').length === 23")
        assert wait(7 + 22).label == "unwanted"
        tab.press("Enter")
        tab.wait("document.body.dataset.page === '2'")
        tab.press("1")
        assert wait(30).page == 2
        assert tab.complaints() == []


@pytest.mark.slow
def test_a_killed_process_loses_at_most_one_answer(features: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "galaxtool", "label", str(features), "-o", "labels.csv", "--no-browser"]
    log = tmp_path / "labels.csv"
    told = 0
    for turn in range(3):
        with running([*command, "--id", "g3<b>"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            text = ""
            while not (found := re.search(r"http://([\d.]+):(\d+)/\?token=(\S+)", text)):
                line = process.stdout.readline()
                assert line, text
                text += line
            host, port, token = found.groups()
            headers = {"Authorization": f"Bearer {token}", "X-Galaxtool": "1"}
            connection = http.client.HTTPConnection(host, int(port), timeout=60)
            for row in range(5 + turn):
                body = json.dumps({"row": 10 * turn + row, "action": "label", "label": "wanted"})
                connection.request("POST", "/api/answer", body, headers)
                assert connection.getresponse().read() and (told := told + 1)
            body = json.dumps({"row": 80 + turn, "action": "label", "label": "wanted"})
            connection.request("POST", "/api/answer", body, headers)
            time.sleep(0.002 * turn)
            process.send_signal(signal.SIGKILL)
            connection.close()
        with LabelLog.open(log) as opened:
            assert told <= len(opened.answers) <= told + turn + 1
            told = len(opened.answers)
        assert {answer.label for answer in read_log(log)} == {"wanted"}
