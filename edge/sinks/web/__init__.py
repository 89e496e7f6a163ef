"""A page to watch a run from a phone."""
