"""A bundle's model on a runtime: patches in, probabilities out."""

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import BundleError

from .backends import open_backend


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
        """Load a model after its hash was compared.

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
            If no runtime is installed, or it cannot run the model.
        """
        self.labels, self.size, self.role = bundle.labels, bundle.size, role
        self._backend = open_backend(backend, bundle.read(role), threads=threads)
        found = (self._backend.size, self._backend.classes)
        if found != (self.size, len(self.labels)):
            raise BundleError(
                f"the {role} model of {bundle.folder} takes {found[0]}-pixel patches and tells "
                f"{found[1]} emotions apart; the bundle says {self.size} pixels and "
                f"{len(self.labels)}: {', '.join(self.labels.names)}. Export it again."
            )

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
