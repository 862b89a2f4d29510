"""Fine-tune networks. Imports TensorFlow; only the builder imports this package."""
