"""A number with an api.secret accepts only texts and receipts that are signed with it, over the exact bytes of the body."""

import base64
import gzip
import json
import secrets
import subprocess
import time
import urllib.parse
import uuid
import zlib

import pytest

from harness.answers import data_of
from harness.nexus.stack import BINARIES
from harness.outside.receiver import Receiver
from harness.people import OutboundMessage, Tenant, until_accepted
from harness.reading import messages
from harness.signing import fresh, hub_sha1, hub_sha256, standard
from harness.wait import eventually

MESSAGE, RECEIPT = "/nexus/v3/sms/message", "/nexus/v3/sms/receipt"


def all_three(secret, body):
    return hub_sha1(secret, body) | hub_sha256(secret, body) | standard(secret, body)


KINDS = [hub_sha1, hub_sha256, standard, all_three]


@pytest.fixture
def signed(nexus):
    """A contact center whose number has a secret."""
    return Tenant(nexus, api_secret=fresh())


def text_of(tenant, **fields):
    return {"message_id": uuid.uuid4().hex, "phone_number": tenant.phone(), "shortcode": tenant.number,
            "message": tenant.text(), **fields}


def as_json(fields):
    return json.dumps(fields).encode(), "application/json"


def as_form(fields):
    return urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"


def post(tenant, body, headers, kind="application/json", path=MESSAGE, key=None):
    poster = tenant.aggregator()
    poster.session.auth = (tenant.ccid, key or tenant.api_key)
    return poster.post(path, data=body, timeout=60, headers={"Content-Type": kind, **headers})


def is_refused(answer):
    """Asserts 401 in the documented envelope."""
    assert answer.status_code == 401, answer.text
    assert answer.json()["status"]["code"] == 401
    assert "signed" in answer.text
    return True


def stored(tenant, fields):
    return len(messages.matches(tenant, fields["message_id"]))


@pytest.mark.parametrize("form", [as_json, as_form])
@pytest.mark.parametrize("sign", KINDS)
def test_a_text_with_any_kind_of_signature_is_accepted(signed, sign, form):
    fields = text_of(signed)
    body, kind = form(fields)

    answer = post(signed, body, sign(signed.api_secret, body), kind)

    assert answer.status_code == 200, answer.text
    assert stored(signed, fields) == 1


@pytest.mark.parametrize("sign", KINDS)
def test_a_wrong_signature_is_refused_and_nothing_is_stored(signed, sign):
    fields = text_of(signed)
    body, _ = as_json(fields)

    assert is_refused(post(signed, body, sign(fresh(), body)))
    assert stored(signed, fields) == 0


@pytest.mark.parametrize("sign", KINDS)
def test_a_body_that_was_changed_on_the_way_is_refused(signed, sign):
    fields = text_of(signed)
    body, _ = as_json(fields)

    assert is_refused(post(signed, body + b" ", sign(signed.api_secret, body)))
    assert stored(signed, fields) == 0


def test_a_text_without_a_signature_is_refused_from_a_gateways_own_key_and_taken_from_a_cluster_key(signed):
    fields = text_of(signed)
    body, _ = as_json(fields)

    assert is_refused(post(signed, body, {}))
    assert stored(signed, fields) == 0
    assert post(signed, body, {}, key=signed.cluster_key).status_code == 200


def test_a_wrong_signature_is_refused_from_a_cluster_key_too(signed):
    body, _ = as_json(text_of(signed))

    assert is_refused(post(signed, body, hub_sha256(fresh(), body), key=signed.cluster_key))
    assert post(signed, body, hub_sha256(signed.api_secret, body), key=signed.cluster_key).status_code == 200


def test_a_number_without_a_secret_accepts_texts_with_and_without_signatures(tenant):
    body, _ = as_json(text_of(tenant))

    assert post(tenant, body, hub_sha1(fresh(), body)).status_code == 200
    assert post(tenant, body, {}).status_code == 200


