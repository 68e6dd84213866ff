-- Who writes is a number or a name (db/functions/sender.sql). Names are told apart without regard to case.
create index contact_name on contact (tenant_id, lower(address collate "und-x-icu")) where address !~ '^\+?[0-9]+$';

-- Numbers that came with 00 in front were kept as they came. What such a person said about messages holds for the number as
-- it is spelled now; contacts and conversations of before stay two.
insert into opt_out (tenant_id, channel_id, address, since, evidence, cleared, cleared_by)
select o.tenant_id, o.channel_id, '+' || substr(o.address, 4), o.since, o.evidence, o.cleared, o.cleared_by
  from opt_out o
 where o.address ~ '^\+00[1-9][0-9]{6,}$' and o.cleared is null
    on conflict (tenant_id, channel_id, address) do update
    set since = excluded.since, evidence = excluded.evidence, cleared = null, cleared_by = null
  where opt_out.cleared is not null and opt_out.cleared < excluded.since;
