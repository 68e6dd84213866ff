"""Genesys Web Services as the simulator implements it: clients, users and their tokens."""

import secrets

import requests

from harness.wait import LONGEST_ANSWER

CLIENT = "nexus_client"
PASSWORDS = {"ops": "ops"}  # all other users have PASSWORD
PASSWORD = "nexus_password"


class Gws:
    """Available as stack.gws. All its tokens are secret, so no log may show them."""

    def __init__(self, stack):
        self.stack = stack
        self.url = stack.simulator_url
        self.client_secret = secrets.token_hex(24)
        stack.private.add(self.client_secret)

    def register(self, name=CLIENT, **description):
        """Registers the authentication client; needed again after each restart of the simulator."""
        description = {
            "internalClient": True, "name": name, "clientType": "CONFIDENTIAL", "client_id": name,
            "client_secret": self.client_secret, "authorities": ["ROLE_INTERNAL_CLIENT"], "scope": ["*"],
            "authorizedGrantTypes": ["client_credentials", "authorization_code", "refresh_token", "implicit", "password"],
            "redirectURIs": self.stack.urls(), "accessTokenExpirationTimeout": 43200,
            "refreshTokenExpirationTimeout": 2592000, **description}
        return self.post("/auth/v3/ops/clients", json={"data": description}, auth=("ops", "ops"))

    def token(self, user, ccid=None):
        """An access token of a user of the contact center, or of a user without one. Each call is a log-in."""
        username = f"{ccid}\\{user}" if ccid else user
        granted = self.grant(grant_type="password", username=username, password=PASSWORDS.get(user, PASSWORD))
        assert granted.status_code == 200, granted.text
        return granted.json()["access_token"]

    def grant(self, **form):
        """Requests a token as nexus_client. No log may show the tokens of the answer."""
        granted = self.post("/auth/v3/oauth/token", data=form, auth=(CLIENT, self.client_secret))
        if granted.ok and "json" in granted.headers.get("content-type", ""):
            self.keep_private(granted)
        return granted

    def keep_private(self, granted):
        try:
            answer = granted.json()
        except ValueError:
            return
        if isinstance(answer, dict):
            self.stack.private |= {answer[name] for name in ("access_token", "refresh_token")
                                   if isinstance(answer.get(name), str)}

    def userinfo(self, token):
        return self.get("/auth/v3/userinfo", headers={"Authorization": f"Bearer {token}"})

    def sign_out(self, token):
        """Ends the log-in to which the token belongs."""
        return self.post("/auth/v3/sign-out", headers={"Authorization": f"Bearer {token}"})

    def knobs(self, ccid=None, **knobs):
        """Sets how GWS behaves for a contact center (or for the operator, "ops"), or for all that have no knobs of their own:
        gws_latency_ms, gws_status, gws_answers, gws_token_life_ms."""
        put = requests.put(f"{self.url}/sim/knobs" + (f"/{ccid}" if ccid else ""), json=knobs, timeout=LONGEST_ANSWER)
        assert put.status_code == 200, put.text

    def counts(self, ccid):
        """gwsTokens and gwsUserinfo: the numbers of requests about this contact center (or "ops")."""
        return requests.get(f"{self.url}/sim/stats", timeout=LONGEST_ANSWER).json()["channels"].get(ccid, {})

    def get(self, path, **options):
        return requests.get(self.url + path, timeout=LONGEST_ANSWER, **options)

    def post(self, path, **options):
        return requests.post(self.url + path, timeout=LONGEST_ANSWER, **options)
