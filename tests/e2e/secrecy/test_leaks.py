"""The search for private words in logs, on which every other test relies, finds them."""

import pytest
from harness.reading.leaks import Logs


@pytest.fixture
def log(tmp_path):
    return tmp_path / "gateway-0.log"


@pytest.mark.parametrize("word", ["+15550001", "secret", "a text of more than eight characters", "ähm 💥 und so weiter", "x"])
def test_a_word_is_found_anywhere_in_a_line(log, word):
    for text in (word, f"before {word} behind", f"before{word}behind\n", f"first line\nsecond {word}"):
        log.write_text(text, encoding="utf-8")
        assert Logs().shows(log, {word, "another word that is not there"}) == [word]


def test_words_with_the_same_beginning_are_distinguished(log):
    log.write_text("the number is +155500010002\n")

    found = Logs().shows(log, {"+155500010001", "+155500010002", "+15550001000"})

    assert sorted(found) == ["+15550001000", "+155500010002"]


def test_a_line_is_searched_once_and_again_if_it_has_grown(log):
    logs = Logs()
    log.write_text("an old secret word\nhalf a sec")
    assert logs.shows(log, {"an old secret word"}) == ["an old secret word"]

    log.write_text("an old secret word\nhalf a secret word\n")
    assert logs.shows(log, {"an old secret word", "half a secret word"}) == ["half a secret word"]

    log.write_text("an old secret word\nhalf a secret word\nthe newest secret\n")
    assert logs.shows(log, {"the newest secret"}) == ["the newest secret"]


def test_a_missing_log_shows_nothing(log):
    assert Logs().shows(log, {"a secret word"}) == []
