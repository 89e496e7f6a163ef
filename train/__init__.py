"""From photographs to a face set, and from a face set to a trained Keras bundle."""
