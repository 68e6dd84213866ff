"""Messages with attachments, complete or sent in pieces, and what is stored of them."""

import base64
import json
import os
import secrets
import socket

from harness.answers import data_of

SMS = "/nexus/v3/sms/message"
KIB, MIB = 1024, 1024 * 1024


def photo(size):
    """Bytes that start like a JPEG."""
    return (b"\xff\xd8\xff" + os.urandom(max(0, size - 3)))[:size]


def encoded(content):
    return base64.b64encode(content).decode()


def media(*contents, content_type="image/jpeg"):
    return [{"content_type": content_type, "content": encoded(content)} for content in contents]


def stored(tenant):
    """The contents of the tenant's attachments, in the order of their messages."""
    rows = tenant.stack.query(
        "select a.content, (select string_agg(p.bytes, '' order by p.number) from upload_piece p where p.tenant_id = a.tenant_id"
        " and p.upload_id = a.upload_id and p.stream = a.stream) from attachment a join tenant t on t.id = a.tenant_id"
        " where t.ccid = %s order by a.message_id, a.ordinal", tenant.ccid)
    return [bytes(whole if whole is not None else pieces) for whole, pieces in rows]


def uploads_waiting(tenant):
    return tenant.stack.query("select count(*) from upload u join tenant t on t.id = u.tenant_id"
                              " where t.ccid = %s and u.message_id is null", tenant.ccid)[0][0]


def as_json(tenant, phone=None, contents=(), **fields):
    """A text with attachments, posted as JSON."""
    return tenant.aggregator().post(SMS, timeout=60, json={
        "message_id": secrets.token_hex(8), "phone_number": phone or tenant.phone(), "shortcode": tenant.number,
        "message": tenant.text(), "mms_attachment": media(*contents), **fields})


def as_form(tenant, phone=None, contents=()):
    fields = {}
    for place, content in enumerate(contents):
        fields |= {f"mms_attachment[{place}].content_type": "image/jpeg",
                   f"mms_attachment[{place}].content": encoded(content)}
    return tenant.aggregator().message(phone, **fields)


def head(tenant, length, *more, path=SMS):
    credentials = base64.b64encode(f"{tenant.ccid}:{tenant.api_key}".encode()).decode()
    lines = [f"POST {path} HTTP/1.1", "Host: nexus", f"Authorization: Basic {credentials}",
             "Content-Type: application/json", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def mo(tenant, content, message_id=None):
    return json.dumps({"message_id": message_id or secrets.token_hex(8), "phone_number": tenant.phone(),
                       "shortcode": tenant.number, "mms_attachment": media(content)}).encode()


def connect(tenant):
    port = int(tenant.stack.url().rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def answer_of(connection):
    reader = connection.makefile("rb")
    status = int(reader.readline().split()[1])
    length = 0
    while (line := reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return status, reader.read(length)


def received(tenant, *contents, content_type="image/jpeg", **fields):
    """Posts a message with these attachments: (the path of its attachments, an agent, the attachments as listed)."""
    phone, agent = tenant.phone(), tenant.agent()
    answer = as_json(tenant, phone, mms_attachment=[{**one, **fields} for one in media(*contents, content_type=content_type)])
    assert answer.status_code == 200, answer.text
    data = data_of(answer)
    listed = agent.transcript(data["conversationId"])[-1]["attachments"]
    return f"/chat/v3/conversations/{data['conversationId']}/messages/{data['messageId']}/attachments", agent, listed


def slow_body(tenant, length=100 * KIB):
    """A connection whose sender has announced a body and sends none."""
    connection = connect(tenant)
    connection.sendall(head(tenant, length))
    return connection
