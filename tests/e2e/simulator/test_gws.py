"""Genesys Web Services as the simulator implements it: its users and clients, and the failures that knobs cause."""

import html.parser
import threading
import urllib.parse
import uuid

import pytest
import requests

from harness.answers import data_of
from harness.gws import CLIENT
from harness.wait import LONGEST_ANSWER, eventually

GRANTED = {"access_token", "token_type", "refresh_token", "expires_in", "scope"}


@pytest.fixture
def gws(nexus):
    yield nexus.gws
    requests.delete(f"{nexus.simulator_url}/sim/knobs", timeout=LONGEST_ANSWER)


@pytest.fixture
def ccid():
    return str(uuid.uuid4())


def assert_refused(answer, status):
    """Asserts this status in the envelope of GWS."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"]["code"] == status and body["errors"][0]["status"] == body["status"]


# --- grants of tokens


@pytest.mark.parametrize("backslashes", [1, 2])
def test_a_user_of_a_contact_center_gets_a_token_by_password(gws, ccid, backslashes):
    granted = gws.grant(grant_type="password", username=f"{ccid}{backslashes * chr(92)}nexus", password="nexus_password",
                        client_id=CLIENT)

    assert granted.status_code == 200 and granted.headers["cache-control"] == "no-store"
    assert set(granted.json()) == GRANTED
    assert (granted.json()["token_type"], granted.json()["expires_in"], granted.json()["scope"]) == ("bearer", 43199, "*")
    user = gws.userinfo(granted.json()["access_token"]).json()
    assert (user["username"], user["contactCenterId"]) == ("nexus", ccid)
    assert [authority["name"] for authority in user["authorities"]] == ["ROLE_ADMIN"]


def test_an_operator_belongs_to_no_contact_center(gws):
    user = gws.userinfo(gws.token("ops")).json()

    assert "contactCenterId" not in user
    assert [authority["name"] for authority in user["authorities"]] == ["ROLE_OPS"]


def test_an_agent_has_the_role_of_agents(gws, ccid):
    user = gws.userinfo(gws.token("agent7", ccid)).json()

    assert (user["username"], user["contactCenterId"]) == ("agent7", ccid)
    assert [authority["name"] for authority in user["authorities"]] == ["ROLE_AGENT"]


def test_a_client_authenticates_with_parameters_in_the_query_and_its_secret_there_or_in_basic(gws):
    query = {"grant_type": "client_credentials", "scope": "", "client_id": CLIENT}
    for password, secret in (("", gws.client_secret), (gws.client_secret, ""), (gws.client_secret, None)):
        granted = gws.post("/auth/v3/oauth/token", params={**query, "client_secret": secret}, auth=(CLIENT, password))
        gws.keep_private(granted)

        assert granted.status_code == 200, granted.text
        assert set(granted.json()) == GRANTED - {"refresh_token"}
        user = gws.userinfo(granted.json()["access_token"]).json()
        assert [authority["name"] for authority in user["authorities"]] == ["ROLE_INTERNAL_CLIENT"]
    without_basic = gws.post("/auth/v3/oauth/token", data={**query, "client_secret": gws.client_secret})
    gws.keep_private(without_basic)
    assert without_basic.status_code == 200


@pytest.mark.parametrize("name, secret, form", [
    (CLIENT, "wrong", {}), (CLIENT, "", {}), ("nobody", "wrong", {}), (CLIENT, None, {"client_id": "another"}),
    ("another", None, {"client_id": CLIENT})], ids=["secret", "none", "client", "two-names", "two-names-reversed"])
def test_a_client_with_wrong_credentials_gets_no_token(gws, name, secret, form):
    gws.register("another").raise_for_status()

    answer = gws.post("/auth/v3/oauth/token", data={"grant_type": "client_credentials", **form},
                      auth=(name, gws.client_secret if secret is None else secret))

    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("form", [
    {"username": "{ccid}\\nexus", "password": "wrong"}, {"username": "{ccid}\\somebody", "password": "nexus_password"},
    {"username": "nexus", "password": "nexus_password"}, {"username": "{ccid}\\ops", "password": "ops"}, {"username": "ops"}, {}])
def test_an_unknown_user_gets_no_token_and_creates_no_contact_center(gws, ccid, form):
    form = {name: value.format(ccid=ccid) for name, value in form.items()}

    answer = gws.grant(grant_type="password", **form)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert ccid not in centers(gws)


def test_a_client_uses_only_the_grants_it_is_registered_for(gws):
    gws.register("reader", authorizedGrantTypes=["client_credentials"]).raise_for_status()

    answer = gws.post("/auth/v3/oauth/token", data={"grant_type": "password", "username": "ops", "password": "ops"},
                      auth=("reader", gws.client_secret))

    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert gws.grant(grant_type="magic").json()["error"] == "unsupported_grant_type"
    assert gws.grant(grant_type="implicit").json()["error"] == "unsupported_grant_type"


# --- lifetime of tokens


def test_a_token_is_refreshed_and_the_old_one_stays_valid_for_its_lifetime(gws, ccid):
    first = gws.grant(grant_type="password", username=f"{ccid}\\nexus", password="nexus_password").json()

    second = gws.grant(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()

    assert set(second) == GRANTED and second["access_token"] != first["access_token"]
    assert gws.userinfo(second["access_token"]).json() == gws.userinfo(first["access_token"]).json()
    assert gws.grant(grant_type="refresh_token", refresh_token=first["access_token"]).json()["error"] == "invalid_grant"


def test_a_token_expires_after_its_lifetime(gws, ccid):
    gws.knobs(ccid, gws_token_life_ms=300)

    token = gws.token("nexus", ccid)

    eventually(lambda: gws.userinfo(token).status_code == 403, "the token has expired")
    assert_refused(gws.userinfo(token), 403)


def test_a_client_may_have_its_own_lifetime_of_tokens(gws):
    gws.register("hasty", accessTokenExpirationTimeout=1).raise_for_status()

    granted = gws.post("/auth/v3/oauth/token", data={"grant_type": "client_credentials"}, auth=("hasty", gws.client_secret))
    gws.keep_private(granted)

    assert granted.json()["expires_in"] == 0
    eventually(lambda: gws.userinfo(granted.json()["access_token"]).status_code == 403, "the token has expired")


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {uuid.uuid4()}"}, {"Authorization": "Bearer"},
                                     {"Authorization": "Basic b3BzOm9wcw=="}], ids=["none", "unknown", "empty", "basic"])
def test_a_user_with_an_unknown_token_is_refused(gws, headers):
    assert_refused(gws.get("/auth/v3/userinfo", headers=headers), 403)


def test_signing_out_ends_all_tokens_of_the_log_in_and_no_others(gws, ccid):
    granted = gws.grant(grant_type="password", username=f"{ccid}\\nexus", password="nexus_password").json()
    other = gws.token("nexus", ccid)

    assert gws.sign_out(granted["access_token"]).status_code == 200

    assert_refused(gws.userinfo(granted["access_token"]), 403)
    assert gws.grant(grant_type="refresh_token", refresh_token=granted["refresh_token"]).json()["error"] == "invalid_grant"
    assert gws.userinfo(other).status_code == 200


# --- contact centers and clients


def centers(gws):
    answer = gws.get("/environment/v3/contact-centers", auth=("ops", "ops"))
    assert answer.status_code == 200, answer.text
    return {center["id"]: center for center in data_of(answer)["contactCenters"]}


def test_a_contact_center_is_created_with_its_first_user(gws, ccid):
    assert ccid not in centers(gws)

    gws.token("agent1", ccid)

    center = centers(gws)[ccid]
    assert center == {"id": ccid, "environmentId": center["environmentId"], "domains": [], "auth": "configServer"}
    assert uuid.UUID(center["environmentId"])


def test_a_setting_is_stored_and_replaced(gws, ccid):
    gws.token("nexus", ccid)
    path = f"/environment/v3/contact-centers/{ccid}/settings"
    setting = {"name": "chatservice-uri", "location": "/", "value": "http://nexus", "shared": False}

    for value in ("http://elsewhere", "http://nexus"):
        assert gws.post(path, json={"data": {**setting, "value": value}}, auth=("ops", "ops")).status_code == 200

    assert data_of(gws.get(path, auth=("ops", "ops")))["settings"] == [setting]
    assert_refused(gws.post(path, json={"data": {"location": "/"}}, auth=("ops", "ops")), 400)
    assert_refused(gws.post(path, data="{", auth=("ops", "ops")), 400)
    assert_refused(gws.post(path.replace(ccid, str(uuid.uuid4())), json={"data": setting}, auth=("ops", "ops")), 404)


@pytest.mark.parametrize("auth", [None, ("ops", "wrong"), ("nexus", "nexus_password")])
def test_only_an_operator_may_use_the_administrative_routes(gws, ccid, auth):
    gws.token("nexus", ccid)
    for method, path in (("GET", "contact-centers"), ("GET", f"contact-centers/{ccid}/settings"),
                         ("POST", f"contact-centers/{ccid}/settings")):
        assert_refused(requests.request(method, f"{gws.url}/environment/v3/{path}", auth=auth, json={}, timeout=LONGEST_ANSWER), 401)
    assert_refused(gws.post("/auth/v3/ops/clients", json={}, auth=auth), 401)


def test_a_client_without_a_secret_is_refused(gws):
    assert_refused(gws.register("careless", client_secret=""), 400)


# --- log-in in a browser


class Form(html.parser.HTMLParser):
    """The form of the page, as a browser without scripts sends it."""

    def __init__(self, page):
        super().__init__()
        self.action, self.method, self.fields = None, None, {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.action, self.method = attributes["action"], attributes["method"]
        if tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")


def authorization(gws, **changed):
    request = {"response_type": "code", "client_id": CLIENT, "redirect_uri": f"{gws.stack.url()}/auth/callback",
               "state": "a&b=<\"'>", **changed}
    return gws.get("/auth/v3/oauth/authorize", params=request)


def fill_in(gws, page, username, password):
    form = Form(page.text)
    assert form.method == "post"
    return requests.post(urllib.parse.urljoin(page.url, form.action), allow_redirects=False, timeout=LONGEST_ANSWER,
                         data={**form.fields, "username": username, "password": password})


def test_a_user_logs_in_on_a_page_and_returns_with_a_code_that_is_valid_once(gws, ccid):
    page = authorization(gws)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]

    sent = fill_in(gws, page, f"{ccid}\\nexus", "nexus_password")

    assert sent.status_code == 302
    target = urllib.parse.urlsplit(sent.headers["location"])
    query = urllib.parse.parse_qs(target.query)
    assert target.path == "/auth/callback" and query["state"] == ["a&b=<\"'>"]
    form = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": f"{gws.stack.url()}/auth/callback"}
    granted = gws.grant(**form)
    assert set(granted.json()) == GRANTED
    assert gws.userinfo(granted.json()["access_token"]).json()["contactCenterId"] == ccid
    assert gws.grant(**form).json()["error"] == "invalid_grant"


def test_a_code_is_valid_only_for_its_client_and_its_address(gws, ccid):
    gws.register("another").raise_for_status()
    page = authorization(gws)

    def code():
        sent = fill_in(gws, page, f"{ccid}\\nexus", "nexus_password")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(sent.headers["location"]).query)
        return {"grant_type": "authorization_code", "code": query["code"][0]}

    elsewhere = gws.grant(**code(), redirect_uri=f"{gws.stack.url()}/")
    by_another = gws.post("/auth/v3/oauth/token", auth=("another", gws.client_secret),
                          data={**code(), "redirect_uri": f"{gws.stack.url()}/auth/callback"})

    assert elsewhere.json()["error"] == "invalid_grant"
    assert by_another.json()["error"] == "invalid_grant"


def test_a_wrong_password_shows_the_page_again_with_the_error(gws, ccid):
    answer = fill_in(gws, authorization(gws), f"{ccid}\\nexus", "mistyped")

    assert answer.status_code == 401 and 'role="alert"' in answer.text
    assert Form(answer.text).fields["username"] == f"{ccid}\\nexus" and "mistyped" not in answer.text


def test_input_is_escaped_in_the_page(gws):
    answer = fill_in(gws, authorization(gws), "\"><script>alert(1)</script>", "x")

    assert "<script" not in answer.text


@pytest.mark.parametrize("changed", [{"client_id": "nobody"}, {"redirect_uri": "http://evil.example/"}, {"redirect_uri": ""},
                                     {"response_type": "token"}], ids=str)
def test_no_redirect_leads_to_an_unregistered_address(gws, changed):
    answer = authorization(gws, **changed)

    assert answer.status_code == 400 and Form(answer.text).action is None


def test_signing_out_in_a_browser_redirects_to_registered_addresses_only(gws):
    def sign_out(uri):
        return requests.get(f"{gws.url}/auth/v3/sign-out", params={"redirectUri": uri}, allow_redirects=False, timeout=LONGEST_ANSWER)

    assert sign_out(f"{gws.stack.url()}/admin/").headers["location"] == f"{gws.stack.url()}/admin/"
    assert sign_out("http://evil.example/").status_code == 400


# --- failures on demand


def test_a_knob_delays_answers(gws, ccid):
    token = gws.token("nexus", ccid)
    gws.knobs(ccid, gws_latency_ms=60000)

    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{gws.url}/auth/v3/userinfo", headers={"Authorization": f"Bearer {token}"}, timeout=1)

    gws.knobs(ccid, gws_latency_ms=1)
    assert gws.userinfo(token).status_code == 200


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_a_knob_makes_answers_about_one_contact_center_fail(gws, ccid, status):
    token, other = gws.token("nexus", ccid), gws.token("nexus", str(uuid.uuid4()))
    gws.knobs(ccid, gws_status=status)

    assert_refused(gws.userinfo(token), status)
    assert gws.userinfo(other).status_code == 200


@pytest.mark.parametrize("how", ["text", "cut", "empty", "list", "types", "huge"])
def test_a_knob_makes_answers_malformed(gws, ccid, how):
    token = gws.token("nexus", ccid)
    right = gws.userinfo(token)
    gws.knobs(ccid, gws_answers=how)

    wrong = gws.userinfo(token)

    assert wrong.status_code == 200 and wrong.text != right.text
    granted = gws.post("/auth/v3/oauth/token", auth=(CLIENT, gws.client_secret), data={
        "grant_type": "password", "username": f"{ccid}\\nexus", "password": "nexus_password"})
    assert granted.status_code == 200 and granted.text[:40] != "" and not has_token(granted)


def has_token(answer):
    try:
        return isinstance(answer.json()["access_token"], str)
    except (ValueError, LookupError, TypeError):
        return False


def test_requests_are_counted(gws, ccid):
    token = gws.token("nexus", ccid)
    gws.userinfo(token)
    gws.userinfo(token)

    assert (gws.counts(ccid)["gwsTokens"], gws.counts(ccid)["gwsUserinfo"]) == (1, 2)


def test_the_simulator_stops_at_once_although_answers_are_pending(make_stack):
    stack = make_stack()
    ccid = str(uuid.uuid4())
    token = stack.gws.token("nexus", ccid)
    stack.gws.knobs(ccid, gws_latency_ms=60000)
    request = threading.Thread(target=lambda: stack.gws.userinfo(token))
    request.start()
    eventually(lambda: stack.gws.counts(ccid)["gwsUserinfo"] == 1, "the simulator has got the request")

    assert stack["simulator-0"].stop() == 0  # long before the answer is due

    request.join(2 * LONGEST_ANSWER)
    assert not request.is_alive()
