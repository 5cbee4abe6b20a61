"""Who is let in, and an attack for each line of defence."""

from __future__ import annotations

import os
import stat
from contextlib import closing

import pytest

from ganwerk.web.access import Access, is_loopback, lasting_secret
from ganwerk.web.site import Site
from tests.web.client import ORIGIN, Client


def test_the_printed_address_lets_in_and_shows_no_token_afterwards(site, stranger):
    answer = stranger.get("/", params={"token": site.access.token})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert stranger.get("/").status_code == 200
    assert stranger.get("/api/runs").json()["runs"][0]["name"] == "digits"


def test_without_a_cookie_nothing_is_shown(stranger):
    assert stranger.get("/").headers["location"] == "/enter"
    assert "ganwerk serve" in stranger.get("/enter").text
    for path in ("/api/runs", "/events", "/static/main.js", "/api/nothing"):
        assert stranger.get(path).status_code == 401, path


def test_a_wrong_token_is_sent_to_the_entrance(stranger):
    answer = stranger.get("/", params={"token": "wrong"})
    assert answer.headers["location"] == "/enter"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "192.168.1.7:8765", ""]
)
def test_a_name_that_was_pointed_here_is_refused(client, host):
    """DNS rebinding: the request is of the same origin in the browser's eyes, its name is not."""
    assert client.get("/api/runs", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "localhost"])
def test_names_of_this_machine_are_answered(client, host):
    assert client.get("/api/runs", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999", "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "none"},
        {},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_changes_come_from_the_page_alone(site, headers, method):
    """Another site's form, script, sandboxed frame, or a page on another port."""
    with closing(Client(site, headers)) as client:
        assert client.request(method, "/enter").status_code == 403


@pytest.mark.parametrize("whence", ["cross-site", "same-site"])
def test_other_sites_read_nothing(client, whence):
    asked = {"sec-fetch-site": whence, "sec-fetch-mode": "no-cors"}
    assert client.get("/api/runs", headers=asked).status_code == 403


def test_a_link_from_elsewhere_may_open_the_page(client):
    asked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=asked).status_code == 200


def test_every_answer_has_its_headers(client, stranger):
    for answer in (client.get("/"), client.get("/nothing"), stranger.get("/api/runs")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/static/../access.py", "/static/%2e%2e/access.py", "/static/..%2faccess.py",
     "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/api/runs/..%2f..%2fetc/real",
     "/api/runs/../../etc/passwd", "/api/runs/%2e%2e/real"],
)  # fmt: skip
def test_no_path_leads_out(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "Guard" not in answer.text


def test_a_password_is_asked_for_and_costs_time(site, monkeypatch):
    monkeypatch.setattr("ganwerk.web.pages.WRONG_SECONDS", 0.0)
    site.access = Access("0.0.0.0", 8765, b"s" * 32, password="sesame & Öl")
    with closing(Client(site, known=False)) as client:
        assert "password" in client.get("/enter").text
        assert client.get("/", params={"token": site.access.token}).headers["location"] == "/enter"
        wrong = client.post("/enter", data={"password": "sesame"})
        assert wrong.headers["location"] == "/enter?wrong"
        assert "set-cookie" not in wrong.headers
        right = client.post("/enter", data={"password": "sesame & Öl"})
        assert right.headers["location"] == "/"
        assert client.get("/api/runs").status_code == 200
        numbers = {"host": "192.168.1.7:8765", "origin": "http://192.168.1.7:8765"}
        assert client.get("/api/runs", headers=numbers).status_code == 200
        assert client.get("/api/runs", headers={"host": "evil.example"}).status_code == 400


def test_another_password_ends_the_old_cookies():
    all_access = [
        Access("0.0.0.0", 8765, b"s" * 32, password=word) for word in ("one", "two", None)
    ]
    assert len({access.cookie for access in all_access}) == 3
    assert "token" not in all_access[0].address


def test_the_secret_lasts_and_is_nobody_elses(tmp_path, monkeypatch):
    monkeypatch.setenv("GANWERK_CACHE", str(tmp_path / "cache"))
    first = lasting_secret()
    assert len(first) == 32
    assert lasting_secret() == first
    if os.name != "nt":
        mode = stat.S_IMODE((tmp_path / "cache" / "web-secret").stat().st_mode)
        assert mode == 0o600
    (tmp_path / "cache" / "web-secret").write_bytes(b"torn")
    assert lasting_secret() != first


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.8.8.8", True),
     ("0.0.0.0", False), ("192.168.1.7", False), ("::", False), ("example.org", False)],
)  # fmt: skip
def test_which_hosts_are_this_machine_alone(host, own):
    assert is_loopback(host) is own


def test_ids_that_are_none(client, site: Site):
    for run in ("0" * 16, "x", "digits", "..", "%00"):
        answer = client.get(f"/api/runs/{run}/real")
        assert answer.status_code == 404, run
        assert "error" in answer.json()
