"""Describe the system under test: a given FlatBuffer with its inputs, output and labels.

| module | what |
|---|---|
| `spec` | what is known of a candidate: frozen values, and how each was found |
| `declaration` | what a user says of one: the grammar of the TOML, and of the options |
| `roles` | which input takes ids, mask and segments |
| `meaning` | what the output stands for: logits, probabilities, one sigmoid |
| `candidate` | puts these together for one file: `read_candidate` |
| `binding` | what a runner is told of a candidate |
| `scores` | turns what a runtime answers into labels and probabilities |
| `given`, `handed`, `given_candidate`, `own_keys` | what a user hands in, by options or TOML |
| `texts`, `labels`, `tokenizer_of`, `unknown_words` | labelled texts, and how they become ids |
| `subject`, `artefacts` | what a run knows of its candidates, and where their files are kept |
| `recorded`, `parity`, `golden` | answers and ids of an app; the vectors that its tests compare |
| `reference_answers`, `onnx_reference` | references that are no FlatBuffers |
| `warnings` | what a user has to know of a candidate that is judged all the same |
| `describe` | what was found, and the TOML to start from |

`python -m models.candidates describe FILE` prints what `describe` says.

Nothing is guessed silently. What is certain is found, and the spec says how; what is not ends in
one message with the lines to write; what is declared is checked against the file.
"""
