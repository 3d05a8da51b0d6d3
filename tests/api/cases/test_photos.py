"""Photos of cases: without metadata, within limits, for those who see the case, and in the backup."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw
from sqlalchemy import text

from api.backup import restore_backup, write_backup
from api.cases.photos import LONGEST_PX, drawn_anew, photo_path
from api.cluster import Cluster
from api.errors import NotValidError, TooLargeError
from api.log import verify
from api.settings import Settings
from tests.api.accounts import bearer
from tests.api.cases.desk import Desk
from tests.api.conftest import empty_store
from tests.api.plans import silent


def picture(width: int = 640, height: int = 480, *, kind: str = "JPEG", **options: object) -> bytes:
    image = Image.new("RGB", (width, height), "#8899aa")
    ImageDraw.Draw(image).rectangle((0, 0, width // 4, height // 4), fill="#cc2200")
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def with_metadata(orientation: int = 6) -> bytes:
    """A photo as a phone makes it: turned, with a maker, a place and a comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker of phones"
    exif[0x8825] = {1: "N", 2: (34.0, 34.0, 19.0), 3: "E", 4: (119.0, 7.0, 38.0)}
    return picture(exif=exif, comment=b"taken by somebody")


def send(client: TestClient, desk: Desk, number: str, sent: bytes, role: str = "grid_worker"):
    return client.post(
        f"/api/v1/cases/{number}/photos", content=sent,
        headers={**bearer(desk.tokens[role]), "Content-Type": "application/octet-stream"},
    )  # fmt: skip


def test_nothing_that_a_camera_wrote_stays_and_the_picture_stands_upright():
    sent = with_metadata()
    assert b"Maker of phones" in sent

    kept = drawn_anew(sent)

    for content in (kept.full, kept.small):
        image = Image.open(io.BytesIO(content))
        assert dict(image.getexif()) == {}
        assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
        assert b"Maker of phones" not in content
        assert b"taken by somebody" not in content
    # Turned by a quarter: the red corner is at the upper right now.
    assert (kept.width, kept.height) == (480, 640)
    upright = Image.open(io.BytesIO(kept.full))
    red, _, blue = upright.getpixel((470, 10))[:3]
    assert red > blue + 100


def test_the_same_pixels_are_the_same_photo_and_large_ones_are_made_smaller():
    assert drawn_anew(picture()).sha256 == drawn_anew(picture()).sha256
    kept = drawn_anew(picture(6000, 4000))
    assert max(kept.width, kept.height) == LONGEST_PX
    transparent = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(transparent, "PNG")
    assert Image.open(io.BytesIO(drawn_anew(transparent.getvalue()).full)).getpixel((25, 25)) == (
        255,
        255,
        255,
    )


@pytest.mark.parametrize(
    "sent",
    [b"", b"no picture", picture()[:400], b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture(kind="GIF")],
)
def test_what_is_no_photo_is_refused(sent: bytes):
    with pytest.raises(NotValidError):
        drawn_anew(sent)


def test_a_photo_of_too_many_pixels_is_refused_before_it_is_read():
    bomb = picture(8000, 8000, kind="PNG")
    assert len(bomb) < 1 << 20
    with pytest.raises(TooLargeError):
        drawn_anew(bomb)


def test_photos_are_for_those_who_see_the_case(client: TestClient, desk: Desk, folder: Path):
    number = desk.report()["number"]
    made = send(client, desk, number, with_metadata())
    assert made.status_code == 201, made.text
    assert send(client, desk, number, with_metadata()).json()["id"] == made.json()["id"]
    address = f"/api/v1/cases/{number}/photos/{made.json()['id']}"

    seen = client.get(address, headers=bearer(desk.tokens["viewer"]))
    small = client.get(address, params={"size": "small"}, headers=bearer(desk.tokens["viewer"]))

    assert seen.headers["content-type"] == "image/jpeg"
    assert seen.content == photo_path(folder, made.json()["sha256"]).read_bytes()
    assert len(small.content) < len(seen.content)
    assert client.get(address, headers=bearer(desk.tokens["reporter"])).status_code == 404
    assert client.get(address, headers=bearer(desk.tokens["handler"])).status_code == 404
    assert client.get(address).status_code == 401
    assert send(client, desk, number, picture(), "viewer").status_code == 403
    assert send(client, desk, number, picture(), "reporter").status_code == 404
    assert folder.joinpath("photos").stat().st_mode & 0o077 == 0


def test_the_database_refuses_a_photo_of_whoever_may_not_add_one(desk: Desk):
    number = desk.report()["number"]
    with (
        pytest.raises(Exception, match="permission denied"),
        desk.store.acting(desk.ids["grid_worker"], {"grid_worker": [desk.place.path]}) as session,
    ):
        session.execute(
            text("INSERT INTO case_photos (case_id, sha256, width, height, n_bytes, state)"
                 " SELECT id, sha256('x'), 1, 1, 1, state FROM cases WHERE number = :n"), {"n": number}
        )  # fmt: skip


def test_a_case_takes_so_many_photos_and_no_more(client: TestClient, desk: Desk):
    number = desk.report()["number"]
    told = [send(client, desk, number, picture(40 + n, 40)).status_code for n in range(13)]

    assert told == [201] * 12 + [409]


def test_a_removed_photo_is_gone_and_stays_in_the_log(client: TestClient, desk: Desk, folder: Path):
    number, other = desk.report()["number"], desk.report()["number"]
    made, twin = (send(client, desk, each, picture()).json() for each in (number, other))
    path = photo_path(folder, made["sha256"])

    def remove(of: str, photo: str, role: str):
        return client.delete(
            f"/api/v1/cases/{of}/photos/{photo}", params={"why": "车牌"}, headers=bearer(desk.tokens[role])
        ).status_code

    assert remove(number, made["id"], "grid_worker") == 403
    assert remove(number, made["id"], "dispatcher") == 204
    assert path.exists()  # the other case has it too
    assert remove(other, made["id"], "dispatcher") == 404
    assert remove(other, twin["id"], "dispatcher") == 204
    assert not path.exists()
    with desk.store.owner.connect() as owner:
        actions = owner.execute(
            text("SELECT action FROM log WHERE stream = 'case_photo' AND chain = :n ORDER BY seq"),
            {"n": number},
        ).scalars()
        assert list(actions) == ["add", "remove"]
    assert verify(desk.store, "case_photo").faults == ()


def test_photos_come_back_with_a_backup(
    client: TestClient, desk: Desk, cluster: Cluster, folder: Path, tmp_path: Path
):
    number = desk.report()["number"]
    sha256 = send(client, desk, number, picture()).json()["sha256"]
    settings = Settings(data_dir=folder)
    write_backup(desk.store, settings, tmp_path / "all.tar", silent)

    with empty_store(cluster) as other:
        with other.owner.begin() as owner:
            for schema in ("weige", "published", "vault"):
                owner.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            owner.execute(text("DROP TABLE public.weige_schema"))
        restored = Settings(data_dir=tmp_path / "restored")
        restore_backup(other, restored, tmp_path / "all.tar", silent)
        with other.owner.connect() as owner:
            rows = owner.execute(text("SELECT encode(sha256, 'hex') FROM weige.case_photos")).scalars().all()

    assert rows == [sha256]
    assert photo_path(restored.data_dir, sha256).read_bytes() == photo_path(folder, sha256).read_bytes()
