"""A request for each operation that succeeds for an authorized caller. Most follow from the operation itself; those that
need more are declared here."""

import uuid

from harness.answers import data_of
from harness.people import OutboundMessage, conversation_of


class Sample:
    """A request. concerns_us: it names an object of our contact center."""

    def __init__(self, operation, names=None, query=None, body=None, concerns_us=None):
        self.method, self.query, self.body = operation.method, query, body
        self.names = names or {}
        self.path = operation.path.format(**self.names)
        self.concerns_us = bool(self.names) if concerns_us is None else concerns_us

    def send(self, session, base, headers, **options):
        """Does not follow redirects."""
        body = {} if self.body is None else {"json": self.body}
        return session.request(self.method, base + self.path, params=self.query, headers=headers, timeout=20,
                               allow_redirects=False, **body, **options)


def _conversation(installation):
    return {"id": conversation_of(installation.ours)}


def _sms_message(installation):
    return {"body": {"message_id": uuid.uuid4().hex, "phone_number": installation.ours.phone(), "shortcode": installation.ours.number,
                     "message": installation.ours.text()}}


def _message(installation):
    """An outbound message in a new conversation of ours."""
    return {"id": OutboundMessage(installation.ours, _conversation(installation)["id"]).id}


def _waiting_message(installation):
    """A message that waits for a later attempt. The sample of destinationDisable may have left its destination off."""
    installation.stack.query("""update destination d set enabled = true, switched_off = null
                          from channel c join tenant t on t.id = c.tenant_id
                         where t.ccid = %s and d.id = c.destination_id""", installation.ours.ccid)
    message = OutboundMessage(installation.ours, _conversation(installation)["id"])
    message.becomes("sent")
    installation.stack.query("""with back as (update message set state = 1 where id = %s returning *),
                             entered as (insert into ledger_entry (tenant_id, channel_id, direction, state, messages)
                                         select b.tenant_id, b.channel_id, b.direction, s.state, s.messages
                                           from back b cross join (values (4, -1), (1, 1)) s (state, messages))
                        insert into delivery (tenant_id, destination_id, channel_id, message_id, conversation_id, address, due,
                                              expires)
                        select b.tenant_id, c.destination_id, b.channel_id, b.id, b.conversation_id, b.address,
                               now() + interval '1 hour', now() + interval '1 day'
                          from back b join channel c on c.id = b.channel_id""", message.id)
    return {"id": message.id}


def _attachment(installation):
    """An attachment of a text to us."""
    answer = installation.ours.aggregator().message(**{"mms_attachment[0].content_type": "image/png",
                                               "mms_attachment[0].content": "iVBORw0KGgo="})
    data = data_of(answer)
    return {"id": data["conversationId"], "message": data["messageId"], "ordinal": 1}


def _key(installation):
    """A new key of ours, named by its visible prefix."""
    prefix = str(uuid.uuid4())[:13]
    installation.stack.query("""insert into api_key (tenant_id, mac, prefix, name, permissions)
                        select id, gen_random_uuid()::text::bytea, %s, 'of a sample ' || %s, '{nexus:consumer:chat}' from tenant
                         where ccid = %s""", prefix, prefix, installation.ours.ccid)
    return {"id": prefix}


def _service(installation):
    """A service of ours that exists."""
    installation.stack.query("""insert into service (tenant_id, name, url) select id, 'PlatformUCS', 'http://ucs.example.com'
                          from tenant where ccid = %s on conflict do nothing""", installation.ours.ccid)
    return {"ccid": installation.ours.ccid, "serviceName": "PlatformUCS"}


def _section(installation, with_section=True):
    """A section of ours that exists. Deleting one of NexusServices would also remove our number."""
    installation.stack.query("""insert into transaction_section (tenant_id, transaction, section, options)
                        select id, 'NexusEndpoints', 'sample', '{"queue": "sample"}' from tenant where ccid = %s
                            on conflict do nothing""", installation.ours.ccid)
    names = {"ccid": installation.ours.ccid, "transaction": "NexusEndpoints"}
    return {**names, "section": "sample"} if with_section else names


def _destination(installation):
    """The destination of our number."""
    return {"id": installation.stack.query("""select c.destination_id from channel c join tenant t on t.id = c.tenant_id
                                       where t.ccid = %s and c.address = %s""", installation.ours.ccid, installation.ours.number)[0][0]}


def _tenant(installation):
    return {"id": installation.ours.ccid, "name": installation.ours.name, "type": "PureEngage", "username": "nexus",
            "backendurl": "http://gws.example.com", "genesystemenantid": 1}


SAMPLES = {
    "smsMessage": _sms_message,
    "smsReceipt": lambda installation: {"body": {"message_id": uuid.uuid4().hex, "message_state": 2}},
    "undeliveredReplay": lambda installation: {"body": {"ids": []}},
    "messageTimeline": lambda installation: {"names": _message(installation)},
    "messageCancel": lambda installation: {"names": _waiting_message(installation)},
    "destinationTry": lambda installation: {"names": _destination(installation)},
    "destinationEnable": lambda installation: {"names": _destination(installation)},
    "destinationDisable": lambda installation: {"names": _destination(installation)},
    "conversation": lambda installation: {"names": _conversation(installation)},
    "transcript": lambda installation: {"names": _conversation(installation)},
    "contacts": lambda installation: {"query": {"address": installation.ours.phone()}},
    "attachment": lambda installation: {"names": _attachment(installation)},
    "attachmentLink": lambda installation: {"names": _attachment(installation)},
    "conversationPost": lambda installation: {"names": _conversation(installation), "body": {"text": installation.ours.text()}},
    "conversationAccept": lambda installation: {"names": _conversation(installation)},
    "conversationDone": lambda installation: {"names": _conversation(installation)},
    "tenantProvision": lambda installation: {"body": _tenant(installation), "concerns_us": True},
    "tenant": lambda installation: {"names": {"ccid": installation.ours.ccid}},
    "apikeyCreate": lambda installation: {"body": {"tenant": installation.ours.ccid, "name": f"sample {uuid.uuid4()}",
                                           "permissions": ["nexus:consumer:chat"]}, "concerns_us": True},
    "apikey": lambda installation: {"names": _key(installation)},
    "apikeyChange": lambda installation: {"names": _key(installation), "body": {"name": f"another {uuid.uuid4()}"}},
    "apikeyRevoke": lambda installation: {"names": _key(installation)},
    "servicePost": lambda installation: {"names": _service(installation), "body": {"url": "http://ucs.example.com"}},
    "servicePut": lambda installation: {"names": _service(installation), "body": {"url": "http://ucs.example.com"}},
    "service": lambda installation: {"names": _service(installation)},
    "serviceDelete": lambda installation: {"names": _service(installation)},
    "services": lambda installation: {"names": {"ccid": installation.ours.ccid}},
    "transaction": lambda installation: {"names": _section(installation, False)},
    "transactionPut": lambda installation: {"names": _section(installation, False), "body": {"sample": {"queue": "another"}}},
    "transactionDelete": lambda installation: {"names": _section(installation, False)},
    "section": lambda installation: {"names": _section(installation)},
    "sectionPut": lambda installation: {"names": _section(installation), "body": {"queue": "another"}},
    "sectionDelete": lambda installation: {"names": _section(installation)},
}


def sample(operation, installation):
    """A new sample for each call: a sample that changes something can be sent only once."""
    make = SAMPLES.get(operation.name)
    assert make or not (operation.path_names() or operation.needs_body), f"samples.py has no sample for {operation.name}"
    return Sample(operation, **(make(installation) if make else {}))
