"""nexusctl with a real database; no other process of Nexus runs."""

import json
import os
import re
import shutil
import subprocess
import uuid

import pytest

from harness.nexus.nexusctl import CCID, Operator, document, mac
from harness.nexus.stack import BINARIES


@pytest.fixture
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


@pytest.fixture
def beginner(postgres):
    """An operator with an empty database."""
    return Operator(postgres, postgres.create_database())


# --- migrate ---

def test_two_concurrent_migrations_migrate_an_empty_database_once(beginner):
    environment = {"PATH": os.environ["PATH"], **beginner.postgres.urls(beginner.database)}
    both = [subprocess.Popen([BINARIES / "nexusctl", "migrate", "--json"], env=environment, stdout=subprocess.PIPE)
            for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=240)[0]) for process in both]

    assert sorted(answer["applied"] > 0 for answer in answers) == [False, True]
    assert beginner.value("select max(version) from schema_migration") == answers[0]["version"]


def test_a_migration_that_was_edited_after_it_was_applied_is_refused_with_its_name(operator):
    operator.query("update schema_migration set checksum = 'other' where version = 1")
    assert "0001_base" in operator.run("migrate", code=1).stderr


def test_a_database_newer_than_the_binary_is_refused(operator):
    operator.query("insert into schema_migration values (9999, '9999_future', '')")
    assert "newer" in operator.run("migrate", code=1).stderr


def test_functions_are_replaced_if_their_text_has_changed(operator):
    operator.query("drop function ledger_day_due()")
    assert operator.json("migrate")["functions"] == 0
    operator.query("update schema_function set checksum = '' where name = 'ledger'")
    assert operator.json("migrate")["functions"] > 0
    assert operator.value("select ledger_day_due() is not null")


# --- keys ---

@pytest.mark.parametrize("damage", ["enabled = false", "revoked = true", "expires = now()"])
def test_an_invalid_key_is_treated_like_an_unknown_one(operator, damage):
    [made] = operator.apply(document())["keys"]
    operator.query(f"update api_key set {damage}")
    assert operator.value("select caller from callers_of_keys(array[%s::bytea], array[null::uuid])", mac(made["key"])) is None
    assert operator.value("select caller from callers_of_keys(array[%s::bytea], array[null::uuid])", mac("never was")) is None


def test_a_tenant_key_is_not_valid_for_another_contact_center(operator):
    [made] = operator.apply(document())["keys"]
    other = str(uuid.uuid4())
    operator.apply({"tenants": [{"ccid": other, "name": "other"}]})
    assert operator.value("select caller from callers_of_keys(array[%s::bytea], array[%s::uuid])", mac(made["key"]), other) is None


def test_a_cluster_key_acts_for_the_contact_center_it_is_used_with(operator):
    operator.apply(document())
    key = operator.json("keys", "create", "--tenant", "*", "--name", "aggregator", "--permission",
                        "nexus:cluster:*")["key"]

    def tenant(ccid):
        found = operator.value("select caller from callers_of_keys(array[%s::bytea], array[%s::uuid])", mac(key), ccid)
        return json.loads(found)["tenant"] if found else None

    assert tenant(CCID) == operator.value("select id from tenant")
    assert tenant(None) == 0
    assert tenant(str(uuid.uuid4())) is None


def test_a_key_name_is_used_once(operator):
    operator.apply(document())
    words = ["keys", "create", "--tenant", CCID, "--name", "designer", "--permission", "nexus:designer:chat"]
    assert "already" in operator.run(*words, code=1).stderr


def test_the_list_of_keys_shows_only_their_prefixes(operator):
    [made] = operator.apply(document())["keys"]
    listed = operator.run("keys", "list").stdout
    assert made["key"][:8] in listed and made["key"] not in listed


def test_any_number_of_keys_is_listed(operator):
    operator.apply(document())
    operator.query("insert into api_key (tenant_id, mac, prefix, name, permissions)"
                   " select k.tenant_id, gen_random_uuid()::text::bytea, left(gen_random_uuid()::text, 13), 'key ' || n, k.permissions"
                   " from api_key k, generate_series(1, 3000) n")
    assert len(operator.run("keys", "list").stdout.splitlines()) == 3002


