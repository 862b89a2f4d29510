"""The pictures of a run: SVG, drawn from results.json alone, readable in light and dark."""
