"""Usage errors of nexusctl: every command with every option, as its help lists them."""

import os
import re
import subprocess

import pytest

from harness.nexus.nexusctl import CCID, Operator, document
from harness.nexus.stack import BINARIES

COMMANDS = ["migrate", "tenants", "apply", "export", "keys", "rekey", "audit", "ledger", "explain", "undelivered", "replay", "cancel",
            "destinations", "numbers", "networks", "gapis", "sign", "verify", "token", "curve", "bus-key", "completion", "manual", "version"]

# Invalid values, by the name of the value in the help. A name in lower case is a list of words.
NONSENSE = {
    "DAY": ["yesterday", "2026-02-30", "2026-01-01T00:00:00Z"], "TIME": ["tomorrow", "2026-13-01", "2026-01-01 12:00"],
    "CCID": ["demo", "578ec98e"], "ID": ["x y", "-1", "1e3"], "URL": ["ftp//one", "nonsense"],
    "FILE": ["/nowhere/at/all", "/"], "COUNT": ["many", "-1", "1.5", "99999999999999999999"], "SECONDS": ["soon", "-1"],
    "NUMBER": ["nobody", "+"], "PERMISSION": ["nexus:everything", "all"], "WHAT": ["nonsense"], "NEXT": ["nonsense", "-"],
    "'NAME: VALUE'": ["nonsense", ": x"], "TEXT": ["bell\x07"], "NAME": ["two\nlines"], "WHO": ["two\nlines"],
}
OPTION = re.compile(r"^  (?:-\w, )?(--[a-z-]+)(?: ('[^']*'|\S+))?(?:  +(?:([a-z]+): )?|$)", re.M)


@pytest.fixture(scope="module")
def operator(postgres, template):
    operator = Operator(postgres, postgres.create_database(template))
    operator.apply(document())
    return operator


def options_of(operator, command):
    """[(option, name of its value or "", verb before it or "")]"""
    text = operator.run(command, "--help").stdout.split("\nOptions:\n")[1].split("\n\nExamples:")[0]
    text = re.sub(r"\n {6,}(?=\S)", "  ", text)  # a long option has its text on the next line
    return OPTION.findall(text)


def contents(operator):
    """{table: digest of its rows} of every table."""
    tables = operator.query("select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace"
                            " and relkind in ('r', 'p') and not relispartition")
    digests = (f"select '{table}', md5(string_agg(t::text, ',' order by t::text)) from {table} t" for table, in tables)
    return dict(operator.query(" union all ".join(digests)))


def wrong_words(operator, command):
    for option, value, verb in options_of(operator, command):
        if not value:
            yield option, [option + "=yes"], verb
            continue
        assert value[0].islower() or value in NONSENSE, f"{command} {option}: NONSENSE has no invalid values for {value}"
        yield option, [option, ""], verb
        yield option, [option + "="], verb
        for nonsense in ["nonsense"] if value[0].islower() else NONSENSE[value]:
            yield option, [option, nonsense], verb


def test_every_command_is_tried_here(operator):
    overview = operator.run("--help").stdout.split("\n\n")[2].splitlines()
    assert [line.split()[0] for line in overview] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_with_an_empty_or_invalid_value_is_named_and_nothing_is_changed(operator, command):
    before = contents(operator)
    for option, words, verb in wrong_words(operator, command):
        done = operator.start(command, *[verb] if verb else [], *words, input="")
        assert (done.returncode, done.stdout) == (2, ""), f"{command} {words}: {done.returncode} {done.stdout}{done.stderr}"
        assert f"{option}: " in done.stderr or f"{option} takes no value" in done.stderr, f"{command} {words}: {done.stderr}"
    assert contents(operator) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_of_one_verb_is_refused_with_another(operator, command):
    help_text = operator.run(command, "--help").stdout
    for option, value, verb in options_of(operator, command):
        if not verb:
            continue
        assert f"  {verb} " in help_text
        good = {"CCID": CCID, "COUNT": "1", "SECONDS": "1", "FILE": "/dev/null", "TIME": "2027-01-31", "URL": "https://one.example",
                "PERMISSION": "nexus:agent:chat"}.get(value, value.split("|")[0])
        other = next(name for name in re.findall(r"^  ([a-z]+)  ", help_text.split("\n\n")[2], re.M) if name != verb)
        error = operator.run(command, other, option, *[good] if value else [], code=2).stderr
        assert f"{option} is an option of {command} {verb}" in error


