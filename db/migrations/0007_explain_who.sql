-- Which process took a receipt, a part, or a repetition; null in rows of before, and where there was none.
alter table receipt      add column process int;
alter table inbound_part add column process int;
alter table message      add column repeated_process int; -- of the last one
