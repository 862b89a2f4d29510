"""Unpack Debian packages of any architecture as an ordinary user.

apt runs with its state in a private folder: the machine's own packages, lists and caches are
neither read nor written. Only mirrors and proxies are taken from the machine's settings.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import EdgeproofError
from models.processes.programs import PIECE, run, start, wait

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NEEDED = ("apt-get", "apt-config", "dpkg", "dpkg-deb", "tar")
ELSEWHERE = (
    "Run on Debian (for example in the container image debian:12), or give a "
    "board's address with --edge-target ssh://user@host"
)
_TARGETS = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
# Prefixes of this machine's settings of apt that are kept, because a mirror may be reachable only
# with them. `PrivateApt` makes all other settings.
_INHERITED = ("Acquire::http", "Acquire::Force", "Acquire::Check-", "Acquire::Retries")
_LAST_LINES = 4
# Largest package in bytes. The largest that is needed, the C library, has 20 MB; Debian's largest
# has 4 GB.
_LARGEST_PACKAGE = 1 << 30
_CHECK = "Check the network and the sources in /etc/apt, and run again"
# Seconds to download some hundred packages over a slow network.
_SECONDS = 1800.0
_SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Mirrors:
    """The Debian mirrors of this machine.

    Attributes:
        main: address of the archive.
        security: address of the security archive, None if the sources name none.
    """

    main: str
    security: str | None

    def sources(self, codename: str) -> str:
        """Return apt's list of a Debian release, its updates and its backports."""
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        suites = [codename, f"{codename}-updates", f"{codename}-backports"]
        lines = [f"deb {signed}{self.main} {suite} main" for suite in suites]
        if self.security:
            lines.append(f"deb {signed}{self.security} {codename}-security main")
        return "\n".join(lines) + "\n"