@pytest.mark.parametrize("words, error", [
    (["networks", "grant", "intranet", "--tenant", CCID], "RANGE: "), (["networks", "revoke", "intranet", "--tenant", CCID], "RANGE: "),
    (["numbers", "move", "nonsense", "--to", CCID], "NUMBER: "), (["tenants", "delete", "demo"], "CCID: "),
    (["gapis", "remove", "first"], "no row is named"), (["completion", "fish"], "fish"), (["token", "nobody"], "nobody"),
    (["keys", "list", "designer"], "designer"), (["tenants", "list", "x"], '"x"'), (["audit", "list", "x"], '"x"'),
    (["numbers", "list", "+15550001"], "+15550001"), (["explain", "a\nb"], "control characters"), (["ledger", "x"], '"x"'),
    (["explain"], "no message is named"), (["keys", "revoke"], "no key is named"), (["cancel"], "--id or --destination"),
    (["tenants", "delete"], "no contact center is named"), (["destinations", "try"], "no destination is named"),
    (["undelivered", "--by", "destination", "--after", "1-" + CCID], "--by and --after"),
    (["undelivered", "--from", "2026-02-01", "--to", "2026-01-31"], "--from is after --to"),
    (["audit", "export", "--from", "2026-02-01", "--to", "2026-01-31"], "--from is after --to")])
def test_an_invalid_or_missing_word_is_a_usage_error(operator, words, error):
    done = operator.run(*words, code=2)

    assert error in done.stderr and done.stdout == ""


UNKNOWN = "0199c5b2-7d3a-7000-8000-000000000001"


@pytest.mark.parametrize("words", [
    ["destinations", "try", "999999"], ["destinations", "enable", "999999"], ["cancel", "--destination", "999999"],
    ["cancel", "--id", UNKNOWN], ["replay", "--id", UNKNOWN], ["replay", "--channel", "+15550009999"],
    ["undelivered", "--channel", "+15550009999"], ["undelivered", "--channel", "nobody.example.com"], ["explain", "mo-4711"],
    ["keys", "revoke", "nobody-at-all"], ["gapis", "remove", "99"], ["networks", "revoke", "10.9.0.0/16", "--tenant", CCID],
    ["tenants", "delete", UNKNOWN], ["numbers", "move", "+15550009999", "--to", CCID], ["numbers", "move", "+18445551212", "--to", UNKNOWN],
    *[[*words, "--tenant", UNKNOWN] for words in (
        ["ledger"], ["export"], ["keys", "list"], ["keys", "revoke", "designer"], ["audit", "list"], ["audit", "export"], ["undelivered"],
        ["replay"], ["cancel", "--id", UNKNOWN], ["destinations"], ["numbers"], ["networks"], ["explain", "mo-4711"],
        ["networks", "grant", "10.9.0.0/16"], ["keys", "create", "--name", "n", "--permission", "nexus:agent:chat"])]])
def test_a_missing_object_is_reported_in_a_sentence(operator, words):
    before = contents(operator)

    done = operator.run(*words, code=1)

    assert re.search(r"\bno(body)? ", done.stderr.lower()) and done.stdout == "" and "SQLSTATE" not in done.stderr, done.stderr
    assert contents(operator) == before


def test_a_number_is_found_in_any_spelling(operator):
    assert operator.json("undelivered", "--channel", "+1 844 555-1212")["undelivered"] == []


def test_errors_in_json_name_the_option_as_well(operator):
    done = operator.start("cancel", "--destination", "x", "--json")

    assert (done.returncode, done.stderr) == (
        2, '{"error":"bad_input","detail":"--destination: must be a whole number from 1 to 2147483647"}\n')


def test_counts_have_the_right_singular_or_plural(postgres, template):
    operator = Operator(postgres, postgres.create_database(template))
    only = document()
    del only["tenants"][0]["numbers"][0]["api"]
    operator.apply(only)

    listed = operator.run("rekey", "--wrap-only").stdout
    assert re.search(r": 1 secret, seals\n", listed) and "0 secrets wrapped again\n" in listed
    assert "numbers that can still receive texts: 1;" in operator.run("tenants", "delete", CCID, code=3).stdout
    operator.query("update schema_function set checksum = '' where name = 'ledger'")
    assert "0 migrations applied" in operator.run("migrate").stdout


# --- output that cannot be written ---

@pytest.mark.parametrize("words", [["version"], ["help"], ["audit", "export", "--format", "csv"], ["export"]])
def test_output_that_cannot_be_written_is_a_failure(operator, words):
    environment = {"PATH": os.environ["PATH"], **operator.postgres.urls(operator.database), **operator.settings}
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARIES / "nexusctl", *words], env=environment, text=True, stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)

    assert done.returncode == 1
    assert "standard output: No space left on device" in done.stderr


@pytest.mark.parametrize("words", [[], ["--json"], ["--pg", "host=/nowhere"]], ids=" ".join)
def test_without_a_command_it_is_used_wrongly(operator, words):
    assert "no command is given" in operator.run(*words, code=2).stderr
