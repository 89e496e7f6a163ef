"""Drive a headless Chromium over its debugging pipe: open a page, press keys, read it."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# The browser reads commands from descriptor 3 and answers on 4.
LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
CODES = {" ": 32, "ArrowRight": 39, "ArrowLeft": 37, "ArrowUp": 38, "ArrowDown": 40}


class Page:
    """One page of one browser, which ends with it."""

    def __init__(self, downloads: Path) -> None:
        if BROWSER is None:
            pytest.skip("no chromium")
        self.downloads = downloads
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        flags = "--headless --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe"
        browser = [BROWSER, *flags.split(), f"--user-data-dir={downloads / 'profile'}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs), str(ours), *browser],
            pass_fds=(theirs, ours),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(ours)
        self._number, self._rest = 0, b""
        self._session = ""
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def resize(self, width: int, height: int) -> None:
        """Make the window of another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def open(self, where: Path | str) -> None:
        """Show a file or an address, once it is loaded."""
        # For a moment after navigating the old page may still answer.
        self.evaluate("window.old = true")
        self._call("Page.navigate", url=where if isinstance(where, str) else where.as_uri())
        self.wait("!window.old && document.readyState === 'complete'")

    def download(self, name: str, *keys: str) -> Path:
        """Press keys that save a file, and wait for it."""
        path = self.downloads / name
        path.unlink(missing_ok=True)
        self.press(*keys)
        end = time.monotonic() + 20
        # The name is taken, by an empty file, before the bytes are there.
        while not path.exists() or not path.stat().st_size:
            assert time.monotonic() < end, f"{name} was never saved"
            time.sleep(0.02)
        return path

    def evaluate(self, code: str) -> Any:
        answer = self._call("Runtime.evaluate", expression=code, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        for key in keys:
            code = {"key": key, "windowsVirtualKeyCode": CODES.get(key, ord(key[0].upper()))}
            self._call("Input.dispatchKeyEvent", type="keyDown", **code)
            self._call("Input.dispatchKeyEvent", type="keyUp", **code)

    def wait(self, code: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.evaluate(code):
            assert time.monotonic() < end, f"never: {code}"
            time.sleep(0.02)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        os.close(self._to)
        os.close(self._from)
        self._process.terminate()
        self._process.wait(20)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads)
        )
        self.resize(1280, 900)
        self._call("Page.enable")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                piece = os.read(self._from, 1 << 16)
                assert piece, "the browser ended"
                self._rest += piece
            line, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
