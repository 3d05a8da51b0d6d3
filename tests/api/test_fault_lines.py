from __future__ import annotations

import re
from string import Formatter

import numpy as np
import pytest

from api.fault_lines import fault_line
from api.worker import _problem
from geo.columns import missing
from geo.errors import InputError
from geo.plausibility import require_own_kind
from maps.text import LANGUAGES, words


def test_a_page_says_what_to_do_where_the_command_line_names_an_option():
    error = missing("stations", "name", ["编号", "title"])

    assert fault_line(error, "en").endswith("add --field stations.name=COLUMN")
    for language in LANGUAGES:
        said = fault_line(error, language, served=True)
        assert "--" not in said
        assert "title" in said
        assert _problem(error, language)["detail"] == said


def test_a_layer_given_for_another_is_named_in_words_to_a_page():
    names = ["unit_id", "households"]
    with pytest.raises(InputError) as caught:
        require_own_kind("communities", names, [np.array(["1"]), np.array([2])], {})

    assert "--units" in fault_line(caught.value, "en")
    assert fault_line(caught.value, "en", served=True).startswith("it looks like the layer of units")
    assert fault_line(caught.value, "zh_CN", served=True).startswith("看起来是单元图层")


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_for_pages_name_no_option_and_ask_for_no_value_that_is_not_known(language):
    texts = words(language)
    served = {key.removeprefix("served."): said for key, said in texts.items() if key.startswith("served.")}
    assert served
    for code, said in served.items():
        assert "--" not in said
        if code.startswith("layers."):
            continue
        known = {name for _, name, _, _ in Formatter().parse(texts[f"error.{code}"]) if name}
        known |= {f"{name}_name" for name in known}
        assert {name for _, name, _, _ in Formatter().parse(said) if name} <= known


def test_what_layers_are_refused_for_has_a_text_for_pages_where_it_names_an_option():
    # Of commands alone, which no page runs.
    commands = re.compile(
        r"field_option|register_field|department_of|standing_|communities_missing|tls_|needs_tls|cluster_|folder_"
        r"|nothing_to|publish_options|store_missing|data_dir|port_|host_|last_admin|paths_are|period_"
        r"|members_named|font_missing|counties_|scheduler_|moment_not|candidates_too|site_|minutes_not|border_weight"
    )
    texts = words("en")
    optioned = {key.removeprefix("error.") for key, said in texts.items()
                if key.startswith("error.") and ("--" in said or "{option}" in said)}  # fmt: skip
    optioned -= {"option_out_of_range", "option_not_counted"}
    optioned = {code for code in optioned if not commands.match(code)}
    assert {code for code in optioned if f"served.{code}" not in texts} == set()
