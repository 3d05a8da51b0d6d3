"""Build hook: compile the TypeScript bundle into maps/static before the wheel is packed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        web = Path(self.root) / "maps" / "web"
        if self.target_name != "wheel" or not (web / "package.json").exists():
            return
