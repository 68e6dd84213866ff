"""A request for each operation that the right caller is answered with success. Most follow from the operation itself;
what has a meaning beyond its form stands here."""

import uuid

from .people import conversation_of


class Sample:
    """Where it goes and what it brings. concerns_us: it names something that is our contact center's."""

    def __init__(self, operation, names=None, query=None, body=None, concerns_us=None):
        self.method, self.query, self.body = operation.method, query, body
        self.names = names or {}
        self.path = operation.path.format(**self.names)
        self.concerns_us = bool(self.names) if concerns_us is None else concerns_us

    def send(self, session, base, headers, **options):
        """Not followed: a redirect is an answer."""
        brings = {} if self.body is None else {"json": self.body}
        return session.request(self.method, base + self.path, params=self.query, headers=headers, timeout=20,
                               allow_redirects=False, **brings, **options)


def _conversation(town):
    return {"id": conversation_of(town.ours)}


def _sms_message(town):
    return {"body": {"message_id": uuid.uuid4().hex, "phone_number": town.ours.phone(), "shortcode": town.ours.number,
                     "message": town.ours.text()}}


SAMPLES = {
    "smsMessage": _sms_message,
    "smsReceipt": lambda town: {"body": {"message_id": uuid.uuid4().hex, "message_state": 2}},
    "undeliveredReplay": lambda town: {"body": {"ids": []}},
    "conversation": lambda town: {"names": _conversation(town)},
    "transcript": lambda town: {"names": _conversation(town)},
    "conversationPost": lambda town: {"names": _conversation(town), "body": {"text": town.ours.text()}},
    "conversationAccept": lambda town: {"names": _conversation(town)},
    "conversationDone": lambda town: {"names": _conversation(town)},
}


def sample(operation, town):
    """A new one each time: what it changes it changes once."""
    make = SAMPLES.get(operation.name)
    assert make or not (operation.path_names() or operation.needs_body), f"samples.py has none for {operation.name}"
    return Sample(operation, **(make(town) if make else {}))
