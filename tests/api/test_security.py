"""Passwords, sessions, one-time links, the first administrator; the pages that people see of them."""

from __future__ import annotations

import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from api import security
from api.database import Store
from api.dependencies import SESSION_COOKIE, key_hash
from api.errors import NotFoundError, NotSignedInError, NotValidError, TooManyError
from api.limiting import ATTEMPTS_FROM_ADDRESS, ATTEMPTS_ON_ACCOUNT
from api.pages import safe_next
from tests.api.accounts import PASSWORD, add_area, add_person, bearer, root_id, service

HERE = "192.0.2.1"


def audited(store: Store) -> list[tuple[str, dict]]:
    with store.owner.connect() as owner:
        return [tuple(row) for row in owner.execute(text("SELECT action, body FROM log ORDER BY id"))]


def session_works(store: Store, key: str, kind: str = "session") -> bool:
    with store.engine.begin() as connection:
        found = connection.execute(
            text("SELECT * FROM enter(:key, ARRAY[:kind])"), {"key": key_hash(key), "kind": kind}
        ).one_or_none()
    return found is not None


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short one", "password_too_short"),
        ("a" * 257, "password_too_long"),
        ("abababababab", "password_too_simple"),
        ("1234567890", "password_too_simple"),
        ("zyxwvutsrqponm", "password_too_simple"),
        ("my ZhangSan phrase", "password_is_name"),
    ],
)
def test_a_poor_password_is_refused_with_its_reason(password: str, code: str):
    with pytest.raises(NotValidError) as refused:
        security.require_good_password(password, "zhangsan")

    assert refused.value.code == code


@pytest.mark.parametrize("password", ["四只绿鸭子过马路去上学", "four green ducks", "1357924680a"])
def test_a_phrase_is_a_good_password_in_any_language(password: str):
    assert security.require_good_password(password, "zhangsan") is None


def test_a_password_typed_with_other_letters_of_the_same_meaning_is_the_same():
    hashed = security.hash_password("caf\u00e9 １２３ ducks")

    assert hashed.startswith("$argon2id$")
    assert security.is_password(unicodedata.normalize("NFD", "café 123 ducks"), hashed)
    assert not security.is_password("cafe 123 ducks", hashed)


def test_an_unknown_account_costs_as_many_hashes_as_a_known_one(store: Store, monkeypatch):
    add_person(store, "wang", password=True)
    verified = []
    plain = type(security.HASHER).verify
    monkeypatch.setattr(
        type(security.HASHER), "verify", lambda self, h, p: (verified.append(h), plain(self, h, p))[1]
    )
    told = set()
    for name in ("wang", "nobody"):
        with pytest.raises(NotSignedInError) as refused:
            security.sign_in(store, name, "not the password", HERE)
        told.add((refused.value.code, str(refused.value)))

    assert len(verified) == 2
    assert len({hashed.rsplit("$", 2)[0] for hashed in verified}) == 1
    assert len(told) == 1


def test_signing_in_makes_a_session_and_only_its_hash_is_stored(store: Store):
    add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)

    assert session_works(store, key)
    assert not session_works(store, key, kind="token")
    with store.owner.connect() as owner:
        stored = str(owner.execute(text("SELECT * FROM keys")).all())
        stored += str(owner.execute(text("SELECT * FROM users")).all())
    assert key not in stored
    assert PASSWORD not in stored


@pytest.mark.parametrize("column", ["expires_at", "used_at"])
def test_a_session_ends_at_its_time_and_when_it_rested_too_long(store: Store, column: str):
    add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)
    over = security.SESSION_LIFE if column == "expires_at" else security.SESSION_IDLE
    with store.owner.begin() as owner:
        owner.execute(
            text(f"UPDATE keys SET {column} = {column} - :over"), {"over": over - timedelta(minutes=1)}
        )
    assert session_works(store, key)
    with store.owner.begin() as owner:
        # Work a moment ago has set the clock of rest anew.
        behind = over + timedelta(minutes=2) if column == "used_at" else timedelta(minutes=2)
        owner.execute(text(f"UPDATE keys SET {column} = {column} - :over"), {"over": behind})
    assert not session_works(store, key)


