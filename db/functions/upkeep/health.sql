-- Checks whether messages could be committed now: real writes, made while nothing else commits, or after a failure.

-- Fails if something is missing that is needed to store texts, receipts and agents' messages: a function, a table, or a right of the
-- caller. It calls the functions with empty batches, which lock nothing. It takes some milliseconds, so a worker asks for it only
-- when a write has failed.
-- Statement: WORK_PROBE
create or replace function work_probe() returns void language plpgsql as $$
begin
    perform write_probe();
    -- Lock order: a batch of nothing.
    perform from sms_accept('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
    -- Lock order: a batch of nothing.
    perform from sms_accept_parts('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
    -- Lock order: a batch of nothing.
    perform keywords_take('{}', '{}', '{}', '{}', '{}', '{}');
    -- Lock order: a batch of nothing.
    perform from receipt_take('{}', '{}', '{}', '{}', '{}'::text[]);
    -- Lock order: a batch of nothing.
    perform from conversation_post('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
end
$$;

-- Fails, or waits, where accepting would: it takes the locks that accepting takes, writes, and needs a new page on the disk. It
-- takes less than a millisecond, and its table is emptied whenever it has reached 8 MB.
-- Statement: WRITE_PROBE
create or replace function write_probe() returns void
language plpgsql security definer set search_path from current as $$
begin
    lock table only message, only conversation, only contact, only delivery, only ledger_entry, only event, only opt_out,
               only inbound_part, only attachment, only receipt, only provider_message, only keyword_answer,
               only idempotency, only attempt
        in row exclusive mode;
    lock table only channel, only destination, only tenant, only api_key, only keyword, only tenant_keyword, only keyword_reply
        in access share mode;
    if pg_relation_size('write_probe') > 8 * 1024 * 1024 then
        truncate write_probe;
    end if;
    insert into write_probe values (repeat('.', 900));
end
$$;

-- A server process of a worker that has been at one statement for longer than any may take (5 s; a recount of the ledger, which holds
-- no locks meanwhile, may take longer): it is stopped, or its disk hangs, so it does not even notice that its time is over, and keeps what
-- it has locked. '' where there is none.
create or replace function process_hanging() returns text language sql stable as $$
    select coalesce((select 'process ' || a.pid from pg_stat_activity a
                      where a.datname = current_database() and a.usename = current_user and a.application_name ~ '-worker-[^-]*$'
                        and a.state = 'active' and a.query_start < now() - interval '6500 ms'
                      order by a.query_start limit 1), '')
$$;
