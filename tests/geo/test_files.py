from pathlib import Path

import pytest
from pyogrio.errors import FeatureError

from geo.errors import InputError
from geo.files import ensure_writable, replacing


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    output = tmp_path / "plan.gpkg"
    output.write_text("old")
    with pytest.raises(RuntimeError), replacing(output) as temporary:
        temporary.write_text("half")
        (tmp_path / f"{temporary.name}-journal").write_text("journal")
        raise RuntimeError

    assert output.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]

    with replacing(output) as temporary:
        temporary.write_text("new")
    assert output.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="folder does not exist"):
        ensure_writable(tmp_path / "nowhere" / "plan.gpkg")


def test_a_folder_of_the_files_name_is_refused(tmp_path):
    (tmp_path / "plan.gpkg").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        ensure_writable(tmp_path / "plan.gpkg")


def test_a_folder_that_takes_no_files_is_refused_whatever_its_rights_say():
    with pytest.raises(InputError, match="cannot be written") as refused:
        ensure_writable(Path("/proc/plan.gpkg"))
    assert refused.value.file == "plan.gpkg"


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), FeatureError("No space left on device")]
)
def test_a_full_disk_is_told_with_the_name_of_the_file_and_leaves_nothing(tmp_path, fault):
    with (
        pytest.raises(InputError, match="No space left on device") as refused,
        replacing(tmp_path / "plan.gpkg") as temporary,
    ):
        temporary.write_text("half")
        raise fault

    assert (refused.value.code, refused.value.file) == ("output_not_written", "plan.gpkg")
    assert not list(tmp_path.iterdir())
