"""Read, fine-tune and convert Hugging Face text classifiers, and compare them with PyTorch.

`checkpoint`, `labels` and `fitting` only read files. The other modules import PyTorch, and only the
builder's process imports them.
"""