def test_older_keys_that_share_a_name_get_unique_names_and_stay_valid(operator):
    operator.apply(document())
    operator.query("drop index api_key_name")
    for prefix in ("aaaaaaaa", "bbbbbbbb"):
        operator.query("insert into api_key (tenant_id, mac, prefix, name, permissions)"
                       " select tenant_id, gen_random_uuid()::text::bytea, %s, name, permissions from api_key limit 1", prefix)

    warned = operator.migration("key_names")

    assert [key["name"] for key in operator.json("keys", "list")["keys"] if key["enabled"] and not key["revoked"]] == [
        "designer", "designer (aaaaaaaa)", "designer (bbbbbbbb)"]
    assert "two keys had one name: key bbbbbbbb" in warned
    assert [line["object"] for line in operator.json("audit", "list", "--action", "key.change")["changes"]] == ["bbbbbbbb", "aaaaaaaa"]


def test_a_key_is_disabled_enabled_and_revoked_by_its_name_or_first_characters(operator):
    [made] = operator.apply(document())["keys"]

    def is_valid():
        return operator.value("select caller from callers_of_keys(array[%s::bytea], array[null::uuid])", mac(made["key"])) is not None

    assert operator.json("keys", "disable", "designer")["enabled"] is False
    assert not is_valid()
    operator.run("keys", "enable", made["key"][:8])
    assert is_valid()
    assert "is revoked" in operator.run("keys", "revoke", made["key"], "--tenant", CCID).stdout
    assert not is_valid()
    assert "for good" in operator.run("keys", "enable", made["key"][:8], code=1).stderr
    operator.run("keys", "revoke", made["key"][:8])
    operator.run("keys", "disable", "designer", code=1)  # the name is free again


def test_a_dry_run_shows_which_key_would_be_revoked_and_revokes_none(operator):
    [made] = operator.apply(document())["keys"]

    assert operator.run("keys", "revoke", "designer", "--dry-run", code=3).stdout.endswith(
        f"of {CCID} would be revoked; nothing was done\n")
    operator.run("keys", "create", "--tenant", CCID, "--name", "another", "--permission", "nexus:agent:chat", "--dry-run", code=3)
    assert [(key["prefix"], key["revoked"]) for key in operator.json("keys", "list")["keys"]] == [(made["key"][:13], False)]
    assert operator.json("audit", "list", "--action", "key.revoke")["changes"] == []


def test_an_expired_key_cannot_be_created_and_is_listed_as_expired(operator):
    operator.apply(document())
    words = ["keys", "create", "--tenant", CCID, "--name", "late", "--permission", "nexus:agent:chat", "--expires"]

    assert "--expires: this time has passed" in operator.run(*words, "2020-01-31", code=2).stderr
    operator.query("update api_key set expires = now()")

    [line] = [line for line in operator.run("keys", "list").stdout.splitlines() if "designer" in line]
    assert " expired " in line


def test_a_key_must_be_named_unambiguously(operator):
    other = str(uuid.uuid4())
    operator.apply(document())
    operator.apply({"tenants": [{"ccid": other, "name": "other", "keys": [
        {"name": "designer", "permissions": ["nexus:designer:chat"]}]}]})

    assert "--tenant" in operator.run("keys", "disable", "designer", code=1).stderr
    assert operator.json("keys", "disable", "designer", "--tenant", other)["ccid"] == other
    operator.run("keys", "disable", "nobody", code=1)
    operator.run("keys", "disable", "designer", "--tenant", "*", code=1)
    operator.run("keys", "disable", code=2)
    operator.run("keys", "destroy", "designer", code=2)


@pytest.mark.parametrize("command", [["export"], ["keys", "list"], ["ledger"], ["audit", "list"]])
def test_an_unknown_contact_center_is_an_error_even_in_an_empty_database(operator, command):
    assert "no contact center" in operator.run(*command, "--tenant", CCID, code=1).stderr


def test_contact_centers_are_listed_with_their_numbers_and_keys(operator):
    assert operator.json("tenants") == {"tenants": []}
    operator.apply(document())

    [listed] = operator.json("tenants", "list")["tenants"]

    assert {**listed, "created": ""} == {"ccid": CCID, "name": "premise", "numbers": 1, "keys": 1, "created": "", "deleting": None}
    assert f"{CCID}  premise" in operator.run("tenants", "list").stdout


# --- usage ---