def test_work_keeps_a_session_awake(store: Store):
    add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)
    for _ in range(3):
        with store.owner.begin() as owner:
            owner.execute(text("UPDATE keys SET used_at = now() - interval '90 minutes'"))
        assert session_works(store, key)
        with store.owner.connect() as owner:
            rested = owner.execute(
                text("SELECT now() - used_at FROM keys WHERE kind = 'session'")
            ).scalar_one()
        assert rested < timedelta(minutes=1)


def test_two_requests_at_once_do_not_wait_for_each_other(store: Store):
    add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE keys SET used_at = now() - interval '90 minutes'"))
    enter = text("SELECT name FROM enter(:key, ARRAY['session'])")
    with store.engine.begin() as first, store.engine.begin() as second:
        second.execute(text("SET LOCAL lock_timeout = '1s'"))
        for connection in (first, second):
            assert connection.execute(enter, {"key": key_hash(key)}).scalar_one() == "wang"


def test_too_many_failures_shut_an_account_for_all_workers_and_a_success_opens_it_again(store: Store):
    add_person(store, "wang", password=True)
    for _ in range(ATTEMPTS_ON_ACCOUNT.amount - 1):
        with pytest.raises(NotSignedInError):
            security.sign_in(store, "wang", "not the password", HERE)
    security.sign_in(store, "wang", PASSWORD, HERE)
    for _ in range(ATTEMPTS_ON_ACCOUNT.amount):
        with pytest.raises(NotSignedInError):
            security.sign_in(store, "wang", "not the password", HERE)

    # Another worker knows of it, and the right password does not help.
    other = Store(store.url)
    with pytest.raises(TooManyError) as refused:
        security.sign_in(other, "wang", PASSWORD, "198.51.100.7")
    other.close()
    assert 0 < refused.value.values["retry_after_s"] <= 15 * 60
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE rate_counters SET expires_at = now() - interval '1 second'"))
    security.sign_in(store, "wang", PASSWORD, HERE)


def test_many_guesses_at_the_same_time_do_not_slip_through(store: Store):
    add_person(store, "wang", password=True)

    def guess(number: int) -> str:
        try:
            security.sign_in(store, "wang", f"guess number {number}", HERE)
        except (NotSignedInError, TooManyError) as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(guess, range(30)))

    assert outcomes.count("NotSignedInError") == ATTEMPTS_ON_ACCOUNT.amount
    assert outcomes.count("TooManyError") == 30 - ATTEMPTS_ON_ACCOUNT.amount


def test_guessing_accounts_from_one_address_ends_and_does_not_shut_others_out(store: Store, monkeypatch):
    monkeypatch.setattr(security, "is_password", lambda password, hashed: hashed == password)
    with store.owner.begin() as owner:
        owner.execute(text("INSERT INTO users (name, password_hash) VALUES ('wang', 'right')"))
    for number in range(ATTEMPTS_FROM_ADDRESS.amount):
        security.sign_in(store, "wang", "right", HERE)
        with pytest.raises(NotSignedInError):
            security.sign_in(store, f"guess{number}", "wrong", HERE)

    with pytest.raises(TooManyError):
        security.sign_in(store, "wang", "right", HERE)
    security.sign_in(store, "wang", "right", "198.51.100.7")
    with store.owner.connect() as owner:
        kept = str(owner.execute(text("SELECT key FROM rate_counters")).all())
    assert HERE not in kept
    assert "guess" not in kept


def test_the_first_administrator_gets_a_link_until_somebody_has_used_one(store: Store):
    first = security.first_admin_link(store)
    second = security.first_admin_link(store)
    assert first
    assert second
    assert first != second
    old, new = (link.removeprefix("/welcome/") for link in (first, second))
    with pytest.raises(NotFoundError):
        security.set_password(store, old, PASSWORD)
    with pytest.raises(NotValidError):
        security.set_password(store, new, "short")
    assert security.set_password(store, new, PASSWORD) == "admin"
    with pytest.raises(NotFoundError):
        security.set_password(store, new, PASSWORD)

    assert security.first_admin_link(store) is None
    key = security.sign_in(store, "admin", PASSWORD, HERE)
    with store.engine.begin() as connection:
        grants = connection.execute(
            text("SELECT grants FROM enter(:key, ARRAY['session'])"), {"key": key_hash(key)}
        ).scalar_one()
    assert grants == {"admin": [str(root_id(store))]}


