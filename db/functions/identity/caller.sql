-- Identifies callers: the holder of a key, of a GWS token, of a session.

-- The rows of nex_gapis to ask about a user, as a JSON list: that of the contact center's backend_url first, else in the
-- order they were made, at most three.
create or replace function gws_places(p_ccid uuid) returns text
language sql stable as $$
    select json_agg(json_build_object('id', id, 'url', url) order by nth)::text
    from (select g.id, coalesce(nullif(g.authinturl, ''), g.url) as url,
                 row_number() over (order by t.id is null, g.id) as nth
          from nex_gapis g
          left join tenant t on t.ccid = p_ccid and rtrim(t.backend_url, '/') = rtrim(g.url, '/')) place
    where nth <= 3
$$;

-- Each of p_macs is HMAC-SHA-256 (pepper, SHA-256 (key)), used for the contact center at its place in p_ccids (null: none
-- named); a row each, in their order. caller is one JSON object, or null for whatever reason the key is no good: unknown,
-- disabled, revoked, expired, or not the key of that contact center. A cluster key acts for the contact center that is
-- named; without one for all. The same look-ups are made whatever is wrong. known: there is such a key, good or not, so GWS is
-- not asked about it; else places says where to ask about a token.
create or replace function callers_of_keys(p_macs bytea[], p_ccids uuid[])
returns table (caller text, known boolean, places text)
language sql stable as $$
    select held.caller, k.id is not null, case when held.caller is null then gws_places(asked.ccid) end
    from unnest(p_macs, p_ccids) with ordinality as asked (mac, ccid, nth)
    left join api_key k on k.mac = asked.mac
    left join tenant named on named.ccid = asked.ccid and named.deleting is null
    left join tenant t on t.id = coalesce(k.tenant_id, named.id)
    cross join lateral (select case
        when k.enabled and not k.revoked and (k.expires is null or k.expires > now())
             and (asked.ccid is null or named.id = t.id)
        then json_build_object(
                 'tenant', coalesce(t.id, 0), 'all', t.id is null, 'ccid', t.ccid, 'key', k.id, 'name', k.name,
                 'permissions', k.permissions, 'expires_in_s', floor(extract(epoch from k.expires - now()))::bigint,
                 'capacity', k.capacity, 'frequency', k.frequency)::text end as caller) held
    order by asked.nth
$$;

-- The tenant a user acts for. p_center: the user's contact center, founded here if nobody has named it yet; null: of a user
-- who acts for all, and then for p_ccid where that is given. Gives 0 for all of them, and null if the user may not act for p_ccid.
create or replace function tenant_of_user(p_center uuid, p_ccid uuid) returns int
language plpgsql security definer set search_path from current as $$
declare
    found_id int;
begin
    if p_center is null and p_ccid is null then
        return 0;
    end if;
    if p_center <> p_ccid then
        return null;
    end if;
    if exists (select from tenant t where t.ccid = coalesce(p_center, p_ccid) and t.deleting is not null) then
        return null;
    end if;
    select t.id into found_id from tenant t where t.ccid = coalesce(p_center, p_ccid);
    if found_id is null and p_center is not null then
        found_id := tenant_named(0, p_center, true);
    end if;
    return found_id;
end
$$;

-- May this GWS vouch that a user belongs to the contact center (null: to none, so that the user acts for all)?
create or replace function gws_vouches(p_gws int, p_center uuid) returns boolean
language sql stable as $$
    select coalesce((
        select case when p_center is null then g.operators
                    else coalesce(p_center = any (g.centers),
                                  not exists (select from nex_gapis o where o.id <> g.id and p_center = any (o.centers))) end
          from nex_gapis g where g.id = p_gws), false)
$$;

-- The same as tenant_of_user(), of a user of this GWS; null, too, where it may not vouch for him.
create or replace function tenant_of_user_of(p_gws int, p_center uuid, p_ccid uuid) returns int
language plpgsql as $$
begin
    return case when gws_vouches(p_gws, p_center) then tenant_of_user(p_center, p_ccid) end;
end
$$;

-- Sessions end when they are old, when nobody used them for a while, or when too many of one user are open. tenant 0 acts
-- for all.
-- Statement: SESSION_OPEN
create or replace function session_open(p_digest bytea, p_tenant int, p_user text, p_gws int, p_token text, p_life_s int)
returns text
language plpgsql security definer set search_path from current as $$
declare
    owner int := nullif(p_tenant, 0);
begin
    delete from admin_session s where s.digest in (
        select old.digest from admin_session old where old.expires < now() order by old.expires limit 100);
    delete from admin_session s where s.digest in (
        select old.digest from admin_session old
        where old.user_name = p_user and old.tenant_id is not distinct from owner
        order by old.created desc offset 15);
    insert into admin_session (digest, tenant_id, user_name, gws, token, expires)
    values (p_digest, owner, p_user, p_gws, p_token, now() + make_interval(secs => p_life_s));
    return (select json_build_object('expires', s.expires)::text from admin_session s where s.digest = p_digest);
end
$$;

-- The token of a session that is still good, and where to ask about it; no row for one that is not. It counts as use.
create or replace function session_use(p_digest bytea, p_idle_s int, out token text, out places text, out expires text,
                                       out expires_in_s bigint)
returns setof record
language sql security definer set search_path from current as $$
    update admin_session s set used = now()
    from nex_gapis g
    where s.digest = p_digest and s.expires > now() and s.used > now() - make_interval(secs => p_idle_s) and g.id = s.gws
    returning s.token,
              json_build_array(json_build_object('id', g.id, 'url', coalesce(nullif(g.authinturl, ''), g.url)))::text,
              to_char(s.expires at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
              floor(extract(epoch from s.expires - now()))::bigint
$$;

-- The token of a session that is to end, and the GWS that issued it; no row if there is no such session.
create or replace function session_held(p_digest bytea, out token text, out url text)
returns setof record
language sql stable security definer set search_path from current as $$
    select s.token, coalesce(nullif(g.authinturl, ''), g.url)
    from admin_session s join nex_gapis g on g.id = s.gws
    where s.digest = p_digest
$$;

-- Statement: SESSION_END
create or replace function session_end(p_digest bytea) returns text
language plpgsql security definer set search_path from current as $$
begin
    delete from admin_session s where s.digest = p_digest;
    return '{}';
end
$$;

-- Where people log in: the first row of nex_gapis. url as we reach it, browser_url as browsers do; secret as it stands, in
-- clear or sealed.
create or replace function gws_client(out id int, out url text, out browser_url text, out client text, out secret text)
returns setof record
language sql stable as $$
    select g.id, coalesce(nullif(g.authinturl, ''), g.url),
           coalesce(nullif(g.authexturl, ''), nullif(g.authinturl, ''), g.url), g.clientid, g.clientsecret
    from nex_gapis g order by g.id limit 1
$$;

-- Stores the sealed form of a secret that was in clear; another worker may have done it meanwhile.
-- Statement: GWS_CLIENT_SEAL
create or replace function gws_client_seal(p_gws int, p_clear text, p_sealed text) returns void
language plpgsql as $$
begin
    update nex_gapis g set clientsecret = p_sealed where g.id = p_gws and g.clientsecret = p_clear;
end
$$;
