-- Where workers write when nothing else is written (db/functions/health.sql). A page holds one row, so each write needs
-- room of its own; nothing is ever taken out but all of it.
create table write_probe (
    fill text not null
) with (fillfactor = 10, autovacuum_enabled = false);
alter table write_probe alter column fill set storage plain;
