"""From a trained bundle to one that holds float and int8 TFLite models."""
