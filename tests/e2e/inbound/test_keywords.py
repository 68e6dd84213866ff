"""STOP, START and HELP in the spellings and languages of consumers."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.people import Tenant, until_accepted
from harness.reading.tables import opted_out


STOPS = ["STOP", "stop", " Stop. ", "UNSUBSCRIBE", "cancel", "QUIT", "STOPALL", "opt out", "“STOP”", "‘stop’", "«stop»", "(STOP)",
         "[STOP]", "STOP;", "stop:", "STOP…", "- STOP", "*STOP*", "STOP 🛑", "STOP😡", "STOP👍🏽", "STOP\u00a0", "\u200bSTOP",
         "ST\u200bOP", "STOP\u200d", "\ufeffSTOP", "\u202eSTOP\u202c", "ＳＴＯＰ", "STOP！", "STOP。", "¡STOP!", "ⓈⓉⓄⓅ", "𝐒𝐓𝐎𝐏",
         "STOP\r\n", "STOP\t", "STOP\u2028", "S.T.O.P.", "STOP  ALL", "stop-all", "OPT  OUT", "Opt-Out", "opt_out", "STOP STOP",
         "stop, stop, stop!", "STOPSTOP", "Stop please", "Please stop!", "STOP thanks", "stop, thank you", "UNSUB", "End", "REVOKE",
         "remove", "STOP\ufffd", "STOP" + " " * 60, "\u200b" * 50 + "STOP", "STOP" + "!" * 200, "STOP" + "🛑" * 45, "STOP\n" * 12,
         "stop " * 7, "STOP\u3164", "\u115fSTOP", "ST\u1160OP", "STOP\u02bc", "STOP\u0640", "STOP\u30fc", "STOP™", "STOP ℹ\ufe0f",
         "STOP 1\ufe0f\u20e3", "STOP 🈲", "STOP NOW", "STOP MESSAGES", "stop texts", "STOP SMS", "STOP TEXT",
         "Please stop texting me", "unsubscribe me",
         "ЅТОР", "STОP", "ST\u039fP", "unsubscrıbe", "UNSUBSCRİBE"]
SIGNED_STOPS = ["STOP\n-- \nJane Doe\nAcme Ltd, 12 Long Street, Springfield, phone 1 555 123 0001", "Stop. Sent from my iPhone",
                "STOP\r\n\r\nSent via the Samsung Galaxy S23 Ultra 5G, an AT&T 5G smartphone", "stop\nGet Outlook for iOS<https://o.example>",
                "Unsubscribe\n\nEnvoyé de mon iPhone", "Stopp\nVon meinem iPhone gesendet", "alto\nEnviado desde mi iPhone",
                "Sair\nEnviado do meu iPhone", "Ferma\nInviato da iPhone", "stop\nVerstuurd vanaf mijn iPhone",
                "STOP\r\n> You have an appointment at noon.\r\n> Reply STOP to get no more.", "ARRÊT\n___\nJane", "“Stop”\n—— \nJane"]
IN_OTHER_LANGUAGES = ["ARRET", "ARRÊT", "arrêt", "Arre\u0302t", "arrêter", "ALTO", "parar", "Baja", "¡Basta!", "cancelar", "Stopp",
                      "abmelden", "ABBESTELLEN", "Pare", "sair", "Ferma", "annulla", "Disiscrivi", "stoppen", "afmelden",
                      "Uitschrijven", "stop merci", "Stop bitte", "baja por favor", "STOP/ARRET", "ARRÊT - STOP", "dar de baja",
                      "désabonnement"]
NOT_STOPS = ["Count me in! We have to STOP this", "ok i will stop by", "cancel my order", "STOP 12345", "please do not stop the delivery",
            "don't stop", "stopwatch", "bus stop", "the end", "end of the week", "no", "thanks", "🛑", "?", "stop or go",
            "x" * 40 + " STOP", "x" * 60 + " STOP", "STOP 5", "1\ufe0f\u20e3", "™", "Please cancel the appointment",
            "Stop by at noon\n-- \nJane", "Hello\nSent from my iPhone", "Sent from my iPhone", "\n-- \nStop and Shop", "I sent from home: stop",
            "Hello\n> STOP", "stop it sent home"]


@pytest.mark.parametrize("text", STOPS + IN_OTHER_LANGUAGES + SIGNED_STOPS)
def test_a_text_of_only_a_stop_word_opts_the_phone_out(tenant, text):
    phone = tenant.phone()

    assert tenant.aggregator().message(phone, text).status_code == 200

    assert opted_out(tenant, phone)


@pytest.mark.parametrize("text", NOT_STOPS)
def test_a_text_that_contains_a_stop_word_among_others_is_an_ordinary_text(tenant, text):
    phone = tenant.phone()

    assert tenant.aggregator().message(phone, text).status_code == 200

    assert not opted_out(tenant, phone)


@pytest.mark.parametrize("text", ["START", "start!", "Unstop", "YES", "“Yes”", "subscribe", "OPT-IN", "ＳＴＡＲＴ", "alta", "anmelden"])
def test_a_start_word_opts_the_phone_in_again(tenant, text):
    phone, aggregator = tenant.phone(), tenant.aggregator()
    aggregator.message(phone, "STOP")

    aggregator.message(phone, text)

    assert not opted_out(tenant, phone)


def test_a_stop_in_parts_opts_the_phone_out_when_it_is_joined(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for part, text in ((2, "scribe"), (1, "unsub")):
        assert aggregator.message(phone, text, concat_reference="7", concat_total=2, concat_part=part).status_code == 200

    assert opted_out(tenant, phone)


def test_a_part_that_reads_like_stop_is_not_a_stop(tenant):
    phone, aggregator = tenant.phone(), tenant.aggregator()

    for part, text in ((1, "Stop"), (2, " by tomorrow, will you?")):
        aggregator.message(phone, text, concat_reference="8", concat_total=2, concat_part=part)

    assert not opted_out(tenant, phone)


# Characters without meaning: punctuation, symbols, spaces, control and format characters. No text contains NUL.
MEANINGLESS = st.text(st.characters(whitelist_categories=("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Sk", "Sm", "Zs", "Zl", "Zp",
                                                           "Cc", "Cf"),
                                     blacklist_characters="\0", max_codepoint=0xFFFF), max_size=6).filter(
    lambda text: not any(letter.isalnum() for letter in unicodedata.normalize("NFKD", text)))


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=MEANINGLESS, behind=MEANINGLESS,
       word=st.sampled_from(["stop", "Stop", "STOP", "ＳＴＯＰ", "ⓢⓣⓞⓟ"]), times=st.integers(1, 3))
def test_meaningless_characters_around_a_keyword_are_ignored(nexus, before, behind, word, times):
    assert nexus.query("select keyword_key(%s)", (before + word + behind) * times)[0][0] == "stop"
    assert nexus.query("select keyword_key(%s)", before + word + behind)[0][0] == "stop"


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["stop", "STOP", "Stop", "s", "t", "op", "all", "un", "sub", "end", "x", "7", " ", "  ", "\n", "-", "!", ".",
                                 "\n--\n", "\n> ", "\nSent from my phone", " sent from ", ". Get Outlook for iOS", "von "]),
                min_size=1, max_size=30))
def test_the_worker_and_the_database_agree_about_texts_in_ascii(tenant, pieces):
    """sms-worker makes the key of such a text itself; keyword_key() is the rule for all texts."""
    text, phone = "".join(pieces), tenant.phone()

    assert tenant.aggregator().message(phone, text).status_code == 200

    assert opted_out(tenant, phone) == tenant.stack.query(
        "select exists (select from keyword k where k.key = keyword_key(%s) and k.meaning = 1)", text)[0][0], text


def test_a_batch_of_texts_is_compared_with_keywords_by_index(nexus):
    keys = [f"textnumber{place}" for place in range(200)]

    [(scans, looks)] = nexus.query(
        """select (select sum(seq_scan) from pg_stat_xact_user_tables where relname in ('keyword', 'tenant_keyword')),
                  (select idx_scan from pg_stat_xact_user_tables where relname = 'keyword')
             from (select keywords_among(%s) offset 0) asked (found) where not found""", keys)

    assert scans == 0 and looks > 0


# --- keywords of a contact center

KEYWORDS = "/nexus/v3/provisioning/transactions/{}/NexusServices/Keywords"


def ask(tenant, method, **options):
    """What an administrator gets. GWS has half of the deadline to tell Nexus whose token it is; on a busy machine it may need longer."""
    administrator = tenant.administrator()
    return until_accepted(lambda: administrator.request(method, KEYWORDS.format(tenant.ccid), **options), other_statuses=(400, 404))


def words(tenant, **options):
    return ask(tenant, "PUT", json=options)


def test_a_contact_center_adds_its_own_keywords(tenant):
    stopped, started, other = tenant.phone(), tenant.phone(), tenant.phone()
    aggregator = tenant.aggregator()
    aggregator.message(other, "slut")

    assert words(tenant, stop="Slut, lopeta,κλείσε,  hör auf", start="börja").status_code == 200
    for phone in (stopped, started):
        aggregator.message(phone, "HÖR  AUF!")
    aggregator.message(started, "Börja")

    assert opted_out(tenant, stopped) and not opted_out(tenant, started) and not opted_out(tenant, other)
    for word in ("slut", "LOPETA", "Κλείσε.", "STOP"):
        phone = tenant.phone()
        aggregator.message(phone, word)
        assert opted_out(tenant, phone), word


def test_keywords_of_one_contact_center_are_ordinary_words_for_another(nexus, tenant):
    other = Tenant(nexus)
    words(tenant, stop="slut")
    phone = other.phone()

    other.aggregator().message(phone, "slut")

    assert not opted_out(other, phone)


def test_removed_keywords_are_ordinary_words_again_and_the_built_in_ones_stay(tenant):
    first, second, third = tenant.phone(), tenant.phone(), tenant.phone()
    words(tenant, stop="slut, lopeta")
    words(tenant, stop="lopeta")

    tenant.aggregator().message(first, "slut")
    assert ask(tenant, "DELETE").status_code == 200
    tenant.aggregator().message(second, "lopeta")
    tenant.aggregator().message(third, "STOP")

    assert [opted_out(tenant, phone) for phone in (first, second, third)] == [False, False, True]


@pytest.mark.parametrize("options, fault", [
    ({"start": "go, stop"}, "Keywords.start: word 2 is one of ours for STOP"),
    ({"help": "Stop, please"}, "Keywords.help: word 1 is one of ours for STOP"),
    ({"stop": "help"}, "Keywords.stop: word 1 is one of ours for HELP"),
    ({"stop": "fin", "help": "FIN!"}, "Keywords.help: word 1 has another meaning, too"),
    ({"stop": "a, 🛑"}, "Keywords.stop: word 2 has neither letter nor digit"),
    ({"stop": ""}, "stop: must be words of 1 to 24 characters, separated by commas"),
    ({"stop": "a,,b"}, "stop: must be words of 1 to 24 characters, separated by commas"),
    ({"stop": "x" * 25}, "stop: must be words of 1 to 24 characters, separated by commas"),
    ({"stop": ",".join("abcdefghijklmnopqrstu")}, "stop: at most 20 words are allowed"),
    ({"stop": ["fin"]}, "stop: must be a text"), ({"end": "fin"}, "end: unknown")])
def test_invalid_keywords_are_refused_with_the_rule(tenant, options, fault):
    answer = words(tenant, **options)

    assert answer.status_code == 400
    assert fault in answer.text
    assert ask(tenant, "GET").status_code == 404, "nothing was stored"
