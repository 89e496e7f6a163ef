"""Every choice of an export, as plain data that goes along in the bundle."""

from dataclasses import dataclass

from edgefer.errors import EdgeferError

WAYS = ("balanced", "random", "spread")
RANKS = ("taylor", "norm", "l1")
RUNGS = ("int8", "corrected", "mixed", "qat")
TARGETS = ("tflite", "onnx", "tensorrt-ready")
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
# The sparsity of which every four weights have two zeros.
TWO_OF_FOUR = "2:4"


@dataclass(frozen=True)
class ExportRecipe:
    """How a trained network becomes models for a device.

    Attributes
    ----------
    int8 : bool
        Quantize to integers; needs calibration faces.
    to : str
        ``tflite``, or also ``onnx``, or also an ONNX file that is ``tensorrt-ready``.
    macs : float
        Share of the multiplications that a thinner network may keep; 0 cuts no channels.
    latency : float
        Share of the time that a thinner network may take, in place of ``macs``.
    rank : str
        How channels are compared: see `edgefer.export.rank`.
    multiple : int
        What the widths of a thinner network stay a multiple of.
    sparsity : str
        Share of the weights of every convolution and dense layer to set to zero, such as ``0.5``,
        or ``2:4``: two of every four; empty prunes nothing. It makes a smaller download, not a
        faster model.
    clusters : int
        How many different weights a convolution or dense layer may have; 0 leaves them free. It
        makes a smaller download, not a faster model.
    gate : float or None
        The largest drop that may pass, 0..1: see `edgefer.export.gate`. None asks no gate.
    gate_split : str
        Which faces are the gate.
    rung : str
        The one way in which int8 is made; empty: the first of `RUNGS` that passes the gate, or
        ``corrected`` where there is none (``int8`` with clusters).
    keep : tuple of str
        Layers that are left in float.
    per_channel_dense : bool
        Give every output of a dense layer a scale of its own, as convolutions always have. Without
        it the int8 model answers with the same bytes on x86-64 and on ARM.
    epochs, batch : int
        Passes over the training split for each of pruning, clustering and quantization-aware
        training; faces in a step.
    rate : float
        Highest learning rate of them; it falls to zero along a cosine.
    teacher : float
        Share of a face's target that the answer of the network before them makes up.
    precision : str
        Keras policy while pruning, or ``auto`` for the fastest that the machine trains well with.
        Clustering and quantization-aware training compute in float32.
    seed : int
        Start of every random choice.
    """

    int8: bool = False
    to: str = "tflite"
    macs: float = 0.0
    latency: float = 0.0
    rank: str = "taylor"
    multiple: int = 16
    sparsity: str = ""
    clusters: int = 0
    gate: float | None = None
    gate_split: str = "val"
    rung: str = ""
    keep: tuple[str, ...] = ()
    per_channel_dense: bool = False
    epochs: int = 12
    batch: int = 128
    rate: float = 1e-3
    teacher: float = 1.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("to", TARGETS),
            ("rank", RANKS),
            ("rung", ("", *RUNGS)),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in known:
                said = ", ".join(filter(None, known))
                raise EdgeferError(f"{name} {getattr(self, name)!r} is not one of {said}.")
        for name in ("macs", "latency"):
            if not 0 <= getattr(self, name) < 1:
                raise EdgeferError(
                    f"--{name} {getattr(self, name):g} is not a share from 0 to below 1."
                )
        if self.macs and self.latency:
            raise EdgeferError("--macs and --latency are two ways to say it: name one.")
        if self.sparsity and not 0 < self.share <= 0.95:
            raise EdgeferError(
                f"--sparsity {self.sparsity} is neither a share of the weights, above 0 and up to "
                f"0.95, nor {TWO_OF_FOUR}."
            )
        # int8 has no more than 255 different weights for an output.
        if self.clusters and not 2 <= self.clusters <= 255:
            raise EdgeferError(
                f"--clusters {self.clusters} is not a number of different weights from 2 to 255."
            )
        if self.gate is not None and not 0 < self.gate < 1:
            raise EdgeferError(
                f"--gate {self.gate:g} is not a share above 0 and below 1; .01 is a point."
            )
        if self.gate_split in ("train", "test"):
            why = "the network was trained on" if self.gate_split == "train" else "are reported"
            raise EdgeferError(
                f"--gate-split {self.gate_split} holds the faces that {why}: another split must "
                "be the gate, such as val."
            )
        if self.clusters and self.rung == "corrected":
            raise EdgeferError(
                "--rung corrected changes single weights, and --clusters wants few different "
                "ones: leave one out."
            )
        if self.keep and self.rung not in ("", "mixed"):
            raise EdgeferError(f"--keep-float is for --rung mixed, not for {self.rung}.")
        for name in ("multiple", "epochs", "batch", "rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected more than 0.")
        if not 0 <= self.teacher <= 1:
            raise EdgeferError(f"teacher {self.teacher:g} is not a share from 0 to 1.")

    @property
    def share(self) -> float:
        """Share of zeros that the sparsity stands for; NaN where it is none."""
        try:
            return 0.5 if self.sparsity == TWO_OF_FOUR else float(self.sparsity or 0)
        except ValueError:
            return float("nan")


@dataclass(frozen=True)
class StudyRecipe:
    """How the choice of calibration faces is studied.

    Attributes
    ----------
    seeds : int
        Calibrations of each kind and size.
    sizes : tuple of int
        Calibration faces in all.
    split : str
        Which faces judge; ``test``, or ``val`` where there is none, if left empty.
    seed : int
        The first of the seeds.
    """

    seeds: int = 10
    sizes: tuple[int, ...] = (10, 40, 100, 400)
    split: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 2 <= self.seeds <= 20:
            raise EdgeferError(f"--seeds {self.seeds} is not from 2 to 20.")
        if not self.sizes or min(self.sizes) < 1 or len(set(self.sizes)) < len(self.sizes):
            raise EdgeferError(
                f"--sizes {','.join(map(str, self.sizes))} are not different numbers above zero."
            )
