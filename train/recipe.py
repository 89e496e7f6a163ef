"""Every choice of a training, as plain data that goes along in the bundle."""

from dataclasses import dataclass

from edgefer.errors import EdgeferError

NETWORK = ("backbone", "width", "depth", "dropout")  # what a network is built by; transfer keeps it
OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "plateau")
POLICIES = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
BALANCES = ("weights", "sampler", "both")


@dataclass(frozen=True)
class TrainRecipe:
    """How a network is trained.

    Attributes
    ----------
    backbone : str
        A name of the table in `edgefer.train.backbones`, or ``package.module:function``.
    width : int or None
        Filters of the first stage; None: the network's own choice, as for the next two.
    depth : int or None
        Convolutions in all.
    dropout : float or None
        Share of the features that is dropped before the last layer.
    epochs, batch : int
        Passes over the training split; faces in a step.
    optimizer : str
        ``adamw`` (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019), which is
        Adam at a weight decay of 0; or ``sgd`` with Nesterov's momentum of .9.
    rate, weight_decay : float
        Highest learning rate; decoupled weight decay.
    schedule : str
        ``cosine`` after a linear warm-up, or ``plateau``.
    warmup : int
        Epochs over which the rate rises; cosine only.
    lower, lower_after : float, int
        Plateau only: the rate is multiplied by this when the validation loss has not fallen for so
        many epochs.
    patience : int
        Epochs without a better validation accuracy after which training stops; 0 never stops early.
    average : float
        Decay of an exponential moving average of the weights, a step: what is validated and kept.
        0 keeps the weights themselves.
    balance : float
        0 counts every face alike, 1 every emotion alike; between them, a weight of
        (mean count / count) ** balance per face.
    balance_by : str
        ``weights`` in the loss, a ``sampler`` that shows rare emotions more often, or ``both``.
    votes : float
        Share of a face's target that its annotators' votes make up, where it has votes.
    translate : bool
        Take votes for what they tell of the label (see `edgefer.train.targets`); else as they are.
    smoothing : float
        Label smoothing.
    focal : float
        How far the loss leaves out what is answered well already: gamma of Lin et al., "Focal Loss
        for Dense Object Detection", 2017; 0 is cross-entropy.
    flip : bool
        Mirror half of the faces.
    rotate : float
        Largest rotation, in degrees.
    shear : float
        Largest shear.
    shift, zoom : float
        Largest shift and change of scale, as shares of the side.
    light : float
        Largest change of contrast and of brightness, as a share of the range.
    noise : float
        Largest standard deviation of the noise, in grey values; the contrast is then stretched.
    erase : float
        Share of the faces in which a rectangle is erased.
    mixup, cutmix : float
        Parameter of the beta distribution by which two faces are blended, or cut together.
    frozen : int
        Transfer only, as the next four: stages whose weights stay as they are.
    head : int
        Epochs at the beginning in which only the last layers learn.
    thaw : int
        Epochs after which one more stage joins in, from the last to the first; 0: all at once.
    fade : float
        Factor on the learning rate from each stage to the one before it: early layers, which see
        edges on every face, learn more slowly. Howard and Ruder, "Universal Language Model
        Fine-tuning for Text Classification", ACL 2018, for this and the two above.
    replay : float
        Faces of the base that are mixed in against forgetting, as a share of the new ones.
    taught : float
        Distillation only, as the next one: share of a face's target that is the teachers' answer.
    temperature : float
        How far that answer is softened: Hinton et al., "Distilling the Knowledge in a Neural
        Network", 2015.
    precision : str
        Keras policy, or ``auto`` for the fastest that the machine trains well with.
    seed : int
        Start of every random choice.
    """

    backbone: str = "vgg"
    width: int | None = None
    depth: int | None = None
    dropout: float | None = None
    epochs: int = 60
    batch: int = 128
    optimizer: str = "adamw"
    rate: float = 2e-3
    weight_decay: float = 0.02
    schedule: str = "cosine"
    warmup: int = 3
    lower: float = 0.5
    lower_after: int = 5
    patience: int = 15
    average: float = 0.0
    balance: float = 0.25
    balance_by: str = "weights"
    votes: float = 0.4
    translate: bool = True
    smoothing: float = 0.0
    focal: float = 0.0
    flip: bool = True
    rotate: float = 8.0
    shear: float = 0.0
    shift: float = 0.1
    zoom: float = 0.1
    light: float = 0.15
    noise: float = 0.0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    frozen: int = 0
    head: int = 0
    thaw: int = 0
    fade: float = 1.0
    replay: float = 0.0
    taught: float = 0.0
    temperature: float = 1.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("precision", POLICIES),
            ("balance_by", BALANCES),
        ):
            if getattr(self, name) not in known:
                raise EdgeferError(
                    f"{name} {getattr(self, name)!r} is not one of {', '.join(known)}."
                )
        for name in (
            "epochs",
            "batch",
            "width",
            "depth",
            "rate",
            "lower",
            "lower_after",
            "fade",
            "temperature",
        ):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise EdgeferError(f"{name} is {value:g}, expected more than 0.")
        for name in ("dropout", "votes", "smoothing", "shift", "zoom", "light", "average"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise EdgeferError(f"{name} is {value:g}, expected 0 to below 1.")
        for name in (
            *("warmup", "patience", "weight_decay", "frozen", "seed", "balance", "focal"),
            *("rotate", "shear", "noise", "erase", "mixup", "cutmix"),
            *("head", "thaw", "replay", "taught"),
        ):
            if not 0 <= getattr(self, name) < 2**31:
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected 0 or more.")
        for name, most in (
            *(("rotate", 180), ("shear", 1), ("noise", 100), ("lower", 1)),
            *(("balance", 1), ("erase", 1), ("mixup", 10), ("cutmix", 10), ("focal", 10)),
            *(("fade", 1), ("replay", 10), ("taught", 1), ("temperature", 100)),
        ):
            if getattr(self, name) > most:
                raise EdgeferError(f"{name} is {getattr(self, name):g}, expected {most} at most.")
