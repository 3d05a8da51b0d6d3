import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.encoding import decode_file, decoded, detect_encoding, known_encoding

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=3, max_size=20)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("936", "gb18030"),
        ("GBK", "gb18030"),
        ("ANSI 1252", "cp1252"),
        ("rot13", None),
        ("", None),
    ],
)
def test_names_of_encodings(name: str, encoding: str | None) -> None:
    assert known_encoding(name) == encoding


@given(CHINESE, st.sampled_from([None, "utf-8", "gb18030", "cp1252"]))
def test_utf8_is_found_whatever_is_declared(text: str, declared: str | None) -> None:
    assert detect_encoding([text.encode()], declared) == "utf-8"


@pytest.mark.parametrize("declared", [None, "utf-8", "gb18030", "cp1252"])
@pytest.mark.parametrize("text", ["东门社区", "秦东门大街12号", "建华园2号楼甲单元"])
def test_gbk_is_found_whatever_is_declared(text: str, declared: str | None) -> None:
    assert detect_encoding([text.encode("gbk")], declared) == "gb18030"


def test_gbk_bytes_that_are_utf8_too_are_gbk_where_the_file_says_so() -> None:
    assert detect_encoding(["联通".encode("gbk")], "gb18030") == "gb18030"


@given(st.text(max_size=20), st.integers(1, 30))
def test_a_last_character_that_was_cut_is_left_out(text: str, width: int) -> None:
    raw = text.encode("utf-8", errors="ignore")[:width]

    found = decoded([raw], "utf-8")

    assert found is not None
    assert text.encode("utf-8", errors="ignore").decode().startswith(found[0])


def test_western_text_is_not_taken_for_chinese() -> None:
    assert detect_encoding(["Straße".encode("cp1252"), "é è à".encode("cp1252")], "cp1252") == "cp1252"
    assert detect_encoding(["Straße".encode("cp1252"), "é è à".encode("cp1252")], None) is None


@given(CHINESE, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_whole_files_with_their_marks(text: str, encoding: str) -> None:
    content = f"unit_id,address\n1,{text}\n"

    assert decode_file(content.encode(encoding)) == content


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16-le", "utf-16-be"])
def test_whole_files_without_marks(encoding: str) -> None:
    content = "unit_id,households,address\nU1,20,秦东门大街12号\n"

    assert decode_file(content.encode(encoding)) == content
