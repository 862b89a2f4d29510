"""Start an sshd on loopback, with a temporary key, to replace a board in tests."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

SSHD_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv XDG_CACHE_HOME
"""
SSH_CONFIG = """\
Host *
IdentityFile {folder}/user
IdentitiesOnly yes
UserKnownHostsFile {folder}/known_hosts
"""
# Folder that sshd needs for privilege separation if root starts it.
PRIVILEGE_SEPARATION = Path("/run/sshd")


def why_no_sshd() -> str | None:
    """Return why no sshd can be started here; None if one can."""
    if _sshd() is None or shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        return "OpenSSH's server and client are not installed"
    if os.getuid() == 0 and not PRIVILEGE_SEPARATION.is_dir():
        try:
            PRIVILEGE_SEPARATION.mkdir()
        except OSError as error:
            return f"{PRIVILEGE_SEPARATION} cannot be made ({error.strerror})"
    return None


class LoopbackBoard:
    """A started sshd that replaces a board, with its address and the options for ssh.

    Args:
        folder: folder for the keys, the configuration and the log of the sshd.
    """

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        key = (folder / "host.pub").read_text(encoding="utf-8")
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}", encoding="utf-8")
        (folder / "sshd_config").write_text(SSHD_CONFIG.format(port=port, folder=folder))
        (folder / "ssh_config").write_text(SSH_CONFIG.format(folder=folder))
        self.address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
        self.options = ("-F", str(folder / "ssh_config"))
        command = [str(_sshd()), "-D", "-e", "-f", str(folder / "sshd_config")]
        with (folder / "sshd.log").open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        _wait_for(port)

    def programs(self) -> list[str]:
        """Return the command lines of the open connections and of the programs that they run."""
        command_lines = []
        for pid in _descendants(self._process.pid):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                command_lines.append(line.decode("utf-8", "replace"))
        return command_lines

    def cut(self) -> None:
        """End every connection, like a power cut, but keep the server."""
        for pid in _descendants(self._process.pid):
            # A process may have ended since it was listed.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the server and its connections."""
        self.cut()
        self._process.terminate()
        self._process.wait()


def _sshd() -> Path | None:
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Path(program) if program else None


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the sshd does not answer")


def _descendants(pid: int) -> list[int]:
    """Return the ids of all descendants of a process.

    A process that ends meanwhile counts as a process without descendants.
    """
    children: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                children += [int(child), *_descendants(int(child))]
    return children
