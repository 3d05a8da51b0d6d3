from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from api.cases import masking
from api.cases.masking import find, masked, require_impersonal
from api.database import Store
from api.errors import NotValidError
from geo.personal_numbers import numbers_in, plain_signs

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
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@given(before=WORDS, number=identities | mobiles, behind=WORDS, wide=st.booleans())
def test_numbers_of_people_are_found_wherever_they_stand(before: str, number: str, behind: str, wide: bool):
    number = number.translate(FULL_WIDTH) if wide else number
    clean = masked(f"{before}{number}{behind}")
    assert number not in clean
    assert "***" in clean
    assert clean.startswith(before)
    assert clean.endswith(behind)


@given(st.text("0123456789０１３８Xx- +（）室单元号楼路灯坏了，.*", max_size=60))
def test_masking_leaves_nothing_to_mask_and_is_done_once(said: str):
    clean = masked(said)
    assert find(clean) == ()
    assert masked(clean) == clean


@given(st.text("0123456789０１٣八Xx- ‐‑–－+.（）()室号房间户单元栋号楼路,", max_size=30))
def test_what_is_passed_over_at_a_glance_holds_nothing(said: str):
    if masking._SIGN.search(said) is None:
        assert list(numbers_in(said, mistyped=True)) == []
        assert masking._FLAT.search(plain_signs(said)) is None


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


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        ("住3号楼2单元501室", "住3号楼2单元***室"),
        ("2单元301漏水", "2单元***漏水"),
        ("3-2-501漏水", "3-2-***漏水"),
        ("6栋1201户", "6栋***户"),
        ("五〇一室", "***室"),
        ("+86 13812345678", "+86 ***"),
        ("座机0518-85412345", "座机***"),
        ("身份证32092419900101123X", "身份证***"),
        ("138.1234.5678", "***"),
        ("138\u00a01234\u202f5678", "***"),
        ("１３８－１２３４－５６７８", "***"),
        ("008613812345678", "0086***"),
        ("110105 19491231 002X", "***"),
    ],
)
def test_flats_and_numbers_are_masked_and_buildings_stay(said: str, clean: str):
    assert masked(said) == clean


@pytest.mark.parametrize(
    "said",
    [
        "秦东门大街68号楼下水道盖板破损", "共有30户居民", "订单20261126123456789012", "会议室漏水",
        "电梯室外机", "井盖12号房屋旁", "面积150×150厘米", "2026-11-26 08:30", "320706001001003",
        "经度135.12345678", "编号0012345678",
    ],
)  # fmt: skip
def test_what_is_nobody_s_stays(said: str):
    assert find(said) == ()


def test_a_refusal_names_the_kinds_and_never_what_was_found():
    with pytest.raises(NotValidError) as refused:
        require_impersonal("请回电13812345678，501室", "text")
    assert refused.value.values == {"field": "text", "kinds": ["flat", "phone"]}
    assert "138" not in str(refused.value)
