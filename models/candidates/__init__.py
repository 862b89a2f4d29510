"""Describe the system under test: an existing FlatBuffer with its inputs, output and labels.

| module | content |
|---|---|
| `spec` | the description of a candidate: frozen values, and how each was found |
| `declaration` | a user's declarations: the grammar of the TOML file and of the options |
| `roles` | the roles of the inputs: ids, mask, segments |
| `meaning` | the meaning of the output: logits, probabilities, one sigmoid |
| `candidate` | the combination of these for one file: `read_candidate` |
| `binding` | the binding that is sent to a runner |
| `scores` | the conversion of raw outputs into labels and probabilities |
| `given`, `handed`, `given_candidate`, `own_keys` | a user's files, from options or a TOML file |
| `texts`, `labels`, `tokenizer_of`, `unknown_words` | labelled texts, and their tokenization |
| `subject`, `artefacts` | facts of the judged candidates, and their stored files |
| `recorded`, `parity`, `golden` | answers and token ids of an app; vectors for its unit test |
| `reference_answers`, `onnx_reference` | references that are not FlatBuffers |
| `warnings` | warnings about a candidate that is judged nevertheless |
| `describe` | the properties of a file, and a TOML file to start from |

`python -m models.candidates describe FILE` prints the result of `describe`.

Nothing is guessed silently. Properties that are certain are read from the file, and the spec
records how each was found. If a property is uncertain, an error asks the user to declare it, and
contains the lines to write. Declarations are checked against the file.
"""
