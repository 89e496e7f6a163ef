"""A bundle's model on a runtime: patches in, probabilities out."""

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import BackendError, BundleError
from edgefer.golden import Golden
from edgefer.runtimes import Runtimes
from edgefer.untrusted import shown

from .backends import BACKENDS, installed, open_backend
from .machine import runtime


class Classifier:
    """One model of a bundle, ready to answer.

    Attributes
    ----------
    labels : Labels
        What the answers count in.
    size : int
        Side of the patches it takes, in pixels.
    role : str
        ``int8`` or ``float``.
    """

    def __init__(
        self, bundle: Bundle, role: str = "int8", *, backend: str = "auto", threads: int = 1
    ) -> None:
        """Load a model after its hash was compared, and see that this runtime computes it rightly.

        The bundle's golden patches are asked about at every start: that takes as long as eight
        faces, 4 ms for the packaged int8 model on a workstation and 13 ms for its float.

        Parameters
        ----------
        bundle : Bundle
        role : str
            Which of its models: ``int8`` or ``float``.
        backend : str
            ``auto``, ``litert``, ``tflite-runtime``, ``builtin``, or ``package.module:attribute``.
        threads : int
            How many the runtime may use.

        Raises
        ------
        BundleError
            If the bundle has no such model, it was changed, or it does not fit the bundle's labels
            and patch size.
        BackendError
            If no runtime is installed, it cannot run the model, the model failed on it when it was
            exported, or it answers otherwise than it should.
        """
        if backend == "auto":
            backend = installed()
        tried = Runtimes.load(bundle)
        _refuse_failed(bundle, tried, role, backend)
        self.labels, self.size, self.role = bundle.labels, bundle.size, role
        self._backend = open_backend(backend, bundle.read(role), threads=threads)
        found = (self._backend.size, self._backend.classes)
        if found != (self.size, len(self.labels)):
            raise BundleError(
                f"the {role} model of {bundle.folder} takes {found[0]}-pixel patches and tells "
                f"{found[1]} emotions apart; the bundle says {self.size} pixels and "
                f"{len(self.labels)}: {', '.join(self.labels.names)}. Export it again."
            )

        _refuse_wrong(bundle, tried, backend, self)

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (N, K), of patches, uint8 (N, S, S)."""
        if patches.dtype != np.uint8 or patches.shape[1:] != (self.size, self.size):
            raise ValueError(
                f"patches are {patches.dtype} {patches.shape}, "
                f"expected uint8 (N, {self.size}, {self.size})"
            )
        if not len(patches):
            return np.zeros((0, len(self.labels)), np.float32)
        return self._backend(patches)


def _refuse_failed(bundle: Bundle, tried: Runtimes, role: str, backend: str) -> None:
    """Refuse a runtime on which this model was tried, and failed."""
    trial = tried.failed(role, backend)
    if trial is not None:
        number = f" {shown(trial.version)}" if trial.version else ""
        raise BackendError(
            f"the {role} model of {bundle.typed} failed on {backend}{number} when it was exported: "
            f"{shown(trial.reason)}. Try {_other(tried, role, backend)}export the bundle again."
        )


def _refuse_wrong(bundle: Bundle, tried: Runtimes, backend: str, classifier: Classifier) -> None:
    """Refuse a runtime that answers the golden patches otherwise than the model should."""
    golden, role = Golden.load(bundle), classifier.role
    if golden is None or role not in golden.answers:
        return
    # One by one: eight patches of a large model would fill a small board's memory.
    answers = np.concatenate([classifier(patch[None]) for patch in golden.patches])
    problem = golden.check(answers, role, backend)
    if problem:
        raise BackendError(
            f"{runtime(backend)} computes the {role} model of {bundle.typed} wrongly: {problem}. "
            f"Try {_other(tried, role, backend)}install another version of the runtime."
        )


def _other(tried: Runtimes, role: str, backend: str) -> str:
    """Backends on which a model passed, to be tried; nothing if there are none."""
    others = [name for name in tried.passed(role) if name in BACKENDS and name != backend]
    return "".join(f"--backend {name}, " for name in others) + ("or " if others else "")
