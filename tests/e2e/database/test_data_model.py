"""docs/data-model.md agrees with a migrated database: tables, columns, types, and numbers of states."""

import re

import pytest

from harness.nexus.stack import ROOT

PAGE = (ROOT / "docs/data-model.md").read_text()
TYPES = {"timestamp with time zone": "timestamptz"}


def sections(level):
    """{heading: text} of the sections of this level."""
    return dict(re.findall(rf"^{'#' * level} ([^\n]+)\n(.*?)(?=^#{{1,{level}}} |\Z)", PAGE, re.S | re.M))


def rows(text):
    """The cells of the section's table, without the header row."""
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return table[2:]


def numbered(heading):
    """{number: cells} of the table in the section with this heading."""
    [text] = [text for title, text in sections(3).items() if title.startswith(heading)]
    return {int(row[0]): row[1:] for row in rows(text)}


def declared(prefix):
    """{number: name}, as C and SQL declare them."""
    rows = re.findall(rf"NUMBER\({prefix}, (\w+), +(\d+)\)", (ROOT / "common/store/numbers.def").read_text())
    return {int(number): name.lower() for name, number in rows}


@pytest.fixture
def ask(postgres, template):
    connection = postgres.connect(postgres.create_database(template))

    def ask(statement, *parameters):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    yield ask
    connection.close()


def test_the_page_shows_each_table_and_column_with_its_type(ask):
    stored = {}
    for table, column, kind, is_required in ask("""
            select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
              from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
             order by c.relname, a.attnum"""):
        stored.setdefault(table, []).append((f"`{column}`", TYPES.get(kind, kind) + ("" if is_required else ", null")))

    shown = {title: [tuple(row[:2]) for row in rows(text)] for title, text in sections(3).items() if re.fullmatch("[a-z_]+", title)}

    assert sorted(shown) == sorted(stored)
    for table, columns in stored.items():
        assert shown[table] == columns, table


def test_the_page_shows_the_states_of_a_message(ask):
    stored = {number: [name, "yes" if is_final else "no"] for number, name, is_final in
              ask("select id, name, terminal from message_state")}

    assert {number: row[:2] for number, row in numbered("States of a message").items()} == stored


@pytest.mark.parametrize("heading, function", [("States of a conversation", "conversation_state_name"),
                                               ("Decision about an attempt", "decision_name")])
def test_the_page_shows_the_numbers_that_a_function_names(ask, heading, function):
    stored = dict(ask(f"select n, {function}(n::smallint) from generate_series(0, 15) n where {function}(n::smallint) is not null"))

    assert {number: row[0] for number, row in numbered(heading).items()} == stored


def test_the_page_shows_the_state_that_a_receipt_gives_its_message(ask):
    stored = dict(ask("select n, coalesce(s.name, '') from generate_series(0, 10) n"
                      " left join message_state s on s.id = receipt_fate(n::smallint)"))

    assert {number: row[1] for number, row in numbered("States of a receipt").items()} == stored


@pytest.mark.parametrize("heading, prefix", [("States of a message", "STATE"), ("States of a conversation", "CONVERSATION")])
def test_the_page_shows_the_states_that_c_and_sql_share(heading, prefix):
    assert {number: row[0] for number, row in numbered(heading).items()} == declared(prefix)


def test_the_page_shows_the_decisions_that_c_and_sql_share():
    shown = {number: row[0].replace(" ", "_") for number, row in numbered("Decision about an attempt").items()}

    assert {**shown, 16: "probe"} == declared("DECISION")


@pytest.mark.parametrize("column, prefix", [("message.direction", "DIRECTION"), ("channel.kind", "CHANNEL"),
                                            ("channel.uncertain_policy", "POLICY"), ("event.kind", "EVENT"),
                                            ("keyword.meaning", "KEYWORD"), ("breaker_change.kind", "BREAKER")])
def test_the_page_shows_the_other_numbers_that_c_and_sql_share(column, prefix):
    [shown] = [row[1] for row in rows(sections(3)["Other numbers"]) if f"`{column}`" in row[0]]
    words = {int(number): word.lower().replace(" ", "_") for number, word in (part.split(" ", 1) for part in shown.split(", "))}

    assert words.keys() == declared(prefix).keys()
    assert all(words[number].startswith(name) for number, name in declared(prefix).items()), "each begins with its name"
