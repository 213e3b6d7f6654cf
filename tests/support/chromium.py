"""A headless Chromium that a test drives by the DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60.0


class Tab:
    """One page of the browser."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Send an order, and return the answer."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": values}))
        end = time.monotonic() + _SECONDS
        while True:
            message = json.loads(self._connection.recv(timeout=max(end - time.monotonic(), 0.1)))
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                found: dict[str, Any] = message["result"]
                return found
            self.events.append(message)

    def run(self, script: str) -> Any:
        """Return the value of a script; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = _SECONDS) -> Any:
        """Wait until a script gives something true, and return that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true within {seconds} s: {script}; {self.complaints()}")

    def open(self, address: str, *, ready: str = "document.body.dataset.ready === '1'") -> None:
        """Go to an address, and wait until the page is ready."""
        self.call("Page.navigate", url=address)
        self.wait(f"document.readyState === 'complete' && {ready}")

    def press(self, key: str, *, text: str = "") -> None:
        """Press a key."""
        text = text or (key if len(key) == 1 else {"Enter": "\r"}.get(key, ""))
        code = {"Enter": 13, "Escape": 27, " ": 32}.get(key, 0)
        values = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        self.call("Input.dispatchKeyEvent", type="keyDown", **values)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.call("Input.insertText", text=text)

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Return left, top, width and height of an element."""
        found = self.run(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [b.left, b.top, b.width, b.height]; })()"
        )
        return tuple(found)

    def click(self, selector: str) -> None:
        """Click the middle of an element."""
        left, top, width, height = self.box(selector)
        self.drag([(left + width / 2, top + height / 2)])

    def drag(self, path: list[tuple[float, float]]) -> None:
        """Press the mouse at the first place, and release it at the last."""
        x, y = path[0]
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", buttons=1, clickCount=1)
        for x, y in path[1:]:
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)

    def drop(self, selector: str, file: Path) -> None:
        """Drop a file on an element."""
        left, top, width, height = self.box(selector)
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=left + width / 2, y=top + height / 2, data=data)

    def screenshot(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Return the errors in the console since the last call: exceptions, refused resources."""
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                details = event["params"]["exceptionDetails"]
                found.append(str(details.get("exception", {}).get("description", details)))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        self.events.clear()
        return found


@contextmanager
def open_chromium(folder: Path, *, dark: bool = False, width: int = 1500, height: int = 900) -> Iterator[Tab]:
    """Start Chromium with a profile in a folder; skip the test where it or the client library is missing."""
    client = pytest.importorskip("websockets.sync.client", reason="the package websockets is not installed")
    program = os.environ.get("GALAXTOOL_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("Chromium is not installed; GALAXTOOL_TEST_CHROMIUM names it")
    arguments = [
        program, "--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder}",
        f"--window-size={width},{height}", "--no-first-run", "--disable-extensions", "--disable-background-networking",
        "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "about:blank",
    ]  # fmt: skip
    log = folder.with_suffix(".log")
    with log.open("wb") as stream, subprocess.Popen(arguments, stdout=stream, stderr=stream) as process:
        try:
            browser = _find_address(log, process)
            with client.connect(browser, max_size=None, proxy=None) as connection:
                root = Tab.__new__(Tab)
                root._connection, root._number, root.events = connection, 0, []
                target = root.call("Target.createTarget", url="about:blank")["targetId"]
            page = re.sub(r"/devtools/browser/.*", f"/devtools/page/{target}", browser)
            with client.connect(page, max_size=None, proxy=None) as connection:
                tab = Tab(connection)
                scheme = "dark" if dark else "light"
                tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                tab.call(
                    "Emulation.setDeviceMetricsOverride",
                    width=width,
                    height=height,
                    deviceScaleFactor=1,
                    mobile=False,
                )
                yield tab
        finally:
            process.terminate()
            process.wait(20)


def _find_address(log: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"DevTools listening on (ws://\S+)", log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    pytest.skip(f"Chromium does not start here: {log.read_text(errors='replace')[-300:]}")
