-- With a synchronous standby (synchronous_standby_names) a commit waits until the standby has it, and a 2xx is as safe. But a transaction that
-- writes nothing waits for nothing. After the primary was restarted while the standby was away, it shows rows that only it has: a
-- repetition that finds such a row must not be answered before the standby has the row, too.

-- Called wherever a request is answered 2xx because of what was stored before. Makes this transaction wait at its end like one that wrote,
-- and so for all that was committed before it. Costs nothing without a standby.
create or replace function stored_durably() returns void
language plpgsql as $$
begin
    if current_setting('synchronous_standby_names') <> '' and pg_current_xact_id_if_assigned() is null then
        perform pg_logical_emit_message(true, 'nexus', '');
    end if;
end
$$;
