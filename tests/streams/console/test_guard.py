"""The door of the console: sessions, forgery, headers."""

import pytest
from yarl import URL

from streams.console.guard import CSRF_HEADER
from tests.streams.console.builders import TOKENS, Client, Console, alert, alerted, bearer

ACKNOWLEDGE = {"action": "acknowledge", "alert_id": alert().alert_id}


async def sign_in(client: Client, role: str) -> str:
    """Open a link, and return the token against forgery."""
    response = await client.get("/", params={"token": TOKENS[role]})
    assert response.status == 200
    assert response.url.query_string == ""
    session = await (await client.get("/api/session")).json()
    return str(session["csrf"])


async def test_a_link_becomes_a_cookie_that_scripts_cannot_read() -> None:
    async with Console().client() as client:
        response = await client.get("/", params={"token": TOKENS["viewer"]}, allow_redirects=False)
        (cookie,) = response.headers.getall("Set-Cookie")
        assert (response.status, response.headers["Location"]) == (303, "/")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert TOKENS["viewer"] not in cookie


async def test_a_link_used_by_another_browser_is_refused_with_words_and_ones_own_goes_on() -> None:
    console = Console()
    async with console.client() as first:
        await sign_in(first, "viewer")
        assert (await first.get("/", params={"token": TOKENS["viewer"]})).status == 200
        first.session.cookie_jar.clear()
        response = await first.get("/", params={"token": TOKENS["viewer"]})
        assert response.status == 401
        assert "This link has been used" in await response.text()


@pytest.mark.parametrize("path", ["/", "/?token=wrong"])
async def test_without_a_key_the_page_says_what_to_do(path: str) -> None:
    async with Console().client() as client:
        response = await client.get(URL(path))
        assert (response.status, response.content_type) == (401, "text/html")
        assert "vitals up" in await response.text()


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/events", "/api/units", "/api/actions", "/static/app.js", "/nowhere", "/static/../api"]
)
async def test_without_a_key_all_else_is_unknown(path: str, method: str) -> None:
    async with Console().client() as client:
        response = await client.request(method, path)
        assert (response.status, response.content_type) == (401, "application/problem+json")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/healthz", "/static/style.css", "/static/icon.svg"])
async def test_what_tells_nothing_of_the_district_is_open(path: str) -> None:
    async with Console().client() as client:
        assert (await client.get(path)).status == 200


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_a_change_by_cookie_needs_the_token_against_forgery(token: str | None) -> None:
    console = Console()
    console.live.fold([alerted(2)])
    async with console.client() as client:
        await sign_in(client, "operator")
        headers = {} if token is None else {CSRF_HEADER: token}
        response = await client.post("/api/actions", json=ACKNOWLEDGE, headers=headers)
        assert (response.status, console.sent) == (403, [])


async def test_a_change_by_cookie_with_its_token_goes_through() -> None:
    console = Console()
    console.live.fold([alerted(2)])
    async with console.client() as client:
        csrf = await sign_in(client, "operator")
        response = await client.post("/api/actions", json=ACKNOWLEDGE, headers={CSRF_HEADER: csrf})
        assert (response.status, len(console.sent)) == (202, 1)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_a_request_from_another_site_is_refused(origin: str) -> None:
    console = Console()
    console.live.fold([alerted(2)])
    async with console.client() as client:
        csrf = await sign_in(client, "operator")
        headers = {CSRF_HEADER: csrf, "Origin": origin}
        assert (await client.post("/api/actions", json=ACKNOWLEDGE, headers=headers)).status == 403
        assert (await client.get("/api/units", headers={"Origin": origin})).status == 403
        own = {CSRF_HEADER: csrf, "Origin": str(client.make_url("")).rstrip("/")}
        assert (await client.post("/api/actions", json=ACKNOWLEDGE, headers=own)).status == 202


async def test_a_viewer_may_not_act() -> None:
    console = Console()
    console.live.fold([alerted(2)])
    async with console.client() as client:
        response = await client.post("/api/actions", json=ACKNOWLEDGE, headers=bearer("viewer"))
        assert (response.status, console.sent) == (403, [])
        assert "viewer" in (await response.json())["detail"]


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/units", "/events", "/api/nowhere"])
@pytest.mark.parametrize("role", ["viewer", None])
async def test_every_answer_carries_the_headers_that_keep_a_browser_honest(path: str, role: str | None) -> None:
    async with Console().client() as client:
        response = await client.get(path, headers={} if role is None else bearer(role))
        policy = response.headers["Content-Security-Policy"]
        response.close()
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in response.headers


async def test_the_page_needs_no_inline_script_or_style_and_no_other_host() -> None:
    async with Console().client() as client:
        text = await (await client.get("/", headers=bearer("viewer"))).text()
        for forbidden in ("style=", "onclick=", "<style", "<script>", "http://", "https://"):
            assert forbidden not in text
