"""Genesys Web Services as the simulator plays it: clients, users and their tokens."""

import secrets

import requests

CLIENT = "nexus_client"
PASSWORDS = {"ops": "ops"}  # everybody else has this one:
PASSWORD = "nexus_password"


class Gws:
    """stack.gws. Everything it gives out is secret, so no log may show it."""

    def __init__(self, stack):
        self.stack = stack
        self.url = stack.simulator_url
        self.client_secret = secrets.token_hex(24)
        stack.private.add(self.client_secret)

    def register(self, name=CLIENT, **description):
        """The authentication client; to be said again after the simulator has started anew."""
        description = {
            "internalClient": True, "name": name, "clientType": "CONFIDENTIAL", "client_id": name,
            "client_secret": self.client_secret, "authorities": ["ROLE_INTERNAL_CLIENT"], "scope": ["*"],
            "authorizedGrantTypes": ["client_credentials", "authorization_code", "refresh_token", "implicit", "password"],
            "redirectURIs": self.stack.urls(), "accessTokenExpirationTimeout": 43200,
            "refreshTokenExpirationTimeout": 2592000, **description}
        return self.post("/auth/v3/ops/clients", json={"data": description}, auth=("ops", "ops"))

    def token(self, user, ccid=None):
        """An access token of a user of the contact center, or of one that belongs to none. Each call is a log-in."""
        username = f"{ccid}\\{user}" if ccid else user
        granted = self.grant(grant_type="password", username=username, password=PASSWORDS.get(user, PASSWORD))
        assert granted.status_code == 200, granted.text
        return granted.json()["access_token"]

    def grant(self, **form):
        """One request for a token, as nexus_client. What comes back is kept out of logs."""
        granted = self.post("/auth/v3/oauth/token", data=form, auth=(CLIENT, self.client_secret))
        if granted.ok and "json" in granted.headers.get("content-type", ""):
            self.keep_private(granted)
        return granted

    def keep_private(self, granted):
        try:
            said = granted.json()
        except ValueError:
            return
        if isinstance(said, dict):
            self.stack.private |= {said[name] for name in ("access_token", "refresh_token")
                                   if isinstance(said.get(name), str)}

    def userinfo(self, token):
        return self.get("/auth/v3/userinfo", headers={"Authorization": f"Bearer {token}"})

    def sign_out(self, token):
        """The token's log-in ends."""
        return self.post("/auth/v3/sign-out", headers={"Authorization": f"Bearer {token}"})

    def knobs(self, ccid=None, **knobs):
        """How GWS behaves toward a contact center (or the operator: "ops"), or toward all without knobs of their own:
        gws_latency_ms, gws_status, gws_answers, gws_token_life_ms."""
        put = requests.put(f"{self.url}/sim/knobs" + (f"/{ccid}" if ccid else ""), json=knobs, timeout=5)
        assert put.status_code == 200, put.text

    def counts(self, ccid):
        """gwsTokens and gwsUserinfo: how often it was asked about this contact center (or "ops")."""
        return requests.get(f"{self.url}/sim/stats", timeout=5).json()["channels"].get(ccid, {})

    def get(self, path, **options):
        return requests.get(self.url + path, timeout=10, **options)

    def post(self, path, **options):
        return requests.post(self.url + path, timeout=10, **options)
