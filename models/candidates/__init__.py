"""The system under test: a FlatBuffer that somebody made, its inputs, its output, its labels.

| module | what |
|---|---|
| `spec` | what is known of a candidate: frozen values, and how each was found |
| `declaration` | what a user says of one: the grammar of the TOML, and of the options |
| `roles` | which input takes ids, mask and segments |
| `meaning` | what the output stands for: logits, probabilities, one sigmoid |
| `candidate` | puts these together for one file: `read_candidate` |
| `scores` | turns what a runtime answers into labels and probabilities |
| `describe` | what was found, and the TOML to start from |

`python -m models.candidates describe FILE` prints what `describe` says.

Nothing is guessed silently. What is certain is found, and the spec says how; what is not ends in
one message with the lines to write; what is declared is checked against the file.
"""
