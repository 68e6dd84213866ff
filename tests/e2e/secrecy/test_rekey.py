"""The key-encryption key is replaced while all processes run."""

import json
import threading

import pytest

from harness.browser import Browser
from harness.nexus.nexusctl import ENCRYPTION_KEY, Operator, actions, document
from harness.people import OutboundMessage, Tenant, until_accepted
from harness.wait import eventually

SIGKILLED = -9


@pytest.fixture
def operator(postgres, template, tmp_path):
    """An operator with the key in a file."""
    operator = Operator(postgres, postgres.create_database(template))
    operator.key_file = tmp_path / "key_encryption_key"
    operator.key_file.write_text(ENCRYPTION_KEY)
    operator.key_file.chmod(0o640)
    operator.settings["NEXUS_KEY_ENCRYPTION_KEY_FILE"] = str(operator.key_file)
    del operator.settings["NEXUS_KEY_ENCRYPTION_KEY"]
    operator.apply(document())
    return operator


def secrets_by_key(query):
    """{key id: number of secrets}, over all tables with sealed secrets."""
    texts = [row[0] for row in query("""
        select unnest(secrets) from destination union all select unnest(secrets) from channel
        union all select token from tenant where token is not null
        union all select secret from idempotency where secret is not null
        union all select clientsecret from nex_gapis where clientsecret ~ '^v[12]\\|'
        union all select (regexp_matches(secret::text, '"(v[12]\\|[^"]+)"', 'g'))[1] from service
        union all select (regexp_matches(secret::text, '"(v[12]\\|[^"]+)"', 'g'))[1] from transaction_section""")]
    return {key: sum(text.split("|")[1] == key for text in set(texts)) for key in {text.split("|")[1] for text in texts}}


def test_a_dry_run_counts_the_secrets_that_a_run_wraps(operator):
    copies = operator.value("select count(*) from channel where secrets <> '{}'")
    planned = operator.json("rekey", "--dry-run", code=3)["toRewrap"]

    done = operator.json("rekey")

    assert copies > 0, "a secret is stored in two places"
    assert done["rewrapped"] == planned == done["keys"][0]["secrets"]
    assert operator.json("rekey", "--wrap-only", "--dry-run")["toRewrap"] == operator.json("rekey", "--wrap-only")["rewrapped"] == 0


@pytest.mark.parametrize("words", [["--forget"], ["--new-key-file", "-"]], ids=lambda words: words[0])
def test_options_that_change_the_file_are_refused_with_wrap_only(operator, words):
    before = operator.key_file.read_text()

    assert "--wrap-only changes no file" in operator.run("rekey", "--wrap-only", *words, code=2).stderr

    assert operator.key_file.read_text() == before


def test_the_key_file_is_the_one_that_the_settings_file_names(operator, tmp_path):
    """As "./build.sh ctl rekey" runs it."""
    settings = tmp_path / "nexus.conf"
    settings.write_text(f"NEXUS_KEY_ENCRYPTION_KEY_FILE={operator.settings.pop('NEXUS_KEY_ENCRYPTION_KEY_FILE')}\n")

    operator.json("rekey", "--config", str(settings))

    assert operator.key_file.read_text().split()[1] == ENCRYPTION_KEY


def test_a_dry_run_shows_the_plan_and_does_not_change_file_and_secrets(operator):
    before = secrets_by_key(operator.query)

    answer = operator.json("rekey", "--dry-run", code=3)

    assert (answer["toRewrap"], answer["goesOn"]) == (sum(before.values()), False)
    assert operator.key_file.read_text() == ENCRYPTION_KEY and secrets_by_key(operator.query) == before


def test_the_new_key_becomes_the_first_one_and_seals_every_secret(operator):
    [old] = secrets_by_key(operator.query)

    answer = operator.json("rekey")

    [new] = secrets_by_key(operator.query)
    assert new != old
    assert [(key["id"], key["inUse"]) for key in answer["keys"]] == [(new, True), (old, False)]
    assert operator.key_file.read_text().split()[1] == ENCRYPTION_KEY
    assert operator.key_file.stat().st_mode & 0o777 == 0o640
    assert {action for action, _ in actions(operator.apply(document())).values()} == {"same"}


def test_progress_is_shown_and_then_the_keys_that_are_no_longer_in_use(operator):
    done = operator.run("rekey")
    assert "1 of 1 contact center, " in done.stderr
    assert "no longer in use" in done.stdout


def test_forget_removes_keys_that_are_not_in_use(operator):
    operator.run("rekey", "--forget")
    [line] = operator.key_file.read_text().split()
    assert line != ENCRYPTION_KEY
    assert {action for action, _ in actions(operator.apply(document())).values()} == {"same"}


