"""A person's browser, as far as logging in goes."""

import urllib.parse

import requests

from .gws import PASSWORD


class Browser:
    """Follows no redirects by itself and keeps cookies by hand: ours are Secure, and the tests speak plain HTTP."""

    def __init__(self, stack, gateway=0):
        self.stack = stack
        self.base = stack.url(gateway)
        self.cookies = {}

    def request(self, method, url, **options):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
                   **options.pop("headers", {})}
        url = url if "://" in url else self.base + url
        answer = requests.request(method, url, headers=headers, allow_redirects=False, timeout=10, **options)
        for line in answer.raw.headers.getlist("set-cookie") if url.startswith(self.base) else []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
                self.stack.private.add(value)
        return answer

    def begin(self, path="/admin/"):
        """As far as GWS's page; what the browser was told to ask for."""
        answer = self.request("GET", "/auth/login", params={"return": path})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def log_in(self, user, password=PASSWORD, path="/admin/"):
        """All the way; the answer of /auth/callback."""
        page = self.begin(path)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
        sent = self.request("POST", page.split("?")[0], data={**query, "username": user, "password": password})
        assert sent.status_code == 302, sent.text
        return self.request("GET", sent.headers["location"])

    def session(self):
        answer = self.request("GET", "/auth/session")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]
