"""What tests of the web page in a browser share."""

import cv2
import numpy as np

BOX = "document.querySelector('#boxes rect')"
HEARD = "document.getElementById('state').className"


def look_at(browser, sink):
    browser.open(f"http://127.0.0.1:{sink.port}/")


def shown(browser, path):
    browser.screenshot(path)
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)


def text(browser, selector):
    return browser.evaluate(f"document.querySelector({selector!r}).innerText")
