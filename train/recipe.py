"""Every choice of a training, as plain data that goes along in the bundle."""

from dataclasses import dataclass

from edgefer.errors import EdgeferError

NETWORK = ("backbone", "width", "dropout")  # what a network is built by, and transfer keeps
SCHEDULES = ("cosine", "plateau")
POLICIES = ("auto", "float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class TrainRecipe:
    """How a network is trained.

    Attributes
    ----------
    backbone : str
        A name of the table in `edgefer.train.backbones`, or ``package.module:function``.
    width : int
        Filters of the first stage; every later stage has twice as many as the one before.
    dropout : float
        Share of the pooled features that is dropped before the last layer.
    epochs, batch : int
        Passes over the training split; faces in a step.
    rate, weight_decay : float
        Highest learning rate of AdamW, and its decoupled weight decay.
    schedule : str
        ``cosine`` after a linear warm-up, or ``plateau``, which halves the rate when the validation
        loss has not fallen for a third of the patience.
    warmup : int
        Epochs over which the rate rises; cosine only.
    patience : int
        Epochs without a better validation accuracy after which training stops; 0 never stops early.
    balance : float
        0 counts every face alike, 1 every emotion alike; between them, a weight of
        (mean count / count) ** balance per face.
    votes : float
        Share of a face's target that its annotators' votes make up, where it has votes.
    smoothing : float
        Label smoothing.
    flip : bool
        Mirror half of the faces.
    rotate : float
        Largest rotation, in degrees.
    shift, zoom : float
        Largest shift and change of scale, as shares of the side.
    light : float
        Largest change of contrast and of brightness, as a share of the range.
    frozen : int
        Stages whose weights stay as they are; transfer only.
    precision : str
        Keras policy, or ``auto`` for the fastest that the machine trains well with.
    seed : int
        Start of every random choice.
    """

    backbone: str = "vgg"
    width: int = 32
    dropout: float = 0.4
    epochs: int = 60
    batch: int = 128
    rate: float = 2e-3
    weight_decay: float = 0.02
    schedule: str = "cosine"
    warmup: int = 3
    patience: int = 15
    balance: float = 0.25
    votes: float = 0.4
    smoothing: float = 0.0
    flip: bool = True
    rotate: float = 8.0
    shift: float = 0.1
    zoom: float = 0.1
    light: float = 0.15
    frozen: int = 0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise EdgeferError(f"schedule {self.schedule!r} is not one of {', '.join(SCHEDULES)}.")
        if self.precision not in POLICIES:
            raise EdgeferError(f"precision {self.precision!r} is not one of {', '.join(POLICIES)}.")
        for name in ("epochs", "batch", "width", "rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected more than 0.")
        for name in ("dropout", "votes", "smoothing", "shift", "zoom", "light"):
            if not 0 <= getattr(self, name) < 1:
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected 0 to below 1.")
        for name in ("warmup", "patience", "balance", "rotate", "weight_decay", "frozen", "seed"):
            if not 0 <= getattr(self, name) < 2**31:
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected 0 or more.")
        for name, most in (("rotate", 180), ("balance", 1)):
            if getattr(self, name) > most:
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected {most} at most.")