def why_unavailable() -> str | None:
    """Return why Debian's packages are unavailable here; None if they are available."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"the program {missing[0]} is not installed"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "the operating system cannot be identified"
    if release.get("ID") != "debian":
        return f"this is {release.get('PRETTY_NAME', 'not Debian')}, whose mirrors are not Debian's"
    return None


def find_mirrors() -> Mirrors:
    """Return the mirrors in this machine's own sources.

    Raises:
        EdgeproofError: this machine does not run Debian, or its sources name no archive.
    """
    reason = why_unavailable()
    if reason is not None:
        raise EdgeproofError(f"emulation needs Debian's packages: {reason}", remedy=ELSEWHERE)
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    command = ["apt-get", "indextargets", "--no-release-info", "--format", _TARGETS]
    return choose_mirrors(_run([*command, "Created-By: Packages"]), codename)


def choose_mirrors(targets: str, codename: str) -> Mirrors:
    """Choose the mirrors from lines "address suite component" of `apt-get indextargets`.

    Raises:
        EdgeproofError: none of them is the archive of this release.
    """
    suites = {codename, "stable", "testing", "unstable", "sid"}
    main = security = None
    for line in targets.splitlines():
        address, suite, component = line.split(maxsplit=2)
        if component != "main":
            continue
        if suite in suites:
            main = main or address
        elif suite.endswith("-security"):
            security = security or address
    if main is None:
        raise EdgeproofError(
            f"no source of apt offers Debian's {codename or 'packages'}",
            file="/etc/apt",
            remedy="Add a Debian mirror to apt's sources, or give a board's address with "
            "--edge-target",
        )
    return Mirrors(main, security)


class PrivateApt:
    """An apt with its state in a folder of its own.

    Args:
        folder: folder of lists and packages, which is created.
        architecture: Debian's name of the architecture, such as arm64.
        sources: apt's list of sources.
    """

    def __init__(self, folder: Path, architecture: str, sources: str) -> None:
        self._packages = folder / "cache" / "archives"
        self._lists = folder / "state" / "lists"
        for place in ("etc/parts", "state/lists/partial", "cache/archives/partial"):
            (folder / place).mkdir(parents=True)
        (folder / "state" / "status").touch()
        (folder / "etc" / "sources.list").write_text(sources, encoding="utf-8")
        settings = {
            "APT::Architecture": architecture,
            "APT::Install-Recommends": "false",
            # Otherwise apt downloads as another user, who may not have access to this folder.
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "state" / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::SourceList": folder / "etc" / "sources.list",
            "Dir::Etc::SourceParts": folder / "etc" / "parts",
            "Dir::Etc::Parts": folder / "etc" / "parts",
            "Dir::Etc::Main": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": folder / "etc" / "parts",
        }
        lines = [f'{key} "{value}";' for key, value in settings.items()]
        lines.append(f'APT::Architectures {{ "{architecture}"; }};')
        configuration = folder / "apt.conf"
        configuration.write_text("\n".join([*_mirror_settings(), *lines]) + "\n", encoding="utf-8")
        self._environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}

    def update(self) -> None:
        """Download the lists of packages.

        A source that fails is ignored, for example backports that a mirror lacks.

        Raises:
            EdgeproofError: every source failed.
        """
        command = ["apt-get", "-q", "update"]
        _run(command, self._environment, check=False)
        if not list(self._lists.glob("*_Packages*")):
            _run([*command, "--error-on=any"], self._environment)

    def has(self, package: str, suite: str | None = None) -> bool:
        """Return whether the sources offer a package; if a suite is given, only in this suite."""
        command = ["apt-get", "-q", "--print-uris", "download", _asked(package, suite)]
        return bool(_run(command, self._environment, check=False).strip())

    def download(self, package: str, suite: str | None = None) -> Path:
        """Download one package without its dependencies; return its file.

        Raises:
            EdgeproofError: the package is not offered, or the mirror cannot be reached.
        """
        before = set(self._packages.glob("*.deb"))
        versioned = _asked(package, suite)
        _run(["apt-get", "-q", "download", versioned], self._environment, folder=self._packages)
        return next(iter(set(self._packages.glob("*.deb")) - before))

    def download_all(self, packages: Sequence[str]) -> list[Path]:
        """Download packages and all they depend on; return their files.

        Raises:
            EdgeproofError: a package is not offered, or the mirror cannot be reached.
        """
        command = ["apt-get", "-q", "-y", "--download-only", "install", *packages]
        _run(command, self._environment)
        return sorted(self._packages.glob("*.deb"))


def unpack(package: Path, root: Path, members: Sequence[str] = ()) -> None:
    """Unpack a package into a folder, without setting owners or running scripts.

    Args:
        package: a .deb file.
        root: destination folder; symbolic links to folders in it are followed.
        members: paths of files to unpack, like usr/bin/name; () for all.

    Raises:
        EdgeproofError: the package is damaged or lacks a member.
    """
    _require_bounded(package)
    stream = ["dpkg-deb", "--fsys-tarfile", str(package)]
    target = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
    remedy = "Check the disk's free space, and run again"
    source = start(stream, stderr=subprocess.DEVNULL, remedy=remedy)
    try:
        unpacking = run(
            [*target, *(f"./{member}" for member in members)],
            stdin=source.stdout or subprocess.DEVNULL,
            seconds=_SECONDS,
            remedy=remedy,
        )
    finally:
        if source.stdout is not None:
            source.stdout.close()
        status = wait(source, _SECONDS_TO_END)
    if unpacking.code or (status and not members):
        raise EdgeproofError(
            f"the package cannot be unpacked ({end_of(unpacking.stderr)})",
            file=package,
            remedy=remedy,
        )


def _require_bounded(package: Path) -> None:
    """Reject a package that would unpack to an implausible size, without storing its content.

    Raises:
        EdgeproofError: the unpacked package would be too large.
    """
    stream = ["dpkg-deb", "--fsys-tarfile", str(package)]
    again = "Run again: apt downloads the package again"
    source, unpacked_bytes = start(stream, stderr=subprocess.DEVNULL, remedy=again), 0
    try:
        while source.stdout is not None and (piece := source.stdout.read(PIECE)):
            unpacked_bytes += len(piece)
            if unpacked_bytes > _LARGEST_PACKAGE:
                raise EdgeproofError(
                    f"would unpack to more than {_LARGEST_PACKAGE:,} bytes",
                    file=package,
                    remedy=again,
                )
    finally:
        if source.stdout is not None:
            source.stdout.close()
        wait(source, _SECONDS_TO_END)


def version_of(package: Path) -> str:
    """Return the version that is written in a .deb file."""
    return _run(["dpkg-deb", "--field", str(package), "Version"]).strip()


def native_architecture() -> str:
    """Return the name that Debian gives to this machine's architecture, such as amd64."""
    return _run(["dpkg", "--print-architecture"]).strip()


def _mirror_settings() -> list[str]:
    """Return this machine's settings of apt for reaching mirrors, such as proxies."""
    lines = _run(["apt-config", "dump", "Acquire"]).splitlines()
    return [line for line in lines if line.startswith(_INHERITED)]


def _asked(package: str, suite: str | None) -> str:
    return f"{package}/{suite}" if suite else package


def _run(
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    *,
    folder: Path | None = None,
    check: bool = True,
) -> str:
    done = run(command, environment=environment, folder=folder, seconds=_SECONDS, remedy=_CHECK)
    if check and done.code:
        raise EdgeproofError(
            f"{' '.join(command[:4])} failed ({end_of(done.stderr or done.stdout)})", remedy=_CHECK
        )
    return done.stdout


def end_of(text: str) -> str:
    """Return the last lines of a program's output, joined into one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-_LAST_LINES:])
