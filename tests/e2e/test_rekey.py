"""The key-encryption key is replaced while everything runs."""

import json
import threading

import pytest

from harness.browser import Browser
from harness.nexusctl import ENCRYPTION_KEY, Operator, actions, document
from harness.people import Answer, Tenant

SIGKILLED = -9


@pytest.fixture
def operator(postgres, template, tmp_path):
    """One who keeps the key in a file."""
    operator = Operator(postgres, postgres.create_database(template))
    operator.key_file = tmp_path / "key_encryption_key"
    operator.key_file.write_text(ENCRYPTION_KEY)
    operator.key_file.chmod(0o640)
    operator.settings["NEXUS_KEY_ENCRYPTION_KEY_FILE"] = str(operator.key_file)
    del operator.settings["NEXUS_KEY_ENCRYPTION_KEY"]
    operator.apply(document())
    return operator


def census(query):
    """{key id: secrets}, of every place that holds sealed secrets."""
    texts = [row[0] for row in query("""
        select unnest(secrets) from destination union all select unnest(secrets) from channel
        union all select token from tenant where token is not null
        union all select secret from idempotency where secret is not null
        union all select clientsecret from nex_gapis where clientsecret ~ '^v[12]\\|'
        union all select (regexp_matches(secret::text, '"(v[12]\\|[^"]+)"', 'g'))[1] from service
        union all select (regexp_matches(secret::text, '"(v[12]\\|[^"]+)"', 'g'))[1] from transaction_section""")]
    return {key: sum(text.split("|")[1] == key for text in set(texts)) for key in {text.split("|")[1] for text in texts}}


def test_a_dry_run_counts_what_the_run_wraps_then(operator):
    copies = operator.value("select count(*) from channel where secrets <> '{}'")
    promised = operator.json("rekey", "--dry-run", code=3)["toRewrap"]

    done = operator.json("rekey")

    assert copies > 0, "a secret stands in two places"
    assert done["rewrapped"] == promised == done["keys"][0]["secrets"]
    assert operator.json("rekey", "--wrap-only", "--dry-run")["toRewrap"] == operator.json("rekey", "--wrap-only")["rewrapped"] == 0


def test_the_file_of_keys_is_found_where_the_file_of_settings_names_it(operator, tmp_path):
    """As "./build.sh ctl rekey" says it."""
    settings = tmp_path / "nexus.conf"
    settings.write_text(f"NEXUS_KEY_ENCRYPTION_KEY_FILE={operator.settings.pop('NEXUS_KEY_ENCRYPTION_KEY_FILE')}\n")

    operator.json("rekey", "--config", str(settings))

    assert operator.key_file.read_text().split()[1] == ENCRYPTION_KEY


def test_a_dry_run_says_what_would_be_done_and_leaves_file_and_secrets(operator):
    before = census(operator.query)

    answer = operator.json("rekey", "--dry-run", code=3)

    assert (answer["toRewrap"], answer["goesOn"]) == (sum(before.values()), False)
    assert operator.key_file.read_text() == ENCRYPTION_KEY and census(operator.query) == before


def test_a_new_key_comes_in_front_and_every_secret_under_it(operator):
    [old] = census(operator.query)

    answer = operator.json("rekey")

    [new] = census(operator.query)
    assert new != old
    assert [(key["id"], key["inUse"]) for key in answer["keys"]] == [(new, True), (old, False)]
    assert operator.key_file.read_text().split()[1] == ENCRYPTION_KEY
    assert operator.key_file.stat().st_mode & 0o777 == 0o640
    assert {action for action, _ in actions(operator.apply(document())).values()} == {"same"}


def test_progress_is_shown_and_the_end_says_which_keys_are_no_longer_in_use(operator):
    done = operator.run("rekey")
    assert "1 of 1 contact center, " in done.stderr
    assert "no longer in use" in done.stdout


