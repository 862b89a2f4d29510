"""Define backends: the runtime, API, kernels and accelerator that execute a FlatBuffer.

Each module of this folder defines one backend: a subclass of
`models.backends.common.backend.Backend`, with its requirements, the reason why it is absent, its
accelerator, and the TFLite version that it corresponds to. `models.backends.common.registry` finds
it by its name. These modules are sent to the target with the runner, and run on Python 3.8 with
numpy and one runtime.
"""
