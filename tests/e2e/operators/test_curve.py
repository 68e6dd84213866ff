"""nexusctl curve: key pairs of the bus in files of czmq's format, and programs that read them."""

import pytest

from harness.nexus.nexusctl import Operator
from harness.nexus.stack import curve_pair
from harness.people import Tenant


@pytest.fixture(scope="module")
def operator(postgres, template):
    return Operator(postgres, postgres.create_database(template))


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_key_pair_is_made_once_and_its_public_key_is_shown(operator, tmp_path):
    file, public_file = tmp_path / "worker.key", tmp_path / "worker.key.pub"

    public = operator.run("curve", "make", file).stdout.strip()

    assert (mode(file), mode(public_file)) == (0o600, 0o644)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker.key", "worker.key.pub"]
    assert f'public-key = "{public}"' in public_file.read_text() and "secret-key" not in public_file.read_text()
    assert f'public-key = "{public}"' in file.read_text() and "secret-key" in file.read_text()
    before = file.read_bytes()
    for words in (["curve", "make"], ["bus-key"], ["curve", "show"]):
        assert operator.run(*words, file).stdout == public + "\n", words
    assert operator.run("curve", "show", public_file).stdout == public + "\n"
    assert operator.json("curve", "show", file) == {"publicKey": public}
    assert file.read_bytes() == before


def test_an_older_file_with_only_a_secret_key_is_accepted(operator, tmp_path):
    public, secret = curve_pair()
    file = tmp_path / "old.key"
    file.write_text(secret)

    for words in (["curve", "show"], ["curve", "make"], ["bus-key"]):
        assert operator.run(*words, file).stdout.strip() == public, words

    assert file.read_text() == secret


def test_a_public_file_that_is_missing_is_made_again(operator, tmp_path):
    """After a crash between the two files."""
    file, public_file = tmp_path / "worker.key", tmp_path / "worker.key.pub"
    public = operator.run("curve", "make", file).stdout.strip()
    before = file.read_bytes()
    public_file.unlink()

    assert operator.run("curve", "make", file).stdout.strip() == public

    assert f'public-key = "{public}"' in public_file.read_text() and file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["worker.key", "worker.key.pub"]


@pytest.mark.parametrize("verb", ["show", "make"])
def test_a_file_without_a_key_is_refused_with_its_name_and_the_rule_and_without_its_content(operator, tmp_path, verb):
    file = tmp_path / "wrong.key"
    file.write_text("curve\n    secret-key = 'a secret'\n")

    refused = operator.run("curve", verb, file, code=1)

    assert f"{file}: must be a" in refused.stderr and "certificate of czmq" in refused.stderr
    assert "a secret'" not in refused.stdout + refused.stderr
    assert f"{tmp_path}: " in operator.run("curve", verb, tmp_path, code=1).stderr
    assert "/nowhere/key" in operator.run("curve", verb, "/nowhere/key", code=1).stderr
    assert "no file is named" in operator.run("curve", verb, code=2).stderr


def test_programs_accept_certificates_and_plain_keys_and_name_a_file_that_is_neither(operator, make_stack):
    def with_files(stack):
        """Gives the gateway a certificate and sms-worker a plain key, both in files instead of the environment."""
        for name in ("gateway-0", "sms-worker-0"):
            environment, program = stack[name].environment, name[:-2]
            file = stack.folder / f"{program}.key"
            secret = environment.pop("NEXUS_CURVE_SECRET")
            if program == "gateway":
                public = operator.run("curve", "make", file).stdout.strip()
                for process in stack.processes.values():
                    settings = process.environment
                    settings["NEXUS_CURVE_SERVER"] = public
                    settings["NEXUS_CURVE_CLIENTS"] = settings["NEXUS_CURVE_CLIENTS"].replace(environment["NEXUS_CURVE_PUBLIC"], public)
                environment["NEXUS_CURVE_PUBLIC"] = public
            else:
                file.write_text(secret)
            environment["NEXUS_CURVE_SECRET_FILE"] = file
        gateway = stack["gateway-0"]
        wrong = stack.folder / "wrong.key"
        wrong.write_text("nothing")
        right, gateway.environment["NEXUS_CURVE_SECRET_FILE"] = gateway.environment["NEXUS_CURVE_SECRET_FILE"], wrong
        assert gateway.start().wait() == 125
        assert f"NEXUS_CURVE_SECRET: {wrong}: must be a secret certificate of czmq" in gateway.tail()
        gateway.environment["NEXUS_CURVE_SECRET_FILE"] = right

    stack = make_stack(with_files)

    assert Tenant(stack).aggregator().message().status_code == 200
