"""A Jetson's own camera: the pipeline for NVIDIA's nvarguscamerasrc."""

import re

from edgefer.errors import CameraError

SIZE = (1280, 720)
RATE = 30


def pipeline(where: str) -> str:
    """The GStreamer pipeline of a camera on a Jetson's CSI connector.

    Parameters
    ----------
    where : str
        ``SENSOR,WIDTHxHEIGHT@RATE``; each of the three may be left out: ``1``, ``1920x1080``,
        ``1,640x480@60``. The sensor must have a mode at least as large and as fast.

    Raises
    ------
    CameraError
        If it is anything else.
    """
    found = re.fullmatch(r"(\d*)(?:(?:^|,)(\d+)x(\d+)(?:@(\d+))?)?", where)
    if found is None:
        raise CameraError(
            f"jetson:{where} is not known. Type jetson, jetson:1 or jetson:1,1280x720@30."
        )
    sensor, width, height, rate = found.groups()
    # nvvidconv cannot write BGR: the last step from BGRx runs on the processor.
    return (
        f"nvarguscamerasrc sensor-id={sensor or 0} ! video/x-raw(memory:NVMM), "
        f"width={width or SIZE[0]}, height={height or SIZE[1]}, framerate={rate or RATE}/1 ! "
        "nvvidconv ! video/x-raw, format=BGRx ! videoconvert ! video/x-raw, format=BGR ! "
        "appsink drop=true max-buffers=1 sync=false"
    )
