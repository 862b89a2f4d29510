"""Check the source of a subject's texts, and hash it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from models.corpus.replab_layout import KEY, check_package, package_files
from models.errors import UsageMistake
from models.files.regular_files import kind_of, open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from models.subjects import Subject


def check_corpus(subject: Subject, path: Path | None) -> None:
    """Check that a corpus path is given if, and only if, the subject needs one; read no file.

    Raises:
        UsageMistake: the path is missing or superfluous, or is neither a file nor the RepLab
            package that the subject needs.
    """
    source = subject.corpus.source
    if source == "generated":
        if path is not None:
            raise UsageMistake(
                f"subject {subject.name!r} generates its texts, so {path} has no effect",
                key=KEY,
                remedy="Remove the option, or choose a subject with another corpus.source",
            )
    elif path is None:
        form = "RepLab 2013 package" if source == "replab" else "CSV, TSV or JSON lines file"
        raise UsageMistake(
            f"subject {subject.name!r} needs your labelled texts",
            key=KEY,
            remedy=f"Give the path of your {form}",
        )
    elif source == "replab":
        check_package(path)
    elif not path.exists():
        raise UsageMistake("no such file", file=path, key=KEY, remedy="Check the path")
    elif not path.is_file():
        problem = f"is {kind_of(path.stat().st_mode)}, not a file"
        raise UsageMistake(problem, file=path, key=KEY, remedy="Give one file, plain or zipped")


def hash_corpus(path: Path) -> str:
    """Return the sha256 of a file, or of all files of the RepLab package that a corpus reads.

    The hash depends neither on the path of the package nor on other files in it.
    """
    if path.is_file():
        return _sha256(path)
    members = (
        f"{file.relative_to(path).as_posix()}\t{_sha256(file)}\n" for file in package_files(path)
    )
    return hashlib.sha256("".join(members).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
