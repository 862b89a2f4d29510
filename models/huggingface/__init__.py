"""Hugging Face text classifiers: read, fine-tuned, converted and compared with PyTorch.

`families`, `checkpoint` and `labels` read files alone. The other modules import PyTorch and are
imported by the builder's process alone.
"""
