-- Cancels the statements that wait for our tables. nexusctl migrate runs this last before its commit: such a statement has
-- begun a function as it was before, whose rest may not fit the tables any more. Its worker answers 503, or tries again.
-- If the role that migrates may not cancel statements of others, they stay; workers also try again when what they ran no longer fits
-- (common/io/pg/pg.c).
do $$
begin
    perform pg_cancel_backend(l.pid)
       from (select distinct pid from pg_locks where locktype = 'relation' and not granted) l
      where pg_backend_pid() = any (pg_blocking_pids(l.pid));
exception when insufficient_privilege then
    null;
end
$$;
