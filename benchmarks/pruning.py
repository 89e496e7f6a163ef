"""What thinner networks gain and lose, beside networks with as small a download by zeros.

    python benchmarks/pruning.py work/fer work/fer-calib -o work/pruning

The packaged network is brought to .75, .5 and .25 of its multiplications by cutting channels; then
its weights are set to zero until int8 is as small a download as each of them. Bundles that are
there already are not made again. Times are ratios to the packaged int8 model, all models in turn;
accuracy is that of the split val.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np

from edgefer.bundle import Bundle
from edgefer.export.audit import audit
from edgefer.export.convert import to_int8
from edgefer.export.ladder import answer
from edgefer.export.latency import milliseconds
from edgefer.export.pack import export_bundle
from edgefer.export.recipe import ExportRecipe
from edgefer.faceset import FaceSet
from edgefer.keras import keras, load_model
from edgefer.report import Drop

SHARES = (0.75, 0.5, 0.25)


def main() -> None:
    """Make what is missing, then measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--zero-epochs", type=int, default=4)
    parser.add_argument("--shares", default=",".join(map(str, SHARES)))
    given = parser.parse_args()
    faces, calibration = FaceSet.load(given.faces), FaceSet.load(given.calibration)
    whole = Bundle.load()
    made = {"packaged": whole}

    def export(name: str, epochs: int, **choices: float | str) -> Bundle:
        out = given.out / name
        if not (out / "bundle.json").exists():
            recipe = ExportRecipe(int8=True, epochs=epochs, **choices)
            export_bundle(whole, recipe, out, calibration=calibration, faces=faces)
        return Bundle.load(out)

    shares = given.shares.split(",")
    for share in shares:
        made[f"channels {share}"] = export(f"channels-{share}", given.epochs, macs=float(share))
    for share in shares:
        size = len(_gzipped(made[f"channels {share}"].read("int8")))
        sparsity = _as_small(whole, size, calibration.patches[:8])
        made[f"zeros {sparsity}, for {share}"] = export(
            f"zeros-{share}", given.zero_epochs, sparsity=sparsity
        )
    _table(made, faces.split("val"))


def _as_small(whole: Bundle, size: int, patches: np.ndarray) -> str:
    """Sparsity at which the download has so many bytes."""
    low, high = 0.0, 0.95
    for _ in range(6):
        share = (low + high) / 2
        model = load_model(whole.path("keras"))
        for layer in model.layers:
            if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
                kernel, *rest = layer.get_weights()
                kernel[np.abs(kernel) < np.quantile(np.abs(kernel), share)] = 0
                layer.set_weights([kernel, *rest])
        if len(_gzipped(to_int8(model, patches))) > size:
            low = share
        else:
            high = share
    return f"{high:.2f}"


def _gzipped(model: bytes) -> bytes:
    return gzip.compress(model, 9, mtime=0)


def _table(made: dict[str, Bundle], judged: FaceSet) -> None:
    models = {name: bundle.read("int8") for name, bundle in made.items()}
    answers = {name: answer(model, judged) for name, model in models.items()}
    floats = {name: answer(bundle.read("float"), judged) for name, bundle in made.items()}
    times = milliseconds(models, calls=1000, seconds=60)
    first = floats["packaged"]
    print(f"{len(judged):,} faces; drops in points, against the packaged float model")
    print(
        "| network | MACs | int8 time | download, kB | float | int8 | int8 drop | 95 % | changed |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, model in models.items():
        row = Drop.of(name, "", judged.targets, first, answers[name])
        right = (floats[name] == judged.targets).mean()
        changed = (floats[name] != answers[name]).mean()
        print(
            f"| {name} | {audit(model).macs / audit(models['packaged']).macs:.2f} "
            f"| {times[name] / times['packaged']:.2f} | {len(_gzipped(model)) / 1000:,.0f} "
            f"| {100 * right:.1f} | {100 * row.after:.1f} | {100 * row.drop:+.1f} "
            f"| {100 * row.low:+.1f} to {100 * row.high:+.1f} | {100 * changed:.1f} % |"
        )


if __name__ == "__main__":
    main()
