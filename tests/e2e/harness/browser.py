"""A user's browser, as far as log-in needs it."""

import urllib.parse

import requests

from harness.answers import data_of
from harness.gws import PASSWORD
from harness.wait import LONGEST_ANSWER


class Browser:
    """Does not follow redirects, and handles cookies itself: ours are Secure, and the tests use plain HTTP."""

    def __init__(self, stack, gateway=0):
        self.stack = stack
        self.base = stack.url(gateway)
        self.cookies = {}

    def request(self, method, url, **options):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
                   **options.pop("headers", {})}
        url = url if "://" in url else self.base + url
        answer = requests.request(method, url, headers=headers, allow_redirects=False, timeout=LONGEST_ANSWER, **options)
        for line in answer.raw.headers.getlist("set-cookie") if url.startswith(self.base) else []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
                self.stack.private.add(value)
        return answer

    def begin(self, path="/admin/"):
        """Starts a log-in and returns the URL of GWS to which the browser is redirected."""
        answer = self.request("GET", "/auth/login", params={"return": path})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def log_in(self, user, password=PASSWORD, path="/admin/"):
        """Completes a log-in and returns the answer of /auth/callback."""
        page = self.begin(path)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))
        sent = self.request("POST", page.split("?")[0], data={**query, "username": user, "password": password})
        assert sent.status_code == 302, sent.text
        return self.request("GET", sent.headers["location"])

    def session(self):
        answer = self.request("GET", "/auth/session")
        assert answer.status_code == 200, answer.text
        return data_of(answer)