def test_a_new_password_ends_every_session_and_link_of_the_account(store: Store):
    user, token = add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)
    with store.owner.begin() as owner:
        links = [
            security.make_key(owner, user, "link", life=timedelta(days=1), created_by=None) for _ in range(2)
        ]
    security.set_password(store, links[0].key, "another good phrase")

    assert not session_works(store, key)
    assert security.link_holder(store, links[1].key) is None
    assert session_works(store, token, kind="token")
    with pytest.raises(NotSignedInError):
        security.sign_in(store, "wang", PASSWORD, HERE)
    security.sign_in(store, "wang", "another good phrase", HERE)


def test_a_disabled_account_loses_everything_at_once(store: Store):
    user, token = add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE users SET disabled_at = now() WHERE id = :u"), {"u": user})
    with pytest.raises(NotSignedInError):
        security.sign_in(store, "wang", PASSWORD, HERE)
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE users SET disabled_at = NULL WHERE id = :u"), {"u": user})

    assert not session_works(store, key)
    assert not session_works(store, token, kind="token")


def test_coming_and_going_is_audited_without_words(store: Store):
    user, _ = add_person(store, "wang", password=True)
    key = security.sign_in(store, "wang", PASSWORD, HERE)
    security.sign_out(store, key)
    for name in ("wang", "password-typed-as-name"):
        with pytest.raises(NotSignedInError):
            security.sign_in(store, name, "not the password", HERE)
    entries = audited(store)

    assert [action for action, _ in entries] == [
        "user_added", "token_made", "signed_in", "session_ended", "sign_in_failed", "sign_in_failed",
    ]  # fmt: skip
    assert entries[-2][1] == {"reason": "password", "user": user}
    assert entries[-1][1] == {"reason": "unknown", "user": None}
    for word in ("wang", "typed", HERE, PASSWORD):
        assert word not in str(entries)


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/a\nb", "",
     "\\\\evil.example", "/\t/evil.example", None],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(address: str | None):
    assert safe_next(address) == "/"


def test_signing_in_leads_back_to_the_page_that_was_asked_for(store: Store):
    add_person(store, "wang", password=True)
    with service(store) as client:
        asked = client.get("/?q=桥南&after=x")
        assert asked.status_code == 303
        page = client.get(asked.headers["Location"])
        onward = re.search(r'name="next" value="([^"]*)"', page.text)
        assert onward
        said = client.post(
            "/login",
            data={"name": "wang", "password": PASSWORD, "next": onward[1].replace("&amp;", "&")},
        )

    assert said.status_code == 303
    assert said.headers["Location"] in ("/?q=桥南&after=x", "/?q=%E6%A1%A5%E5%8D%97&after=x")


def test_a_session_cookie_is_for_this_site_and_no_script(store: Store):
    add_person(store, "wang", password=True)
    for secure in (False, True):
        with service(store, secure_cookies=secure) as client:
            said = client.post("/login", data={"name": "wang", "password": PASSWORD})
        cookie = said.headers["Set-Cookie"].lower()
        assert {"httponly", "samesite=lax", "path=/"} <= set(cookie.split("; "))
        assert ("secure" in cookie.split("; ")) is secure