def test_a_text_with_a_valid_and_a_wrong_signature_is_refused(signed):
    body, _ = as_json(text_of(signed))
    right, wrong = all_three(signed.api_secret, body), all_three(fresh(), body)

    for header in ("X-Hub-Signature", "X-Hub-Signature-256", "webhook-signature"):
        assert is_refused(post(signed, body, right | {header: wrong[header]})), header


@pytest.mark.parametrize("value", ["", "sha1", "sha1=", "sha1=zz", "sha1=" + "0" * 39, "sha1=" + "0" * 42, "sha256=" + "0" * 64,
                                   "md5=" + "0" * 32, "\u00e4", "x" * 3000])
def test_a_malformed_signature_is_refused(signed, value):
    body, _ = as_json(text_of(signed))

    assert is_refused(post(signed, body, {"X-Hub-Signature": value.encode()}))


def test_a_signature_may_have_hex_digits_in_capitals(signed):
    body, _ = as_json(text_of(signed))
    value = hub_sha256(signed.api_secret, body)["X-Hub-Signature-256"]

    assert post(signed, body, {"X-Hub-Signature-256": "sha256=" + value[7:].upper()}).status_code == 200


def test_a_standard_signature_is_valid_for_five_minutes(signed):
    body, _ = as_json(text_of(signed))

    for away in (-290, 290):
        assert post(signed, body, standard(signed.api_secret, body, time.time() + away)).status_code == 200
    for away in (-330, 330):
        assert is_refused(post(signed, body, standard(signed.api_secret, body, time.time() + away)))


def test_a_standard_signature_covers_its_id_and_its_time(signed):
    body, _ = as_json(text_of(signed))
    right = standard(signed.api_secret, body)

    for change in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
                   {"webhook-timestamp": "soon"}, {"webhook-id": None}, {"webhook-timestamp": None}):
        assert is_refused(post(signed, body, right | change)), change


def test_one_of_several_standard_signatures_must_be_valid(signed):
    body, _ = as_json(text_of(signed))
    right, other = standard(signed.api_secret, body), standard(fresh(), body)

    both = right | {"webhook-signature": f"v1a,AAAA {other['webhook-signature']} {right['webhook-signature']}"}

    assert post(signed, body, both).status_code == 200
    assert is_refused(post(signed, body, right | {"webhook-signature": right["webhook-signature"].replace("v1,", "v1a,")}))


