"""From a Keras network to the two TFLite models of a bundle."""

from typing import Any

import numpy as np

from edgefer.errors import BundleError
from edgefer.keras import tf
from edgefer.progress import hushed

from .calibration import representative


def to_float(model: Any) -> bytes:
    """The float TFLite model of a network.

    Parameters
    ----------
    model : keras.Model
        Takes float32 (N, S, S, 1), 0..255. A ``Rescaling`` at its beginning and every normalization
        are folded by the converter into the weights of the convolution beside them.

    Returns
    -------
    bytes
        Takes float32 (1, S, S, 1), 0..255, gives float32 (1, K); equal bytes for an equal network.

    Raises
    ------
    BundleError
        If the network holds what TFLite does not have.
    """
    return run_converter(converter_of(model))


def to_int8(model: Any, patches: np.ndarray, *, per_channel_dense: bool = False) -> bytes:
    """The full-integer TFLite model of a network.

    Parameters
    ----------
    model : keras.Model
        As for `to_float`.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces: they tell the range of every number in the network.
    per_channel_dense : bool
        Give every output of a dense layer a scale of its own. Costs portability: such a model's
        answers differ by a step between x86-64 and ARM, without it they are the same bytes.

    Returns
    -------
    bytes
        Takes uint8 (1, S, S, 1) with scale 1 and zero point 0: the patch itself. Gives uint8 (1, K)
        with scale 1/256.

    Raises
    ------
    BundleError
        If the network holds what TFLite does not have in integers.
    """
    converter = converter_of(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: representative(patches)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    # Both kinds load in tflite-runtime 2.14, and cost the same: on FER2013's PublicTest int8 is .03
    # points above float with one scale for the layer, .06 with one for each output.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = (
        not per_channel_dense
    )
    return run_converter(converter)


def to_int8_as_trained(model: Any) -> bytes:
    """The full-integer TFLite model of a network with fake quantization: it has its own ranges.

    Parameters
    ----------
    model : keras.Model
        Fake quantization stands at every place where int8 rounds; the input's range is 0..255.

    Returns
    -------
    bytes
        As of `to_int8`.

    Raises
    ------
    BundleError
        If the network holds what TFLite does not have in integers.
    """
    converter = converter_of(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    return run_converter(converter)


def to_float16(model: Any) -> bytes:
    """The float model with weights of 16 bits: half the download, the speed of float."""
    converter = converter_of(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return run_converter(converter)


def to_dynamic(model: Any) -> bytes:
    """Weights of 8 bits, numbers between the layers in float: no calibration faces are needed."""
    converter = converter_of(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # Else its dense layer is of a version that tflite-runtime 2.14 does not know.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return run_converter(converter)


def converter_of(model: Any) -> Any:
    """A converter for one face at a time; runtimes make room for more by resize_tensor_input."""
    shape = (1, *model.input_shape[1:])
    # Its variables alone: of a Keras model the converter traces and saves every layer by itself
    # before it begins, for the same bytes in four times the time.
    holder = tf.Module()
    holder.held = model.variables
    call = tf.function(
        lambda faces: model(faces, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32, name="faces")],
    )
    return tf.lite.TFLiteConverter.from_concrete_functions([call.get_concrete_function()], holder)


def run_converter(converter: Any) -> bytes:
    """The TFLite file that a converter gives, in silence.

    Raises
    ------
    BundleError
        If the network holds what TFLite does not have.
    """
    from tensorflow.lite.python.convert_phase import ConverterError  # noqa: TID251

    try:
        # The converter says ``fully_quantize: 0`` of every model, a fully quantized one too, and
        # warns that it has no statistics for inputs that it is about to measure.
        with hushed():
            return bytes(converter.convert())
    except (ConverterError, RuntimeError, ValueError) as error:
        raise BundleError(
            "the converter cannot express this network in TFLite: "
            f"{' '.join(str(error).split())[:400]}"
        ) from error
