"""Train facial expression recognition, quantize it, and run it on small devices."""

__version__ = "0.1.0"
