"""Builders of guise's own models: `python -m guise.train head | skin | light`.

Each reads published data that may be used and passed on (CC0 or MIT; the model's card names it) and
writes one safetensors file that the engine alone reads at run time.
"""
