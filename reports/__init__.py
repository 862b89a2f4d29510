"""Write reports: results.json, and everything that is drawn from this file."""
