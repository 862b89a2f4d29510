"""Write a run out as text: for a terminal, as Markdown, and for GitHub Actions."""
