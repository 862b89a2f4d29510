"""Define backends: the runtime, API, kernels and accelerator that execute a FlatBuffer.

Each module of this folder is one backend: one subclass of `models.backends.common.backend.Backend`,
which says what it needs, why it is absent, what it accelerates and which versions it counts as.
`models.backends.common.registry` finds it by its name. All of this is sent to the target with the
runner, and runs on Python 3.8 with numpy and one runtime.
"""
