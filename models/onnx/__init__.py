"""ONNX files, which are no candidates: what others are compared with.

| module | what |
|---|---|
| `reading` | inputs, outputs and operators of a file, without onnxruntime |
| `weights` | the files beside it that hold its weights |
| `asking` | starts the program that answers, within limits |
| `answering` | that program: imports onnxruntime, in a process of its own |
"""
