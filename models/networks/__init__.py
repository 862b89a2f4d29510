"""Compute BERT and MobileBERT on `keras.ops` alone, with the names of published parameters."""
