"""Name the files of artefacts, and the keys of their cards."""

from __future__ import annotations

WEIGHTS = "weights.safetensors"
LOGITS = "logits.npz"
MODEL_CARD = "model.json"
FLATBUFFER = "model.tflite"
VARIANT_CARD = "variant.json"
# Key in the card of a variant that the converter could not make; the value is the reason.
REFUSED = "refused"
# Key in the card of a model trained from a fine-tuned checkpoint: the checkpoint's head, which the
# model does not use.
LEFT_OUT = "head_left_out"

# Members of the artefact that compares a float32 FlatBuffer with PyTorch: the result, and the rows
# that PyTorch classified without padding and at full length.
PARITY_CARD = "parity.json"
PARITY_ROWS = "parity.npz"
# Key in PARITY_CARD: the form of rows and the first operator with which the float32 file deviates
# from PyTorch, so that it is not quantized; null if it agrees.
DEPARTS = "departs"
