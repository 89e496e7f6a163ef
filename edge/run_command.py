"""The command ``edgefer run``: options only."""

from dataclasses import replace
from pathlib import Path

import click

from edgefer.sections import section

from .config import Configured, config_options
from .detector_options import detector_options
from .look import Look
from .model_options import backend_option, threads_option, trusted_keys_option
from .picture_options import picture_options
from .steady_options import Telling, telling_options
from .wishes import Wishes

CAMERA_HELP = """Where pictures come from: a device number, /dev/video* or a name that stays
(/dev/v4l/by-id/*), a video file, a folder of pictures, an rtsp:// or http:// address, a GStreamer
pipeline, picamera, picamera:1, jetson, jetson:1,1280x720@30, synth, synth:korean, -:640x480:bgr24
(bare pixels on standard input: bgr24, rgb24, gray, yuyv422, nv12, yuv420p), or your own
package.module:attribute."""
SINK_HELP = """Where readings go: console, jsonl:PATH or csv:PATH (added to if they hold readings;
PATH?max=10MB&keep=5 begins a new file at that size), video:PATH, window, web:PORT (a page to watch;
beyond this machine web:HOST:PORT?cert=FILE&key=FILE), webhook:URL, mqtt://USER@HOST/TOPIC,
mqtts://USER@HOST/TOPIC, prometheus:PORT, warnings:PATH, or your own
package.module:attribute. Give it several times for several; docs/sinks.md tells all they take.
[default: console]"""

_camera_options = section(
    "Camera",
    click.option("--camera", default="0", show_default=True, metavar="SOURCE", help=CAMERA_HELP),
    click.option(
        "--loop",
        is_flag=True,
        help="Start again at the end of a file or folder; one that is gone is waited for.",
    ),
    click.option(
        "--stall",
        type=click.FloatRange(0.5, 3600),
        default=5.0,
        show_default=True,
        metavar="SECONDS",
        help="A live camera that gives no picture for so long is closed and opened again.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(0),
        show_default="for ever",
        metavar="N",
        help="How often in a row a live camera or a file that loops is opened again, once it is "
        "lost, before the run ends with an error. An address is waited for at the start as well; "
        "a camera that is not there when the run starts is an error at once. Standard input cannot "
        "be opened again.",
    ),
    click.option("--frames", type=click.IntRange(1), metavar="N", help="Stop after N frames."),
)
_output_options = section(
    "Output",
    click.option("--sink", "sinks", multiple=True, metavar="SINK", help=SINK_HELP),
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print the summary as JSON, and readings only to files.",
    ),
    click.option("--force", is_flag=True, help="Replace files that sinks would write to."),
)
_model_options = section(
    "Model and runtime",
    click.option(
        "--precision",
        type=click.Choice(["int8", "float", "shadow"]),
        default="int8",
        show_default=True,
        help="Which model of the bundle to run. With shadow int8 answers, float is asked the same, "
        "and the summary, the page and the metrics tell how often they agree.",
    ),
    backend_option,
    threads_option,
    trusted_keys_option,
)


@click.command(cls=Configured)
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@_camera_options
@_output_options
@_model_options
@detector_options
@telling_options
@picture_options
@config_options
def run(
    bundle: Path | None,
    camera: str,
    loop: bool,
    stall: float,
    retries: int | None,
    sinks: tuple[str, ...],
    precision: str,
    backend: str,
    threads: int,
    wishes: Wishes,
    min_confidence: float,
    telling: Telling,
    look: Look,
    trusted_keys: tuple[Path, ...],
    frames: int | None,
    as_json: bool,
    force: bool,
) -> None:
    """Read the emotions of the faces before a camera.

    BUNDLE is a folder that edgefer export wrote, or the name of one that comes with edgefer:
    default, which may be left out, or small, for slow boards.
    Ctrl-C ends it; a summary follows.

    \b
    edgefer run
    edgefer run --camera clip.mp4 --sink jsonl:clip.jsonl --sink video:out.mp4
    edgefer run my-bundle --camera rtsp://camera.local/stream --sink window
    """
    if as_json and {"console", "jsonl:-"} & set(sinks):
        raise click.UsageError("--json prints the summary alone: leave out console and jsonl:-.")
    if look.blur and min_confidence > 0:
        raise click.UsageError(
            "--blur-faces covers the faces that are read: leave out --min-confidence."
        )
    import json
    from contextlib import ExitStack

    from edgefer.signature import load_trusted

    from .cameras import open_camera
    from .cameras.care import Care
    from .cooling import Cooling
    from .notify import under_systemd
    from .shadow import open_model
    from .sinks import open_sinks
    from .sinks.warnings import WarningSink
    from .stream import run as read
    from .track import Follower
    from .trouble import say
    from .tuning import Tuning
    from .watcher import Watcher

    made = load_trusted(bundle, trusted_keys)
    follower = Follower.of(replace(wishes, threads=threads))
    with ExitStack() as opened:
        source = open_camera(camera, loop=loop, care=Care(stall=stall, retries=retries))
        opened.callback(source.close)
        # Before the sinks, whose threads speak where a model that is loaded is kept quiet.
        model = open_model(made, precision, backend=backend, threads=threads)
        reader, steady = telling(made, model, "int8" if precision == "shadow" else precision)
        watcher = Watcher(follower, reader, steady, min_confidence=min_confidence)
        tuning = Tuning(watcher, covered=look.blur)
        named = sinks or (() if as_json else ("console",))
        outputs = open_sinks(named, force=force, look=look, tuning=tuning)
        opened.pop_all()  # from here on the run closes them
    if not reader.notices_drift:
        say(
            f"{made.typed} knows nothing of its calibration faces: confidence is as the model "
            "gives it, and other faces are not noticed. Export it again: edgefer export ... --int8 "
            "--calib DIR --faces FACES"
        )
    read(
        watcher,
        source,
        [*outputs, tuning, WarningSink(), Cooling(follower), *under_systemd(source)],
        max_frames=frames,
        report=lambda summary: (
            click.echo(json.dumps(summary.to_json())) if as_json else say(str(summary))
        ),
    )
