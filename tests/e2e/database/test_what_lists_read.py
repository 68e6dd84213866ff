"""A list reads only the rows it shows, however many rows are done or belong to others."""

import pytest

ROWS = 5000


@pytest.fixture
def database(postgres, template):
    """A contact center with 5000 consumers, each with one conversation of five messages: 10 conversations wait, the others are done.
    Another contact center has 3000 conversations that wait, are active or are held, in 30 queues."""
    connection = postgres.connect(postgres.create_database(template))
    cursor = connection.cursor()
    cursor.execute("""insert into tenant (ccid, name) values (gen_random_uuid(), 'one');
                      insert into channel (tenant_id, address, kind, name, provider) values (1, '+18445550000', 1, 'sales', 'Async');
                      insert into tenant (ccid, name) values (gen_random_uuid(), 'two')""")
    cursor.execute("""insert into contact (tenant_id, id, address) select 1, md5('person' || n)::uuid, '+1555' || (1000000 + n)
                        from generate_series(1, %s) n""", [ROWS])
    cursor.execute("""insert into conversation (tenant_id, id, channel_id, address, contact_id, state, queue, waiting_since)
                      select 1, md5('talk' || n)::uuid, 1, '+1555' || (1000000 + n), md5('person' || n)::uuid,
                             case when n <= 10 then 1 else 9 end, case when n %% 500 = 77 then 'rare' else 'q' end,
                             now() - n * interval '1 min'
                        from generate_series(1, %s) n""", [ROWS])
    cursor.execute("""insert into conversation (tenant_id, id, channel_id, address, contact_id, state, queue, waiting_since)
                      select 2, gen_random_uuid(), 1, '+1555' || (1000000 + n), gen_random_uuid(), 1 + n % 3, 'q' || n % 30,
                             now() - n * interval '1 s' from generate_series(1, 3000) n""")
    cursor.execute("""insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address)
                      select 1, gen_random_uuid(), 1, md5('talk' || n)::uuid, s, 1, 13, '+1555' || (1000000 + n)
                        from generate_series(1, %s) n, generate_series(1, 5) s""", [ROWS])
    cursor.execute("analyze")
    yield cursor
    connection.close()


def rows_read(cursor, question):
    """The answer to a query, and how many rows of conversations and messages it read."""
    read = """select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) from pg_stat_xact_user_tables
               where relname in ('conversation', 'message')"""
    cursor.execute("begin")
    cursor.execute(question)
    answer = cursor.fetchone()[0]
    cursor.execute(read)
    count = cursor.fetchone()[0]
    cursor.execute("commit")
    return answer, count


@pytest.mark.parametrize("question, shown", {
    "all that are not done": ("select json_array_length(conversation_list(1, null, null, null, 0, 50)::json -> 'conversations')", 10),
    "those that wait": ("select json_array_length(conversation_list(1, 'waiting', null, null, 0, 50)::json -> 'conversations')", 10),
    "a page of many that are not done": ("select json_array_length(conversation_list(2, null, null, null, 0, 20)::json -> 'conversations')", 20),
    "the next page": ("select json_array_length(conversation_list(2, null, null, null, 20, 20)::json -> 'conversations')", 20),
    "a page of those that are held": ("select json_array_length(conversation_list(2, 'held', null, null, 0, 20)::json -> 'conversations')", 20),
    "those that wait in one queue": ("select json_array_length(conversation_list(2, 'waiting', 'q3', null, 0, 20)::json -> 'conversations')", 20),
    "what is not done in one queue": ("select json_array_length(conversation_list(2, null, 'q3', null, 0, 20)::json -> 'conversations')", 20),
    "a page of those that are done": ("select json_array_length(conversation_list(1, 'done', null, null, 0, 20)::json -> 'conversations')", 20),
    "a late page of those that are done": ("select json_array_length(conversation_list(1, 'done', null, null, 0, 20, conversation_position("
                                           "(select c from conversation c where c.id = md5('talk3000')::uuid)))::json -> 'conversations')", 20),
    "those that are done in one queue": ("select json_array_length(conversation_list(1, 'done', 'rare', null, 0, 20)::json -> 'conversations')", 10),
    "those that are done in a queue that has none": (
        "select json_array_length(conversation_list(1, 'done', 'none', null, 0, 20)::json -> 'conversations')", 0),
    "a contact's": ("select json_array_length(conversation_list(1, 'done', null, md5('person77')::uuid, 0, 50)::json -> 'conversations')", 1),
    "a phone's": ("""select json_array_length(conversation_list_of_senders(1, 'done', null, null, 0, 50, '{+15551000077}')::json
                                              -> 'conversations')""", 1),
    "the ledger of all days": ("select (ledger_json(1, '', '', '')::json -> 'totals' ->> 'accepted')::int", 0),
    "messages of a conversation": ("""select json_array_length(message_list_of_senders(
                                          1, null, md5('talk77')::uuid, null, null, null, null, 50)::json -> 'messages')""", 5),
    "messages of a phone": ("""select json_array_length(message_list_of_senders(
                                   1, '{+15551000077}', null, null, null, null, null, 50)::json -> 'messages')""", 5),
    "messages of a phone in a conversation of somebody else": ("""select json_array_length(message_list_of_senders(
        1, '{+15551000078}', md5('talk77')::uuid, null, null, null, null, 50)::json -> 'messages')""", 0),
}.values(), ids=lambda value: None)
def test_a_list_reads_only_what_it_shows(database, question, shown):
    answer, read = rows_read(database, question)

    assert answer == shown
    assert read <= 100, "it reads more than it shows" # rows of one moment are sorted by id, 32 at a time
