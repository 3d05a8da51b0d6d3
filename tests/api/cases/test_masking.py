from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

import maps
from api.cases import masking
from api.cases.masking import find, masked, require_impersonal
from api.database import Store
from api.errors import NotValidError
from geo.personal_numbers import plain_signs
from geo.typed_numbers import numbers_as_typed, numbers_shown, without_invisible

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
WORDS = st.text("路面积水请处理，。 号楼单元ab", max_size=12)


def identity_number(digits: list[int]) -> str:
    return (
        "".join(map(str, digits))
        + "10X98765432"[sum(w * d for w, d in zip(WEIGHTS, digits, strict=True)) % 11]
    )


identities = st.text("0123456789", min_size=17, max_size=17).map(
    lambda digits: identity_number([int(digit) for digit in digits])
)
mobiles = st.builds(
    lambda head, rest, gap: f"1{head}{rest[:1]}{gap}{rest[1:5]}{gap}{rest[5:]}",
    st.integers(3, 9), st.text("0123456789", min_size=9, max_size=9), st.sampled_from(["", " ", "-"]),
)  # fmt: skip
# The same table is asked of maps/web/src/masking.ts.
PERSONAL = json.loads(
    (Path(maps.__file__).parent / "web" / "test" / "personal.json").read_text(encoding="utf-8")
)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@given(before=WORDS, number=identities | mobiles, behind=WORDS, wide=st.booleans())
def test_numbers_of_people_are_found_wherever_they_stand(before: str, number: str, behind: str, wide: bool):
    number = number.translate(FULL_WIDTH) if wide else number
    clean = masked(f"{before}{number}{behind}")
    assert number not in clean
    assert "***" in clean
    assert clean.startswith(before)
    assert clean.endswith(behind)


@given(st.text("0123456789０１３８一三八九〇Xx- +（）室单元号楼路灯坏了，.*_/\u200b", max_size=60))
def test_masking_leaves_nothing_to_mask_and_is_done_once(said: str):
    clean = masked(said)
    assert find(clean) == ()
    assert masked(clean) == clean


SIGNS = "0123456789０１٣八一〇Xx- ‐‑–－—+.·_/（）()\t\u3000\u200b室号房间户单元栋号楼路,"


@given(st.text(SIGNS, max_size=30))
def test_what_is_passed_over_at_a_glance_holds_nothing(said: str):
    plain = plain_signs(without_invisible(said)[0])
    if masking._SIGN.search(said) is None:
        assert list(numbers_shown(plain, mistyped=True)) == []
    if masking._FLAT_SIGN.search(said) is None:
        assert masking._FLAT.search(plain) is None


PARTS = [
    "(0518)",
    "0518",
    " - ",
    "021",
    "+86",
    "86",
    "138",
    "1234",
    "5678",
    "854",
    "一三八",
    "19900101",
    "123X",
]


@example("1990010119900101(0518)(0518)19900101")
@given(st.lists(st.sampled_from([*PARTS, *"0189 -._/X）x"]), max_size=14).map("".join))
def test_looking_at_long_numbers_only_finds_what_looking_at_everything_does(said: str):
    whole = {
        (found.kind, found.start, found.end) for found in numbers_shown(plain_signs(said), mistyped=True)
    }
    assert {(found.kind, found.start, found.end) for found in numbers_as_typed(said, mistyped=True)} == whole


def test_the_database_takes_every_text_that_was_masked(store: Store):
    chance = random.Random(3)
    heads = ["138", "139 1234 ", "32092419900101", "320924 20990230 ", "11010119991301", "021-", "+86", "86"]
    signs = "0123456789 -.xX，室\u0661\uff11"
    drawn = [
        "".join(chance.choice([*heads, *signs]) for _ in range(chance.randint(1, 14))) for _ in range(20_000)
    ]
    drawn += [f"订单32092420990230{n:04}" for n in range(1000)]  # no day, and yet refused
    told = text("SELECT count(*) FROM unnest(cast(:said AS text[])) said WHERE tells_a_person(said)")
    with store.owner.connect() as owner:
        assert owner.execute(told, {"said": drawn}).scalar_one() > 1000
        assert owner.execute(told, {"said": [masked(said) for said in drawn]}).scalar_one() == 0


@pytest.mark.parametrize(("said", "clean"), PERSONAL["masked"])
def test_flats_and_numbers_are_masked_however_they_are_written_and_buildings_stay(said: str, clean: str):
    assert masked(said) == clean
    with pytest.raises(NotValidError):
        require_impersonal(said, "text")


@pytest.mark.parametrize("said", PERSONAL["stays"])
def test_what_is_nobody_s_stays(said: str):
    assert find(said) == ()


def test_a_refusal_names_the_kinds_and_never_what_was_found():
    with pytest.raises(NotValidError) as refused:
        require_impersonal("请回电13812345678，501室", "text")
    assert refused.value.values == {"field": "text", "kinds": ["flat", "phone"]}
    assert "138" not in str(refused.value)
