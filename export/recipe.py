"""Every choice of an export, as plain data that goes along in the bundle."""

from dataclasses import dataclass

from edgefer.errors import EdgeferError

WAYS = ("balanced", "random", "spread")
RANKS = ("taylor", "norm", "l1")
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class ExportRecipe:
    """How a trained network becomes models for a device.

    Attributes
    ----------
    int8 : bool
        Quantize to integers; needs calibration faces.
    per_channel_dense : bool
        Give every output of a dense layer a scale of its own, as convolutions always have. Without
        it the int8 model answers with the same bytes on x86-64 and on ARM.
    prune : float
        Share of the weights of every convolution and dense layer to set to zero; 0 prunes nothing.
        It makes a smaller download, not a faster model.
    macs : float
        Share of the multiplications that a thinner network may keep; 0 cuts no channels.
    latency : float
        Share of the time that a thinner network may take, in place of ``macs``.
    rank : str
        How channels are compared: see `edgefer.export.rank`.
    multiple : int
        What the widths of a thinner network stay a multiple of.
    epochs, batch : int
        Passes over the training split while pruning; faces in a step.
    rate : float
        Highest learning rate while pruning; it falls to zero along a cosine.
    teacher : float
        Share of a face's target that the answer of the network before pruning makes up.
    precision : str
        Keras policy while pruning, or ``auto`` for the fastest that the machine trains well with.
    seed : int
        Start of every random choice.
    """

    int8: bool = False
    per_channel_dense: bool = False
    prune: float = 0.0
    macs: float = 0.0
    latency: float = 0.0
    rank: str = "taylor"
    multiple: int = 16
    epochs: int = 4
    batch: int = 128
    rate: float = 5e-4
    teacher: float = 0.5
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.prune <= 0.95:
            raise EdgeferError(
                f"--prune {self.prune:g} is not a share of the weights from 0 to 0.95."
            )
        for name in ("macs", "latency"):
            if not 0 <= getattr(self, name) < 1:
                raise EdgeferError(
                    f"--{name} {getattr(self, name):g} is not a share from 0 to below 1."
                )
        if self.macs and self.latency:
            raise EdgeferError("--macs and --latency are two ways to say it: name one.")
        if self.rank not in RANKS:
            raise EdgeferError(f"rank {self.rank!r} is not one of {', '.join(RANKS)}.")
        for name in ("multiple", "epochs", "batch", "rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected more than 0.")
        if not 0 <= self.teacher <= 1:
            raise EdgeferError(f"teacher {self.teacher:g} is not a share from 0 to 1.")
        if self.precision not in PRECISIONS:
            raise EdgeferError(
                f"precision {self.precision!r} is not one of {', '.join(PRECISIONS)}."
            )


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