def test_a_secret_of_the_standard_form_is_decoded_for_the_standard_signature(nexus):
    tenant = Tenant(nexus, api_secret="whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())

    for sign in KINDS:
        body, _ = as_json(text_of(tenant))
        assert post(tenant, body, sign(tenant.api_secret, body)).status_code == 200, sign


@pytest.mark.parametrize("sign", KINDS)
def test_a_compressed_body_may_be_signed_compressed_or_uncompressed(signed, sign):
    for signed_bytes in (lambda plain, packed: packed, lambda plain, packed: plain):
        plain, kind = as_json(text_of(signed))
        packed = gzip.compress(plain)
        headers = {"Content-Encoding": "gzip", **sign(signed.api_secret, signed_bytes(plain, packed))}
        assert post(signed, packed, headers, kind).status_code == 200
    assert is_refused(post(signed, packed, {"Content-Encoding": "gzip", **sign(signed.api_secret, plain + b" ")}))


def test_a_body_in_chunks_is_verified_like_any_other(signed):
    for size in (300, 60_000):
        body, _ = as_json(text_of(signed, message="x" * 100, padding="y" * size))
        pieces = [body[at:at + 1000] for at in range(0, len(body), 1000)]
        assert is_refused(post(signed, iter(pieces), hub_sha1(fresh(), body)))
        assert post(signed, iter(pieces), hub_sha1(signed.api_secret, body)).status_code == 200


def photo(size):
    return [{"content_type": "image/jpeg", "content": base64.b64encode(secrets.token_bytes(size)).decode()}]


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_photo_is_verified_with_its_text(signed, encoding):
    fields = text_of(signed, mms_attachment=photo(150_000))
    plain, _ = as_json(fields)
    body, headers = (gzip.compress(plain), {"Content-Encoding": "gzip"}) if encoding else (plain, {})
    changed = plain.replace(b'"message"', b'"messagf"', 1)

    assert is_refused(post(signed, gzip.compress(changed) if encoding else changed, headers | hub_sha256(signed.api_secret, body)))
    assert is_refused(post(signed, body, headers))
    assert stored(signed, fields) == 0
    assert post(signed, body, headers | hub_sha256(signed.api_secret, body)).status_code == 200


@pytest.mark.parametrize("sign", KINDS)
@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_a_photo_of_any_accepted_size_is_verified(signed, sign, encoding):
    fields = text_of(signed, mms_attachment=photo(300_000 if encoding else 5 * 1024 * 1024 - 1000))
    plain, _ = as_json(fields)
    body = {None: lambda b: b, "gzip": gzip.compress, "deflate": zlib.compress}[encoding](plain)
    headers = {"Content-Encoding": encoding} if encoding else {}
    unanswered = []  # on a busy machine it may take longer to verify 5 MiB than a request may wait; upkeep deletes these copies later

    def post_once(signature):
        answer = post(signed, body, headers | signature)
        if answer.status_code in (503, 504):
            unanswered.append(answer)
        return answer

    def judged(signature):
        return until_accepted(lambda: post_once(signature), other_statuses=(401,))

    assert is_refused(judged(sign(fresh(), body)))
    assert is_refused(judged(sign(signed.api_secret, body[:-1])))
    assert stored(signed, fields) == 0
    for signed_bytes in {body, plain}:
        answer = judged(sign(signed.api_secret, signed_bytes))
        assert answer.status_code == 200, answer.text
    assert stored(signed, fields) == 1
    eventually(lambda: signed.stack.query("select count(*) from upload_piece p join tenant t on t.id = p.tenant_id where t.ccid = %s "
                                          "and substring(p.bytes, 1, 15) = substring(%s, 1, 15)", signed.ccid, body)[0][0]
               <= len(unanswered), "no copy of a body that was answered is stored")


def test_a_large_signed_body_is_accepted_by_a_number_without_a_secret_and_refused_with_a_query(signed, tenant):
    fields = text_of(tenant, mms_attachment=photo(300_000))
    body, _ = as_json(fields)
    assert post(tenant, body, hub_sha256(fresh(), body)).status_code == 200
    assert stored(tenant, fields) == 1

    body, _ = as_json(text_of(signed, mms_attachment=photo(300_000)))
    assert is_refused(post(signed, body, hub_sha256(signed.api_secret, body), path=f"{MESSAGE}?x=1"))


def test_the_query_is_not_signed(signed):
    fields = text_of(signed)
    everything = f"{MESSAGE}?{urllib.parse.urlencode(fields)}"

    for path, body in ((everything, b""), (everything, b"{}"), (f"{MESSAGE}?%6dessage=other", as_json({**fields, "message": None})[0])):
        assert is_refused(post(signed, body, all_three(signed.api_secret, body), path=path))
    assert stored(signed, fields) == 0


def test_a_receipt_is_verified_by_the_secret_of_the_number_it_names(signed):
    fields = {"message_id": uuid.uuid4().hex, "message_state": 2, "shortcode": signed.number}
    body, kind = as_form(fields)

    assert is_refused(post(signed, body, {}, kind, RECEIPT))
    assert is_refused(post(signed, body, hub_sha1(fresh(), body), kind, RECEIPT))
    assert post(signed, body, hub_sha1(signed.api_secret, body), kind, RECEIPT).status_code == 200


@pytest.mark.parametrize("named", [{}, {"shortcode": "+15559990000"}])
def test_a_receipt_without_a_known_number_is_verified_by_the_secret_of_any_number(signed, named):
    body, kind = as_form({"message_id": uuid.uuid4().hex, "message_state": 2, **named})

    assert is_refused(post(signed, body, {}, kind, RECEIPT))
    assert is_refused(post(signed, body, hub_sha1(fresh(), body), kind, RECEIPT))
    assert post(signed, body, hub_sha1(signed.api_secret, body), kind, RECEIPT).status_code == 200


class ManyNumbers:
    """A contact center with many numbers, each with a secret of its own."""

    def __init__(self, nexus, count):
        self.receiver = Receiver()
        self.tenant = Tenant(nexus, webhook_url=self.receiver.url)
        self.numbers = [(self.tenant.phone(), fresh()) for _ in range(count)]
        nexus.private |= {secret for _, secret in self.numbers}
        nexus.apply({"tenants": [{"ccid": self.tenant.ccid, "numbers": [
            {"address": address, "name": f"n{place:03}", "endpoint": "sales", "webhook": self.tenant.webhook, "api": {"secret": secret}}
            for place, (address, secret) in enumerate(self.numbers)]}]})

    def sent_from(self, place):
        """An outbound message from one of the numbers: (our id, the id that the receiver gave it)."""
        address, secret = self.numbers[place]
        body, _ = as_json(text_of(self.tenant, shortcode=address))
        conversation = data_of(post(self.tenant, body, hub_sha256(secret, body)))["conversationId"]
        self.receiver.answer(body=json.dumps({"messageId": (theirs := uuid.uuid4().hex)}))
        return OutboundMessage(self.tenant, conversation).becomes("sent").id, theirs

    def receipt(self, message, secret, **named):
        body, _ = as_json({"message_id": message, "message_state": 2, **named})
        return post(self.tenant, body, hub_sha256(secret, body) if secret else {}, path=RECEIPT)


@pytest.fixture(scope="module")
def _made():
    made = {}
    yield made
    for many in made.values():
        many.receiver.close()


@pytest.fixture
def many(nexus, _made):
    """many(40) is a contact center with 40 numbers, made once."""
    def make(count):
        if count not in _made or _made[count].tenant.stack is not nexus:
            _made[count] = ManyNumbers(nexus, count)
        return _made[count]
    return make


@pytest.mark.parametrize("named", [{}, {"shortcode": "+15559990000"}])
def test_a_receipt_without_a_known_number_is_verified_by_the_secret_of_its_messages_number(many, named):
    seventy = many(70)
    for place, other in ((0, 69), (39, 0), (69, 1)):
        ours, theirs = seventy.sent_from(place)
        for name in (theirs, ours, ours.upper()):
            assert is_refused(seventy.receipt(name, None, **named))
            assert is_refused(seventy.receipt(name, seventy.numbers[other][1], **named))
            answer = seventy.receipt(name, seventy.numbers[place][1], **named)
            assert answer.status_code == 200 and data_of(answer)["bound"], answer.text


def test_a_receipt_of_an_unknown_message_may_be_signed_with_the_secret_of_any_of_40_numbers(many):
    forty = many(40)

    for _, secret in (forty.numbers[0], forty.numbers[32], forty.numbers[39]):
        assert forty.receipt(uuid.uuid4().hex, secret).status_code == 200
    assert is_refused(forty.receipt(uuid.uuid4().hex, fresh()))


def test_a_receipt_of_an_unknown_message_gets_503_if_not_all_secrets_were_tried(many):
    seventy = many(70)
    address, secret = seventy.numbers[69]

    assert seventy.receipt(uuid.uuid4().hex, seventy.numbers[63][1]).status_code == 200
    for signed_with in (secret, fresh(), None):
        answer = seventy.receipt(uuid.uuid4().hex, signed_with)
        assert answer.status_code == 503 and "Retry-After" in answer.headers, answer.text
    assert seventy.receipt(uuid.uuid4().hex, secret, shortcode=address).status_code == 200


def test_a_receipt_may_be_signed_with_the_secret_of_a_retired_number(nexus):
    tenant = Tenant(nexus, api_secret=fresh())
    body, _ = as_json({"message_id": uuid.uuid4().hex, "message_state": 2, "shortcode": tenant.number})
    nexus.query("update channel set retired = now() where address = %s", tenant.number)

    assert is_refused(post(tenant, body, hub_sha256(fresh(), body), path=RECEIPT))
    assert post(tenant, body, hub_sha256(tenant.api_secret, body), path=RECEIPT).status_code == 200


def test_both_secrets_are_valid_during_a_rotation_and_only_the_new_one_afterwards(nexus):
    old, new = fresh(), fresh()
    tenant = Tenant(nexus, api_secret=old)

    def statuses(secret):
        body, _ = as_json(text_of(tenant))
        return {post(tenant, body, sign(secret, body)).status_code for sign in KINDS}

    assert statuses(old) == {200} and statuses(new) == {401}
    tenant.api_secret = [new, old]
    tenant.apply()
    assert statuses(new) == {200} and statuses(old) == {200}, "a new secret is valid at once"
    tenant.api_secret = new
    tenant.apply()
    eventually(lambda: statuses(old) == {401}, "the old secret is refused")
    assert statuses(new) == {200}


def test_a_number_that_gets_a_secret_requires_it_from_then_on(nexus):
    tenant = Tenant(nexus)
    body, _ = as_json(text_of(tenant))
    assert post(tenant, body, {}).status_code == 200

    tenant.api_secret = fresh()
    tenant.apply()

    eventually(lambda: post(tenant, body, {}).status_code == 401, "a text without a signature is refused")


def test_a_signature_with_the_secret_of_another_contact_center_is_refused(nexus, signed):
    other = Tenant(nexus, api_secret=fresh())
    body, _ = as_json(text_of(signed))

    assert is_refused(post(signed, body, all_three(other.api_secret, body)))
    # With its own key the other contact center does not find the number.
    assert post(other, body, all_three(other.api_secret, body)).status_code == 404


def test_a_secret_signs_for_its_own_number_only(nexus):
    tenant = Tenant(nexus, api_secret=fresh())
    first = tenant.number, tenant.api_secret
    tenant.stack.apply({"tenants": [{"ccid": tenant.ccid, "numbers": [
        {"address": tenant.number, "name": "sms", "endpoint": "sales", "webhook": tenant.webhook},
        {"address": (second := tenant.phone()), "name": "two", "endpoint": "sales", "webhook": tenant.webhook,
         "api": {"secret": (of_second := fresh())}}]}]})
    nexus.private.add(of_second)

    for number, right, wrong in ((first[0], first[1], of_second), (second, of_second, first[1])):
        body, _ = as_json(text_of(tenant, shortcode=number))
        assert is_refused(post(tenant, body, hub_sha256(wrong, body)))
        assert post(tenant, body, hub_sha256(right, body)).status_code == 200


def test_a_body_signed_by_nexusctl_is_accepted(signed, tmp_path):
    body, _ = as_json(text_of(signed))
    (tmp_path / "secret").write_text(signed.api_secret)
    (tmp_path / "body").write_bytes(body)

    printed = subprocess.run([BINARIES / "nexusctl", "sign", "--secret-file", tmp_path / "secret", "--headers", tmp_path / "body"],
                          text=True, capture_output=True, timeout=60, check=True)

    headers = dict(line.split(": ", 1) for line in printed.stdout.splitlines())
    assert set(headers) == {"X-Hub-Signature", "X-Hub-Signature-256", "webhook-id", "webhook-timestamp", "webhook-signature"}
    assert post(signed, body, headers).status_code == 200
