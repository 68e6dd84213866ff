-- Idempotency-Key: a request's effect and its answer are stored in one transaction; a repetition of the request gets the stored answer.
-- common/store/idempotency.h has the other half.

-- Before the effect, in its transaction: takes the keys of a batch and says which row of the effect each belongs to.
-- Raises NX208 if a request was done before, NX422 if its key stands for another request, NX425 if the request that came
-- first is not finished. A key is taken by an advisory lock, not by a row: the second request is refused and does not wait,
-- and nothing is left of a request that fails.
create or replace function idempotency_claim(
    p_tenants int[], p_keys text[], p_fingerprints uuid[], p_places int[], p_secrets text[]) returns void
language plpgsql as $$
declare
    others boolean;
begin
    if exists (select from unnest(p_tenants, p_keys) as c (tenant_id, key) group by c.tenant_id, c.key having count(*) > 1)
       or exists (select from unnest(p_tenants, p_keys) as c (tenant_id, key)
                   where not pg_try_advisory_xact_lock(hashtextextended('idempotency|' || c.tenant_id || '|' || c.key, 0))) then
        raise exception using errcode = 'NX425', message = 'the request with this Idempotency-Key is not finished';
    end if;
    -- A statement of its own, whose view begins after the locks were taken: what their last holder committed is in it.
    select bool_or(i.fingerprint <> c.fingerprint) into others
      from unnest(p_tenants, p_keys, p_fingerprints) as c (tenant_id, key, fingerprint)
      join idempotency i on i.tenant_id = c.tenant_id and i.key = c.key;
    if others then
        raise exception using errcode = 'NX422', message = 'Idempotency-Key: it was used for another request';
    elsif others is not null then
        raise exception using errcode = 'NX208', message = 'done before';
    end if;
    perform set_config('nexus.idempotency',
                       (select json_agg(c)::text
                          from unnest(p_tenants, p_keys, p_fingerprints, p_places, p_secrets)
                               as c (tenant_id, key, fingerprint, place, secret)), true);
end $$;

-- After the effect: keeps the answers, one for each of its rows; null for those that shall not be kept.
create or replace function idempotency_keep(p_answers text[]) returns boolean
language plpgsql as $$
begin
    insert into idempotency (tenant_id, key, fingerprint, answer, secret)
    select c.tenant_id, c.key, c.fingerprint, p_answers[c.place], c.secret
      from json_to_recordset(current_setting('nexus.idempotency')::json)
           as c (tenant_id int, key text, fingerprint uuid, place int, secret text)
     where p_answers[c.place] is not null;
    return true;
end $$;

-- The stored answer and its secret; no row when it has been forgotten meanwhile.
create or replace function idempotency_stored(p_tenant int, p_key text, p_fingerprint uuid)
returns table (answer text, secret text) language plpgsql as $$
begin
    perform stored_durably();
    return query select i.answer, i.secret from idempotency i
                  where i.tenant_id = p_tenant and i.key = p_key and i.fingerprint = p_fingerprint;
end $$;

-- Forgets what is older; returns how many, null when another process is at it. At most 100 000 a call.
-- Statement: IDEMPOTENCY_FORGET
create or replace function idempotency_forget(p_older_than_s int) returns int
language plpgsql security definer set search_path from current as $$
declare
    forgotten int;
begin
    if not upkeep_claim('idempotency') then
        return null;
    end if;
    delete from idempotency
     where ctid = any (array(select ctid from idempotency
                              where created < now() - make_interval(secs => p_older_than_s) limit 100000));
    get diagnostics forgotten = row_count;
    return forgotten;
end $$;