def test_keys_that_nothing_needs_are_forgotten_when_that_is_asked_for(operator):
    operator.run("rekey", "--forget")
    [line] = operator.key_file.read_text().split()
    assert line != ENCRYPTION_KEY
    assert {action for action, _ in actions(operator.apply(document())).values()} == {"same"}


@pytest.mark.parametrize("place", ["rekey.after_file", "rekey.after_batch"])
def test_killed_anywhere_it_goes_on_and_makes_no_second_key(operator, place):
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
    assert list(census(operator.query)) == [answer["keys"][0]["id"]]


def test_a_key_of_ones_own_and_a_file_that_somebody_else_writes(operator, tmp_path):
    (tmp_path / "new").write_text("ef" * 32)
    operator.run("rekey", "--new-key-file", tmp_path / "new")
    assert operator.key_file.read_text().split() == ["ef" * 32, ENCRYPTION_KEY]

    operator.key_file.write_text(f"{ENCRYPTION_KEY}\n{'ef' * 32}\n")
    assert operator.json("rekey", "--wrap-only")["rewrapped"] > 0
    assert operator.key_file.read_text() == f"{ENCRYPTION_KEY}\n{'ef' * 32}\n"


def test_two_at_once_and_bad_keys_are_refused(operator, tmp_path):
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
    """Phones write to one tenant and its agent answers, one after the other, until stopped."""

    def __init__(self, tenant):
        super().__init__()
        self.tenant, self.answers, self.stopped = tenant, [], threading.Event()
        self.start()

    def run(self):
        while not self.stopped.is_set():
            self.answers.append(Answer(self.tenant))

    def stop(self):
        self.stopped.set()
        self.join()
        return self.answers


def new_key(tenant):
    """Asks for one, each time with the same Idempotency-Key."""
    answer = tenant.administrator().post(
        "/nexus/v3/apikeys", headers={"Idempotency-Key": "rekey"},
        json={"tenant": tenant.ccid, "name": "once", "permissions": ["nexus:consumer:chat"]})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def test_under_load_and_with_two_kills_no_delivery_fails_and_nothing_stays_under_the_old_key(make_stack, customer):
    stack = make_stack(sms_workers=2)
    tenants = [Tenant(stack, webhook_url=customer.url) for _ in range(3)]
    key = new_key(tenants[0])
    [old] = census(stack.query)
    loads = [Load(tenant) for tenant in tenants]

    for place in ("rekey.after_file", "rekey.after_batch"):
        assert stack.nexusctl("rekey", check=False, failpoints=f"{place}=kill").returncode == SIGKILLED
    late = Tenant(stack, webhook_url=customer.url)  # is sealed under the new key at once
    done = json.loads(stack.nexusctl("rekey", "--forget", "--json").stdout)
    loads.append(Load(late))
    answers = [answer for load in loads for answer in (load.stop())]

    assert new_key(tenants[0]) == key, "who repeats its request is shown it again"
    assert done["goesOn"] and list(census(stack.query)) == [done["keys"][0]["id"]] != [old]
    for answer in answers:
        answer.becomes("sent")
        [webhook] = customer.wait_for(answer.text)
        assert len(webhook.signed_with(answer.tenant.webhook_secret)) == 3
    assert len(answers) >= 4


def test_what_gws_knows_us_by_is_sealed_at_its_first_use_and_anew_with_the_rest(make_stack):
    stack = make_stack()
    tenant = Tenant(stack)
    users = iter((f"{tenant.ccid}\\agent1", f"{tenant.ccid}\\agent2", f"{tenant.ccid}\\agent3"))

    def secret_after_a_log_in():
        assert Browser(stack).log_in(next(users)).status_code == 302
        [(secret,)] = stack.query("select clientsecret from nex_gapis")
        return secret

    assert stack.query("select clientsecret from nex_gapis") == [(stack.gws.client_secret,)]
    first, again = secret_after_a_log_in(), secret_after_a_log_in()
    stack.nexusctl("rekey")
    anew = secret_after_a_log_in()

    assert first.startswith("v2|") and first == again
    assert anew.startswith("v2|") and anew.split("|")[1] != first.split("|")[1]