@pytest.mark.parametrize("words", [["--bogus"], ["--bogus", "ledger"], ["ledger", "--bogus"], ["help", "nothing"]])
def test_unknown_words_are_usage_errors(operator, words):
    operator.run(*words, code=2)


# --- replay ---

def test_replay_makes_a_new_delivery_and_a_record(operator):
    identity = operator.message(state=7, delivery=False)
    operator.query("""insert into undelivered (tenant_id, message_id, destination_id, reason, attempts)
                      select tenant_id, id, 1, 'exhausted', 5 from message""")

    assert operator.json("undelivered", "--tenant", CCID)["undelivered"][0]["id"] == identity
    assert operator.json("replay", "--reason", "refused")["replayed"] == 0
    assert operator.json("replay", "--id", identity, "--by", "somebody")["replayed"] == 1

    steps = [(step["step"], step["text"]) for step in operator.json("explain", identity)["steps"]]
    assert ("replayed", "sent again by somebody") in steps and steps[-1][0] == "waiting"
    assert operator.json("ledger")["balanced"]


def test_a_dry_run_of_replay_shows_the_count_and_replays_nothing(operator):
    identity = operator.message(state=7, delivery=False)
    operator.query("""insert into undelivered (tenant_id, message_id, destination_id, reason, attempts)
                      select tenant_id, id, 1, 'exhausted', 5 from message""")

    assert operator.json("replay", "--all", "--dry-run", code=3) == {"dryRun": True, "replayed": 1}
    assert operator.run("replay", "--all", "--dry-run", code=3).stdout == "1 message would be sent again; nothing was done\n"
    assert not {step["step"] for step in operator.json("explain", identity)["steps"]} & {"replayed", "waiting"}
    assert operator.run("replay", "--all").stdout == "1 message is sent again\n"
    assert operator.json("replay", "--all", "--dry-run") == {"dryRun": True, "replayed": 0}


def test_replay_of_all_messages_needs_the_option_all(operator):
    assert "--all" in operator.run("replay", code=2).stderr
    assert operator.json("replay", "--all")["replayed"] == 0


# --- sign, verify ---

def test_verify_accepts_what_sign_prints(operator):
    lines = operator.run("sign", "--secret", "s", "--id", "msg_1", "--headers", standard_input="{}").stdout.splitlines()
    words = [word for line in lines for word in ("-H", line)]

    assert operator.run("verify", "--secret", "s", *words, standard_input="{}").stdout.count(": right") == 3


def test_sign_and_verify_show_the_string_that_each_signature_signs(operator):
    signed = operator.json("sign", "--secret", "s", "--id", "msg_1", "--timestamp", "17", standard_input="{}")
    assert signed["signed"] == {"X-Hub-Signature": "{}", "X-Hub-Signature-256": "{}", "webhook-signature": "msg_1.17.{}"}
    assert "these 11 bytes:\n  msg_1.17.{}\n" in operator.run(
        "sign", "--secret", "s", "--id", "msg_1", "--timestamp", "17", standard_input="{}").stdout

    words = [word for name, value in signed["headers"].items() for word in ("-H", f"{name}: {value}")]
    wrong = operator.json("verify", "--secret", "s", *words, standard_input="{}\n", code=1)
    assert wrong["webhook-signature"] == {"right": False, "signed": "msg_1.17.{}\n"}
    assert wrong["X-Hub-Signature-256"] == {"right": False, "signed": "{}\n"}


# --- completion ---

