"""Install packages with pip, and compile them on another core meanwhile.

`python installing.py ARGUMENTS` does the same as `python -m pip install ARGUMENTS`, but sooner. pip
unpacks and compiles on one core, and compiling TensorFlow and its requirements takes as long as
unpacking them. With PIP_COMPILE=0, pip's own variable, nothing is compiled. This file needs only
the standard library and the pip of the Python that runs it.
"""

from __future__ import annotations

import contextlib
import os
import py_compile
import subprocess
import sys
import sysconfig
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.3
_FILES_AT_ONCE = 32
# Values with which pip's variables turn an option off.
_OFF = {"0", "false", "f", "no", "n", "off"}


class Compiler:
    """Compiles each distribution in a folder once, as soon as pip has unpacked it.

    Tests of the packages are left out: Python compiles a module that is not compiled when it is
    imported.

    Args:
        folder: the folder of the packages; those that it contains already are not compiled.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = self._complete()

    def compile_new(self) -> None:
        """Compile the distributions that pip has unpacked since the last call, on one core."""
        for file in self._new():
            _compile(file)

    def compile_rest(self) -> None:
        """Compile the distributions that pip has unpacked since the last call, on all cores."""
        with ProcessPoolExecutor() as processes:
            list(processes.map(_compile, self._new(), chunksize=_FILES_AT_ONCE))

    def _new(self) -> list[str]:
        """Return the modules of the distributions that pip has unpacked since the last call."""
        new = self._complete() - self._done
        self._done |= new
        return [
            str(file.locate())
            for described in sorted(new)
            for file in metadata.PathDistribution(described).files or ()
            if file.suffix == ".py" and "tests" not in file.parts
        ]

    def _complete(self) -> set[Path]:
        """Return the .dist-info folders of complete distributions.

        pip writes INSTALLER after all files of the distribution. A file that is read while pip
        writes it would be compiled in part.
        """
        return {file.parent for file in self._folder.glob("*.dist-info/INSTALLER")}


def _compile(file: str) -> None:
    """Compile a file; ignore one that is not valid for this Python, such as a template."""
    with contextlib.suppress(py_compile.PyCompileError, OSError, ValueError):
        py_compile.compile(file, doraise=True, quiet=2)


def main(arguments: list[str]) -> int:
    """Run pip with the arguments, and compile what it installs; return pip's exit code."""
    warnings.simplefilter("ignore")
    command = [sys.executable, "-I", "-m", "pip", "install", "--no-compile", *arguments]
    if os.environ.get("PIP_COMPILE", "").lower() in _OFF:
        return subprocess.run(command, check=False).returncode
    compiler = Compiler(Path(sysconfig.get_path("purelib")))
    with subprocess.Popen(command) as pip:
        while True:
            try:
                code = pip.wait(_SECONDS_BETWEEN_LOOKS)
            except subprocess.TimeoutExpired:
                compiler.compile_new()
            else:
                compiler.compile_rest()
                return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
