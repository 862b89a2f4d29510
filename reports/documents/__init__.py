"""Read and write results.json, and what else a run leaves: types, versions, names, outcomes."""
