"""Read, fine-tune and convert Hugging Face text classifiers, and compare them with PyTorch.

`families`, `checkpoint` and `labels` read files alone. The other modules import PyTorch and are
imported by the builder's process alone.
"""