@pytest.mark.parametrize("place", ["rekey.after_file", "rekey.after_batch"])
def test_a_rekey_that_was_killed_continues_and_makes_no_second_key(operator, place):
    other = document(address="18445551213")
    other["tenants"][0] |= {"ccid": "578ec98e-0000-46ad-9675-000000000002", "name": "second"}
    operator.apply(other)

    operator.settings["NEXUS_FAILPOINTS"] = f"{place}=kill"
    operator.run("rekey", code=SIGKILLED)
    del operator.settings["NEXUS_FAILPOINTS"]
    assert ENCRYPTION_KEY in operator.key_file.read_text().split()
    answer = operator.json("rekey")

    assert answer["goesOn"]
    assert len(operator.key_file.read_text().split()) == 2
    assert list(secrets_by_key(operator.query)) == [answer["keys"][0]["id"]]


def test_the_new_key_may_be_given_in_a_file_or_written_to_the_key_file_by_another_process(operator, tmp_path):
    (tmp_path / "new").write_text("ef" * 32)
    operator.run("rekey", "--new-key-file", tmp_path / "new")
    assert operator.key_file.read_text().split() == ["ef" * 32, ENCRYPTION_KEY]

    operator.key_file.write_text(f"{ENCRYPTION_KEY}\n{'ef' * 32}\n")
    assert operator.json("rekey", "--wrap-only")["rewrapped"] > 0
    assert operator.key_file.read_text() == f"{ENCRYPTION_KEY}\n{'ef' * 32}\n"


def test_concurrent_rekeys_and_invalid_keys_are_refused(operator, tmp_path):
    connection = operator.postgres.connect(operator.database)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('nexus.rekey'))")
        assert "another rekey" in operator.run("rekey", code=1).stderr
    connection.close()
    (tmp_path / "new").write_text("no key")
    operator.run("rekey", "--new-key-file", tmp_path / "new", code=1)
    assert operator.key_file.read_text() == ENCRYPTION_KEY
    del operator.settings["NEXUS_KEY_ENCRYPTION_KEY_FILE"]
    operator.run("rekey", code=2)


class Load(threading.Thread):
    """Sends texts and outbound messages of one tenant, one after the other, until stop()."""

    def __init__(self, tenant):
        super().__init__()
        self.tenant, self.sent, self.stopped = tenant, [], threading.Event()
        self.start()

    def run(self):
        while not self.stopped.is_set():
            self.sent.append(OutboundMessage(self.tenant))

    def stop(self):
        self.stopped.set()
        self.join()
        return self.sent


def new_key(tenant):
    """Creates a key, each time with the same Idempotency-Key. GWS has half of the deadline to say who the administrator is."""
    administrator = tenant.administrator()
    answer = until_accepted(lambda: administrator.post(
        "/nexus/v3/apikeys", headers={"Idempotency-Key": "rekey"},
        json={"tenant": tenant.ccid, "name": "once", "permissions": ["nexus:consumer:chat"]}))
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def test_under_load_and_with_two_kills_no_delivery_fails_and_nothing_stays_under_the_old_key(make_stack, receiver):
    stack = make_stack(sms_workers=2)
    tenants = [Tenant(stack, webhook_url=receiver.url) for _ in range(3)]
    key = new_key(tenants[0])
    [old] = secrets_by_key(stack.query)
    loads = [Load(tenant) for tenant in tenants]

    for place in ("rekey.after_file", "rekey.after_batch"):
        assert stack.nexusctl("rekey", check=False, failpoints=f"{place}=kill").returncode == SIGKILLED
    late = Tenant(stack, webhook_url=receiver.url)  # its secrets are sealed under the new key at once
    done = json.loads(stack.nexusctl("rekey", "--forget", "--json").stdout)
    loads.append(Load(late))
    outbound = [message for load in loads for message in load.stop()]

    assert new_key(tenants[0]) == key, "a repeated request gets the same key"
    assert done["goesOn"] and list(secrets_by_key(stack.query)) == [done["keys"][0]["id"]] != [old]
    for message in outbound:
        message.becomes("sent")
        [webhook] = receiver.wait_for(message.text)
        assert len(webhook.signed_with(message.tenant.webhook_secret)) == 3
    assert len(outbound) >= 4


def test_the_client_secret_of_gws_is_sealed_at_its_first_use_and_again_by_rekey(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    users = iter((f"{tenant.ccid}\\agent1", f"{tenant.ccid}\\agent2", f"{tenant.ccid}\\agent3"))

    def sealed_secret():
        [(secret,)] = stack.query("select clientsecret from nex_gapis")
        return secret.startswith("v2|") and secret

    def secret_after_a_log_in():
        """The answer to a log-in does not wait until the secret is sealed. GWS has half of the deadline for each of its answers."""
        user = next(users)
        assert until_accepted(lambda: Browser(stack).log_in(user)).status_code == 302
        return eventually(sealed_secret, "the secret is sealed")

    assert stack.query("select clientsecret from nex_gapis") == [(stack.gws.client_secret,)]
    first, again = secret_after_a_log_in(), secret_after_a_log_in()
    stack.nexusctl("rekey")
    resealed = secret_after_a_log_in()

    assert first == again
    assert resealed.split("|")[1] != first.split("|")[1]