def test_a_form_from_another_site_is_refused(store: Store):
    add_person(store, "wang", password=True)
    form = {"name": "wang", "password": PASSWORD}
    with service(store) as client:
        for headers in (
            {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):  # fmt: skip
            said = client.post("/login", data=form, headers=headers)
            assert (said.status_code, said.json()["code"]) == (403, "cross_site")
        own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
        assert client.post("/login", data=form, headers=own).status_code == 303


def test_behind_a_proxy_the_public_address_is_our_own(store: Store):
    add_person(store, "wang", password=True)
    with service(store, public_url="https://weige.example/") as client:
        said = client.post(
            "/login", data={"name": "wang", "password": PASSWORD}, headers={"Origin": "https://weige.example"}
        )
    assert said.status_code == 303


def test_a_change_from_a_page_needs_the_session_s_csrf_token(store: Store):
    area = add_area(store, "s", "street")
    add_person(store, "wang", ("admin", area), password=True)
    with service(store) as client:
        client.post("/login", data={"name": "wang", "password": PASSWORD})
        me = client.get("/api/v1/me").json()
        for headers in ({}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": "\u00e9".encode("latin-1")}):
            said = client.post("/api/v1/users", json={"name": "li"}, headers=headers)
            assert (said.status_code, said.json()["code"]) == (403, "csrf")
        said = client.post("/api/v1/users", json={"name": "li"}, headers={"X-CSRF-Token": me["csrf_token"]})
        assert said.status_code == 201


def test_signing_out_ends_the_session_and_only_from_our_page(store: Store):
    add_person(store, "wang", password=True)
    with service(store) as client:
        client.post("/login", data={"name": "wang", "password": PASSWORD})
        key = client.cookies[SESSION_COOKIE]
        client.post("/logout", data={"csrf_token": "guess"})
        assert client.get("/").status_code == 200
        token = client.get("/api/v1/me").json()["csrf_token"]
        said = client.post("/logout", data={"csrf_token": token})
        assert (said.status_code, said.headers["Location"]) == (303, "/login")
        assert SESSION_COOKIE not in client.cookies
        client.cookies.set(SESSION_COOKIE, key)
        assert client.get("/api/v1/me").status_code == 401
        assert client.get("/").headers["Location"] == "/login"


def test_a_one_time_link_is_opened_any_times_and_used_once(store: Store):
    link = security.first_admin_link(store)
    assert link
    with service(store) as client:
        for _ in range(2):
            assert client.get(link).status_code == 200
        for form, told in (
            ({"password": PASSWORD, "again": "another"}, "密码不一样"),
            ({"password": "short", "again": "short"}, "密码太短，至少要 10 个字符"),
        ):
            said = client.post(link, data=form)
            assert (said.status_code, told in said.text) == (422, True)
        said = client.post(link, data={"password": PASSWORD, "again": PASSWORD})
        assert "密码已设好" in said.text
        assert client.get(link).status_code == client.post(link, data={}).status_code == 404
        assert client.get("/welcome/guess").status_code == 404


def test_too_many_failures_are_told_with_the_time_to_wait(store: Store):
    with service(store) as client:
        for _ in range(ATTEMPTS_ON_ACCOUNT.amount):
            said = client.post("/login", data={"name": "wang", "password": "not the password"})
            assert said.status_code == 422
        said = client.post("/login", data={"name": "wang", "password": "not the password"})

    assert said.status_code == 429
    assert 0 < int(said.headers["Retry-After"]) <= 15 * 60
    assert re.search("请等 1[45] 分钟", said.text)


def test_a_form_larger_than_any_of_ours_is_not_read(store: Store):
    with service(store) as client:
        said = client.post("/login", content=b"name=" + b"x" * 1_000_000)
    assert (said.status_code, said.json()["code"]) == (413, "form_too_large")


def test_pages_need_no_inline_script_or_style_and_escape_what_people_typed(store: Store):
    hostile = "<script>alert(1)</script>"
    area = add_area(store, "s", "street")
    community = add_area(store, "c", "community", area)
    with store.owner.begin() as owner:
        owner.execute(text("UPDATE divisions SET name = :n WHERE id = :c"), {"n": hostile, "c": community})
    add_person(store, "wang", ("viewer", area), password=True)
    with service(store) as client:
        pages = [client.get("/login"), client.post("/login", data={"name": hostile, "password": "x" * 10})]
        client.post("/login", data={"name": "wang", "password": PASSWORD})
        pages += [client.get("/"), client.get("/", params={"q": hostile})]
        for said in pages:
            assert "<script" not in said.text
            assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", said.text)
            assert "'unsafe-inline'" not in said.headers["Content-Security-Policy"].split("style-src")[0]
            assert said.headers["Cache-Control"] == "no-store"
        assert "&lt;script&gt;" in pages[-1].text


@pytest.mark.parametrize(
    ("asked", "title"),
    [("en-GB,en;q=0.9,zh;q=0.5", "Sign in"), ("zh-TW,en;q=0.4", "登录"), ("fr", "登录"), ("", "登录"),
     ("en;q=nonsense,zh;q=0.2", "登录"), ("fr,en;q=0.1", "Sign in")],
)  # fmt: skip
def test_the_login_speaks_the_reader_s_language(store: Store, asked: str, title: str):
    with service(store) as client:
        assert f"<h1>{title}</h1>" in client.get("/login", headers={"Accept-Language": asked}).text


def test_home_lists_only_communities_that_the_reader_may_see(store: Store):
    own, other = add_area(store, "own", "street"), add_area(store, "other", "street")
    add_area(store, "mine", "community", own)
    add_area(store, "theirs", "community", other)
    for name, role in (("wang", "viewer"), ("li", "reporter")):
        add_person(store, name, (role, own), password=True)
    with service(store) as client:
        client.post("/login", data={"name": "wang", "password": PASSWORD})
        page = client.get("/").text
        assert "mine" in page
        assert "theirs" not in page
        client.cookies.clear()
        client.post("/login", data={"name": "li", "password": PASSWORD})
        page = client.get("/").text
        assert "mine" not in page
        assert "还没有查看权限" in page


def test_home_leads_to_what_each_may_do(store: Store):
    own = add_area(store, "own", "street")
    add_area(store, "mine", "community", own)
    add_person(store, "wang", ("viewer", own), password=True)
    add_person(store, "li", ("reporter", own), password=True)
    add_person(store, "none", password=True)
    led: dict[str, set[str]] = {}
    with service(store) as client:
        for name in ("wang", "li", "none"):
            client.cookies.clear()
            client.post("/login", data={"name": name, "password": PASSWORD})
            page = client.get("/").text
            led[name] = set(re.findall(r'<a [^>]*href="(/[a-z]+)"', page))
            assert ('role="search"' in page) == (name == "wang"), "who sees no community has none to search"
            for address in led[name]:
                assert client.get(address).status_code == 200, (name, address)
    assert {"/cases", "/report", "/wall", "/indicators", "/duty"} < led["wang"]
    assert led["li"] == {"/cases", "/report"}
    assert led["none"] == set()


def test_home_pages_through_many_communities_and_finds_them(store: Store):
    with store.owner.begin() as owner:
        owner.execute(
            text("INSERT INTO divisions (parent_id, level, code, name)"
                 " SELECT :root, 'community', 'c' || lpad(n::text, 3, '0'), '第' || n || '社区'"
                 " FROM generate_series(1, 130) n"),
            {"root": root_id(store)},
        )  # fmt: skip
    add_person(store, "wang", ("viewer", root_id(store)), password=True)
    seen: list[str] = []
    with service(store) as client:
        client.post("/login", data={"name": "wang", "password": PASSWORD})
        address: str | None = "/"
        while address:
            page = client.get(address).text
            seen += re.findall(r'class="code">(c\d+)<', page)
            further = re.search(r'class="further" href="([^"]+)"', page)
            address = further[1].replace("&amp;", "&") if further else None
        assert seen == [f"c{number:03}" for number in range(1, 131)]
        found = client.get("/", params={"q": "第13社区"}).text
        assert re.findall(r'class="code">(c\d+)<', found) == ["c013"]
        assert "没有找到" in client.get("/", params={"q": "%"}).text


def test_requests_beyond_the_limit_are_told_when_to_come_again(store: Store):
    _, token = add_person(store, "wang", ("viewer", root_id(store)))
    _, other = add_person(store, "li", ("viewer", root_id(store)))
    with service(store, requests_per_minute=5) as client:
        statuses = [client.get("/api/v1/me", headers=bearer(token)).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        refused = client.get("/api/v1/me", headers=bearer(token))
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert client.get("/api/v1/me", headers=bearer(other)).status_code == 200
        assert client.get("/healthz").status_code == 200


def test_guessing_keys_from_one_address_ends(store: Store):
    with service(store, requests_per_minute=100_000) as client:
        statuses = [
            client.get("/api/v1/me", headers=bearer(f"guess {number}")).status_code for number in range(302)
        ]
    assert statuses == [401] * 300 + [429] * 2
