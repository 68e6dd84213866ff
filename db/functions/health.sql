-- Whether what people send could be committed now: a real write, asked for while nothing else commits.

-- Fails, or waits, where accepting would: it takes the locks that accepting takes, writes, and needs a page of disk that
-- nobody has yet. It is over in less than a millisecond, and its table is emptied whenever it has reached 8 MB.
create or replace function write_probe() returns void
language plpgsql security definer set search_path from current as $$
begin
    lock table only message, only conversation, only contact, only delivery, only ledger_entry, only event
        in row exclusive mode;
    if pg_relation_size('write_probe') > 8 * 1024 * 1024 then
        truncate write_probe;
    end if;
    insert into write_probe values (repeat('.', 900));
end
$$;
