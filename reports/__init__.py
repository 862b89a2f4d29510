"""Reports: results.json and everything that is drawn from it."""
