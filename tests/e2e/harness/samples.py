"""A request for each operation that the right caller is answered with success. Most follow from the operation itself;
what has a meaning beyond its form stands here."""

import uuid

from .people import Answer, conversation_of


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


def _message(town):
    """The answer to a new conversation of ours."""
    return {"id": Answer(town.ours, _conversation(town)["id"]).id}


def _waiting_message(town):
    """One that waits for a later attempt. The sample of a switch may have left its destination off."""
    town.stack.query("""update destination d set enabled = true, switched_off = null
                          from channel c join tenant t on t.id = c.tenant_id
                         where t.ccid = %s and d.id = c.destination_id""", town.ours.ccid)
    answer = Answer(town.ours, _conversation(town)["id"])
    answer.becomes("sent")
    town.stack.query("""with back as (update message set state = 1 where id = %s returning *)
                        insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, due,
                                              expires)
                        select b.tenant_id, c.destination_id, b.channel_id, b.id, b.conversation_id, b.address,
                               now() + interval '1 hour', now() + interval '1 day'
                          from back b join channel c on c.id = b.channel_id""", answer.id)
    return {"id": answer.id}


def _attachment(town):
    """One that came with a text to us."""
    answer = town.ours.aggregator().message(**{"mms_attachment[0].content_type": "image/png",
                                               "mms_attachment[0].content": "iVBORw0KGgo="})
    data = answer.json()["data"]
    return {"id": data["conversationId"], "message": data["messageId"], "ordinal": 1}


def _key(town):
    """A new one of ours, named by what is shown of it."""
    prefix = str(uuid.uuid4())[:13]
    town.stack.query("""insert into api_key (tenant_id, mac, prefix, name, permissions)
                        select id, gen_random_uuid()::text::bytea, %s, 'of a sample ' || %s, '{nexus:consumer:chat}' from tenant
                         where ccid = %s""", prefix, prefix, town.ours.ccid)
    return {"id": prefix}


def _service(town):
    """One of ours that is there."""
    town.stack.query("""insert into service (tenant_id, name, url) select id, 'PlatformUCS', 'http://ucs.example.com'
                          from tenant where ccid = %s on conflict do nothing""", town.ours.ccid)
    return {"ccid": town.ours.ccid, "serviceName": "PlatformUCS"}


def _section(town, with_section=True):
    """One of ours that is there. NexusServices would take our number along."""
    town.stack.query("""insert into transaction_section (tenant_id, transaction, section, options)
                        select id, 'NexusEndpoints', 'sample', '{"queue": "sample"}' from tenant where ccid = %s
                            on conflict do nothing""", town.ours.ccid)
    names = {"ccid": town.ours.ccid, "transaction": "NexusEndpoints"}
    return {**names, "section": "sample"} if with_section else names


def _destination(town):
    """Ours, as its number's."""
    return {"id": town.stack.query("""select c.destination_id from channel c join tenant t on t.id = c.tenant_id
                                       where t.ccid = %s and c.address = %s""", town.ours.ccid, town.ours.number)[0][0]}


def _tenant(town):
    return {"id": town.ours.ccid, "name": town.ours.name, "type": "PureEngage", "username": "nexus",
            "backendurl": "http://gws.example.com", "genesystemenantid": 1}


SAMPLES = {
    "smsMessage": _sms_message,
    "smsReceipt": lambda town: {"body": {"message_id": uuid.uuid4().hex, "message_state": 2}},
    "undeliveredReplay": lambda town: {"body": {"ids": []}},
    "messageTimeline": lambda town: {"names": _message(town)},
    "messageCancel": lambda town: {"names": _waiting_message(town)},
    "destinationTry": lambda town: {"names": _destination(town)},
    "destinationEnable": lambda town: {"names": _destination(town)},
    "destinationDisable": lambda town: {"names": _destination(town)},
    "conversation": lambda town: {"names": _conversation(town)},
    "transcript": lambda town: {"names": _conversation(town)},
    "contacts": lambda town: {"query": {"address": town.ours.phone()}},
    "attachment": lambda town: {"names": _attachment(town)},
    "attachmentLink": lambda town: {"names": _attachment(town)},
    "conversationPost": lambda town: {"names": _conversation(town), "body": {"text": town.ours.text()}},
    "conversationAccept": lambda town: {"names": _conversation(town)},
    "conversationDone": lambda town: {"names": _conversation(town)},
    "tenantProvision": lambda town: {"body": _tenant(town), "concerns_us": True},
    "tenant": lambda town: {"names": {"ccid": town.ours.ccid}},
    "apikeyCreate": lambda town: {"body": {"tenant": town.ours.ccid, "name": f"sample {uuid.uuid4()}",
                                           "permissions": ["nexus:consumer:chat"]}, "concerns_us": True},
    "apikey": lambda town: {"names": _key(town)},
    "apikeyChange": lambda town: {"names": _key(town), "body": {"name": f"another {uuid.uuid4()}"}},
    "apikeyRevoke": lambda town: {"names": _key(town)},
    "servicePost": lambda town: {"names": _service(town), "body": {"url": "http://ucs.example.com"}},
    "servicePut": lambda town: {"names": _service(town), "body": {"url": "http://ucs.example.com"}},
    "service": lambda town: {"names": _service(town)},
    "serviceDelete": lambda town: {"names": _service(town)},
    "services": lambda town: {"names": {"ccid": town.ours.ccid}},
    "transaction": lambda town: {"names": _section(town, False)},
    "transactionPut": lambda town: {"names": _section(town, False), "body": {"sample": {"queue": "another"}}},
    "transactionDelete": lambda town: {"names": _section(town, False)},
    "section": lambda town: {"names": _section(town)},
    "sectionPut": lambda town: {"names": _section(town), "body": {"queue": "another"}},
    "sectionDelete": lambda town: {"names": _section(town)},
}


def sample(operation, town):
    """A new one each time: what it changes it changes once."""
    make = SAMPLES.get(operation.name)
    assert make or not (operation.path_names() or operation.needs_body), f"samples.py has none for {operation.name}"
    return Sample(operation, **(make(town) if make else {}))