def completed(operator, *words):
    """The completions that bash offers for the last of these words."""
    script = operator.run("completion", "bash").stdout + """
        COMPREPLY=() COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _nexusctl
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-euc", script, "bash", "nexusctl", *words], text=True, capture_output=True,
                          timeout=60, check=True)
    assert not done.stderr
    return set(done.stdout.split())


def test_bash_completes_commands_words_options_and_values(operator):
    assert completed(operator, "ap") == {"apply"}
    assert completed(operator, "--pg", "x", "ver") == {"verify", "version"}
    assert completed(operator, "help", "le") == {"ledger"}
    assert completed(operator, "keys", "") == {"list", "create", "disable", "enable", "revoke"}
    assert completed(operator, "keys", "--tenant", CCID, "re") == {"revoke"}
    assert completed(operator, "keys", "disable", "") == set()
    assert completed(operator, "keys", "--te") == {"--tenant"}
    assert {"--file", "--dry-run", "--json", "--help"} <= completed(operator, "apply", "--")
    assert {"refused", "expired"} <= completed(operator, "replay", "--reason", "")
    assert completed(operator, "keys", "create", "--permission", "nexus:des") == {"nexus:designer:chat"}
    assert completed(operator, "keys", "create", "--permission", "nexus", ":", "des") == {"designer:chat"}
    assert completed(operator, "keys", "create", "--permission", "nexus", ":", "agent", ":", "chat", "--na") == {"--name"}
    assert completed(operator, "--p") == completed(operator, "ledger", "--p") == {"--pg"}
    assert completed(operator, "version", "--p") == set()
    assert completed(operator, "ledger", "--by", "") == {"channel", "tenant"}
    assert completed(operator, "ledger", "--by", "=", "t") == {"tenant"}
    assert completed(operator, "undelivered", "--by", "") == {"destination"}
    assert completed(operator, "numbers", "") == {"list", "move"}
    assert completed(operator, "numbers", "list", "--te") == {"--tenant"}
    assert completed(operator, "apply", "-f", "/etc/host") >= {"/etc/hostname", "/etc/hosts"}
    assert completed(operator, "ledger", "--from", "20") == set()


def test_the_completion_script_passes_shellcheck(operator, tmp_path):
    script = tmp_path / "completion.sh"
    script.write_text(operator.run("completion", "bash").stdout)
    subprocess.run(["shellcheck", "--shell=bash", script], check=True, timeout=60)


def test_the_completion_also_works_for_build_sh_ctl(operator):
    script = operator.run("completion", "bash").stdout + """
        COMP_WORDS=(./build.sh ctl ledger --by t) COMP_CWORD=4
        _nexusctl_build
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "-euc", script], text=True, capture_output=True, timeout=60, check=True)
    assert done.stdout.split() == ["tenant"]


def test_the_manual_page_describes_every_command_and_option(operator):
    page = operator.run("manual").stdout.replace("\\-", "-")
    names = [line.split()[0] for line in operator.run("--help").stdout.splitlines() if line.startswith("  ")]

    assert len(names) > 12
    for name in names:
        assert f".SS {name}\n" in page
        for option in re.findall(r"--[a-z-]+", operator.run(name, "--help").stdout.split("Options:")[1].split("Examples:")[0]):
            assert option in page
    checked = subprocess.run(["man", "--warnings", "-l", "-"], input=operator.run("manual").stdout, text=True, capture_output=True,
                             timeout=60, check=False) if shutil.which("man") else None
    assert not checked or not checked.stderr


def test_all_programs_show_the_same_version(operator):
    version = operator.json("version")
    program = subprocess.run([BINARIES / "gateway", "--version"], capture_output=True, text=True, timeout=60, check=True).stdout

    assert program == f"gateway {version['version']} ({version['revision']})\n"
    assert f"nexusctl {version['version']} ({version['revision']})" in operator.run("version").stdout


# --- usage errors ---

@pytest.mark.parametrize("words", [["replay", "--tenant", ""], ["replay", "--tenant=", "--all"], ["undelivered", "--tenant", ""],
                                   ["ledger", "--from", ""], ["keys", "list", "--tenant", ""], ["explain", ""]])
def test_an_empty_value_is_refused_by_every_command(operator, words):
    assert "empty" in operator.run(*words, code=2).stderr


def test_a_replay_of_an_unknown_message_is_refused(operator):
    unknown = "0199c5b2-7d3a-7000-8000-000000000001"
    assert "no such undelivered message" in operator.run("replay", "--id", unknown, code=1).stderr


@pytest.mark.parametrize("words", [["keys", "create", "--tenant", CCID, "--name", "n", "--permission", "nexus:everything"],
                                   ["keys", "create", "--tenant", CCID, "--name", "n", "--permission", "nexus:agent:chat",
                                    "--expires", "tomorrow"],
                                   ["keys", "create", "--tenant", CCID, "--name", "n", "--permission", "nexus:agent:chat",
                                    "--capacity", "many"],
                                   ["replay", "--id", "1"], ["replay", "--from", "yesterday"], ["audit", "list", "--to", "now"],
                                   ["replay", "--from", "2026-02-01", "--to", "2026-01-31T00:00:00Z"],
                                   ["audit", "list", "--from", "2026-02-01", "--to", "2026-01-31"]])
