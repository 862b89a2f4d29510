"""Name the files of artefacts, and the keys of their cards."""

from __future__ import annotations

# Members of a model's artefact, and of a variant's.
WEIGHTS = "weights.safetensors"
LOGITS = "logits.npz"
MODEL_CARD = "model.json"
FLATBUFFER = "model.tflite"
VARIANT_CARD = "variant.json"
# In the card of a variant that the converter could not make: its reason.
REFUSED = "refused"
# In the card of a model that a fine-tuned checkpoint began: the head that it does without.
LEFT_OUT = "head_left_out"

# Members of the comparison of a float32 FlatBuffer with PyTorch: what came of it, and the rows that
# PyTorch answered without padding and at full length.
PARITY_CARD = "parity.json"
PARITY_ROWS = "parity.npz"
# In that card: why nothing is quantized, and the first operator that departs.
DEPARTS = "departs"
