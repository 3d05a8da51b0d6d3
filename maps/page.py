"""Compose a page: folium's map, our bundle, and data in inert tags. Nothing comes from a network.

Python writes data only, never JavaScript: the bundle finds folium's map and reads the tags.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from typing import Any

import folium
from branca.element import Element, Figure, MacroElement

from maps.bundle import LICENCES, PROGRAM, STYLE, bundled, require_bundle

# Nothing may be fetched, whatever a name or a later change says; our own code and styles are inline.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)

# Ends a script or opens a state in which its end is not seen.
_ENDS_SCRIPT = re.compile(r"<(?=/script|!--|script)", re.IGNORECASE)
_VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>')
_ENDS_STYLE = re.compile(r"<(?=/style)", re.IGNORECASE)


class _Verbatim(Element):
    """Text that is written as it is; branca would read it as a template and run what stands in a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: object) -> str:
        """Return the text."""
        return self.text


class PlanPage(MacroElement):
    """Adds the bundle and the data of a page to a folium map."""

    _name = "PlanPage"

    def __init__(self, *, pack: bytes, settings: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.pack = pack
        self.settings = settings

    def render(self, **_: object) -> str:
        """Put styles and script into the head, the data tags into the body; nothing here."""
        figure: Any = self.get_root()
        words = self.settings["words"][self.settings["language"]]
        too_old = "<br>".join(
            html.escape(each["page.old_browser"]) for each in self.settings["words"].values()
        )
        head = [
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}" />',
            f"<style>{style_text(bundled(STYLE))}</style>",
            f"<script>{script_text(bundled(PROGRAM))}</script>",
        ]
        body = [
            "<noscript><style>#weige-too-old { display: none; }</style>"
            f"{html.escape(words['page.no_script'])}</noscript>",
            # In both languages: nobody who sees it can choose one. The bundle takes it away where it runs.
            f'<p id="weige-too-old">{too_old}</p>',
            data_tag("weige-settings", "application/json", json_text(self.settings)),
            data_tag("weige-pack", "application/gzip+base64", base64.b64encode(self.pack).decode()),
            data_tag("weige-licences", "text/plain", script_text(bundled(LICENCES))),
        ]
        figure.header.add_child(_Verbatim("\n".join(head)), name="weige_head")
        figure.html.add_child(_Verbatim("\n".join(body)), name="weige_data")
        return ""


def compose(*, pack: bytes, settings: Mapping[str, Any], title: str, middle: tuple[float, float]) -> str:
    """Return the page as one text.

    Parameters
    ----------
    pack : bytes
        The layers (`maps.pack`).
    settings : mapping
        Language, words, styles and the plan's note, as `maps/web/src/schema.ts` declares them.
    title : str
        Title of the window until the bundle sets its own; plain text.
    middle : (lon, lat)
        Where the map stands before the bundle fits it to the plan.

    Raises
    ------
    InputError
        The bundle was not built.
    """
    require_bundle()
    lon, lat = middle
    plan = folium.Map(location=[lat, lon], zoom_start=14, tiles=None, max_zoom=21, zoom_control=False,
                      zoom_snap=0.25, wheel_px_per_zoom_level=90, attribution_control=False,
                      fade_animation=False)  # fmt: skip
    plan.default_js, plan.default_css = [], []  # the bundle holds Leaflet; nothing else is used
    plan._id = "plan"  # folium draws ids at random; the same plan is to give the same page
    plan.add_child(PlanPage(pack=pack, settings=settings))
    figure = Figure(title=html.escape(title))
    figure.add_child(plan)
    page = str(figure.render())
    language = "zh-CN" if settings["language"] == "zh_CN" else "en"
    # folium forbids to enlarge a page by hand; small letters must be enlarged.
    page = _VIEWPORT.sub(
        '<meta name="viewport" content="width=device-width, initial-scale=1" />', page, count=1
    )
    return page.replace("<html>", f'<html lang="{language}">', 1)


def data_tag(tag_id: str, media_type: str, text: str) -> str:
    """Return a script tag that no browser runs."""
    return f'<script type="{media_type}" id="{tag_id}">{text}</script>'


def json_text(value: object) -> str:
    """Return JSON that may stand inside a script tag: `<` appears only escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def script_text(code: str) -> str:
    """Return JavaScript, or plain text, that cannot end the tag it stands in."""
    return _ENDS_SCRIPT.sub(r"\\x3c", code)


def style_text(code: str) -> str:
    """Return a style sheet that cannot end the tag it stands in."""
    return _ENDS_STYLE.sub(r"\\3c ", code)