def test_an_invalid_value_is_a_usage_error_that_names_the_option(operator, words):
    option = next(word for word in reversed(words) if word in ("--permission", "--expires", "--capacity", "--id", "--from", "--to"))
    error = operator.run(*words, code=2).stderr
    assert option in error and "--help explains it" in error


@pytest.mark.parametrize("command", ["sign", "verify", "token", "curve", "completion", "version"])
def test_a_command_without_a_database_has_no_option_for_one(operator, command):
    assert "--pg" not in operator.run(command, "--help").stdout
    assert "--pg" in operator.run(command, "--pg", "x", code=2).stderr


def test_the_columns_of_the_help_are_aligned(operator):
    overview = operator.run("--help").stdout.split("\n\n")[2].splitlines()
    assert len({re.match(r"  \S+ {2,}", line).end() for line in overview}) == 1, overview
    for name in [line.split()[0] for line in overview]:
        text = operator.run(name, "--help").stdout
        options = text.split("Options:\n")[1].split("\n\n")[0].splitlines()
        columns = [re.match(r"(?:  -.*? {2,}| {6,})(?=\S)", line) for line in options]  # a long option has its text on the next line
        assert len({column.end() for column in columns if column}) == 1, options
        assert not re.search(r" $", text, re.M), name
        assert max(map(len, text.splitlines())) <= 120, name


def test_json_output_has_no_spaces(operator):
    operator.apply(document())
    for words in (["keys", "list"], ["ledger"], ["audit", "list"]):
        answer = operator.run(*words, "--json").stdout.strip()
        assert answer == json.dumps(json.loads(answer), separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("words", [["ledger", "--from", "2026-01-01", "--from", "2026-02-01"],
                                   ["undelivered", "--tenant", CCID, "--tenant", CCID],
                                   ["replay", "--all", "--pg", "postgres://one", "--pg", "postgres://two"]])
def test_an_option_that_may_be_given_once_is_refused_twice(operator, words):
    assert "is given twice" in operator.run(*words, code=2).stderr


@pytest.mark.parametrize("words", [["ledger", "--tenant", "demo"], ["numbers", "move", "+15551112222", "--to", "demo"], ["cancel", "--id", "7"]])
def test_a_malformed_id_is_a_usage_error_that_names_the_option(operator, words):
    assert f"{words[-2]}: must be a UUID" in operator.run(*words, code=2).stderr


def test_an_id_may_begin_with_a_hyphen(operator):
    operator.run("explain", "-1", code=2)
    assert 'no message is called "-1"' in operator.run("explain", "--", "-1", code=1).stderr


def test_an_unknown_reason_is_refused(operator):
    for command in ("undelivered", "replay"):
        assert "--reason: must be gone or refused or" in operator.run(command, "--reason", "refuse", code=2).stderr
    assert "--sort: must be since or channel or" in operator.run("undelivered", "--sort", "colour", code=2).stderr
    operator.run("undelivered", "--by", "destination", "--sort", "attempts", code=2)


def test_a_database_without_nexus_is_reported(beginner):
    assert "nexusctl migrate" in beginner.run("ledger", code=1).stderr


def test_no_key_is_created_if_it_cannot_be_printed(operator):
    operator.apply(document())
    before = operator.json("keys", "list")

    done = operator.start("keys", "create", "--tenant", CCID, "--name", "unseen", "--permission", "nexus:agent:chat",
                          preexec_fn=lambda: os.close(1))

    assert (done.returncode, "standard output: Bad file descriptor" in done.stderr) == (1, True)
    assert operator.json("keys", "list") == before


@pytest.mark.parametrize("words", [[], ["nonsense"], ["apply"], ["keys", "nonsense"], ["completion", "fish"], ["ledger", "--nope"],
                                   ["replay", "--limit"]])
def test_a_usage_error_exits_with_2(operator, words):
    operator.run(*words, code=2)


def test_every_command_has_a_help_with_examples(operator):
    overview = operator.run("--help").stdout
    names = [line.split()[0] for line in overview.splitlines() if line.startswith("  ")]
    assert len(names) >= 9
    for name in names:
        assert f"  nexusctl {name}" in operator.run(name, "--help").stdout
