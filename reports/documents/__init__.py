"""Read and write results.json and the other files of a run: types, versions, names, outcomes."""
