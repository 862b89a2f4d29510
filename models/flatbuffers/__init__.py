"""Convert, inspect and edit FlatBuffers, and define quantization schemes."""
