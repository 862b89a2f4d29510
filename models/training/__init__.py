"""Fine-tuning. Imports TensorFlow: only the builder comes here."""
