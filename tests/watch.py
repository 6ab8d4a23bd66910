"""Watching what a program does outside its own folders: names it looks up, hosts it connects to, files it writes.

strace reads the system calls of the program and of all that it starts, because compiled libraries have network clients
of their own, which no hook in Python sees. What may be done is the caller's to say, not decided here.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import subprocess
import time
from pathlib import Path

from needed import needed, without

_CALLS = "connect,sendto,sendmsg,sendmmsg,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat"
_HOST = re.compile(r'sin6?_port=htons\((\d+)\).*?inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')
#: A service of this machine that looks names up, where there is one; nscd answers other questions too.
_RESOLVER = re.compile(r'sun_path=@?"[^"]*(?:resolve|avahi)[^"]*".* = 0|"\\2\\0\\0\\0.{,40}hosts\\0"')
#: A call that may make or change a file: the folder that the path starts from, the path, and what follows it.
_FILE = re.compile(
    r'(?:open\w*\(|creat\(|mk\w+\(|symlink(?:at)?\("(?:[^"\\]|\\.)*", )'
    r'(?:(?:AT_FDCWD|\d+)<(.*?)>, )?"((?:[^"\\]|\\.)*)"(.*)'
)
#: Devices and the kernel's own files keep nothing, and bytecode is kept where the interpreter always keeps it.
_NO_FILES = re.compile(r"/(dev|proc|sys)/.*|.*/__pycache__(/.*)?")
#: By these, libraries know that they are tested, and keep quiet of their own accord.
_TESTED = [
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
    "BUILDKITE",
    "CI",
    "CIRCLECI",
    "CLOUD_RUN_EXECUTION",
    "CODEBUILD_BUILD_ARN",
    "CODEBUILD_BUILD_ID",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "PYTEST_CURRENT_TEST",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TRAVIS",
]


class Watch:
    """Makes commands whose calls are recorded in `folder`, which must not be one that they may write to."""

    def __init__(self, folder: Path) -> None:
        require_strace()
        self.folder = folder

    def command(self, *command: str | Path) -> list[str | Path]:
        """The command, watched, as if no test ran it; its process is the command's own, and signals reach it."""
        how = ["--daemonize", "--follow-forks", "--output-separately", "--seccomp-bpf", "--quiet=all"]
        what = ["--decode-fds=path", "--signal=none", f"--trace={_CALLS}", f"--output={self.folder / 'calls'}"]
        return ["strace", *how, *what, *(f"--env={name}" for name in _TESTED), *command]

    def findings(self, *writable: Path) -> list[str]:
        """What ended commands looked up, connected to, or wrote outside of `writable`: a line each, sorted."""
        found: set[str] = set()
        for file in self._files():
            for call in file.read_text(errors="replace").splitlines():
                finding = _network(call) or _written(call, writable)
                if finding:
                    found.add(finding)
        return sorted(found)

    def _files(self) -> list[Path]:
        """What strace wrote, once it writes no more: it ends a moment after what it watches."""
        deadline, before = time.monotonic() + 30, -1
        while time.monotonic() < deadline:
            files = list(self.folder.glob("calls.*"))
            size = sum(file.stat().st_size for file in files)
            if size == before:
                return files
            before = size
            time.sleep(0.3)
        raise AssertionError("the watched program still runs")


def _network(call: str) -> str:
    if _RESOLVER.search(call):
        return "looks up a name"
    for port, host in _HOST.findall(call):
        if port == "53":
            return "looks up a name"
        address = ipaddress.ip_address(host)
        if not address.is_loopback and not address.is_unspecified:  # that is this machine as well
            return f"connects to {host}, port {port}"
    return ""


def _written(call: str, writable: tuple[Path, ...]) -> str:
    found = _FILE.match(call)
    if not found or (call.startswith("open") and not re.search("O_WRONLY|O_RDWR|O_CREAT", found[3])):
        return ""
    # Only mkdir and its like name no folder to start from; what they make is then in the working directory.
    target = os.path.normpath(os.path.join(found[1] or "the working directory", found[2]))
    if _NO_FILES.fullmatch(target) or any(Path(target).is_relative_to(allowed) for allowed in writable):
        return ""
    return f"writes {target}"


@functools.cache
def require_strace() -> None:
    """Skip the test where there is no strace, or it may not watch; under CI it must."""
    run = subprocess.run([needed("strace"), "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    if run.returncode:
        without(run.stderr)
