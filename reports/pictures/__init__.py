"""Draw the pictures of a run from results.json alone: SVG, readable in light and dark."""
