"""Read and run ONNX files, which serve as references and are not judged.

| module | content |
|---|---|
| `reading` | inputs, outputs and operators of a file, without onnxruntime |
| `weights` | the files beside an ONNX file that hold its weights |
| `asking` | starts the program that answers, within limits |
| `answering` | that program: imports onnxruntime, in a process of its own |
"""
