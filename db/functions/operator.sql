-- What nexusctl asks, and nobody else: it acts for all contact centers.

-- The one key that an operator means by its name or its first characters; p_ccid narrows it down ('*': cluster keys). A
-- revoked key is found by its characters only, for its name may have gone to another.
create or replace function operator_key(p_ccid text, p_word text) returns api_key
language plpgsql as $$
declare
    found_keys api_key[];
begin
    select array_agg(k) into found_keys
    from api_key k
    where case when p_ccid = '*' then k.tenant_id is null else tenant_of(p_ccid) in (0, k.tenant_id) end
      and (k.name = p_word and not k.revoked
           or length(p_word) >= 8 and left(k.prefix, length(p_word)) = left(lower(p_word), length(k.prefix)));
    if found_keys is null then
        raise exception 'there is no such key' using errcode = 'NX404';
    end if;
    if cardinality(found_keys) > 1 then
        raise exception 'more than one key is called so; give --tenant, or its first characters' using errcode = 'NX409';
    end if;
    return found_keys[1];
end
$$;

-- p_state enabled, disabled or revoked. A revoked key stays for the record and is never good again.
create or replace function operator_key_state(p_ccid text, p_word text, p_state text) returns text
language plpgsql as $$
declare
    wanted api_key := operator_key(p_ccid, p_word);
    changed api_key;
begin
    select * into wanted from api_key k where k.id = wanted.id for update;
    if wanted.revoked and p_state <> 'revoked' then
        raise exception 'the key is revoked, for good' using errcode = 'NX409';
    end if;
    update api_key k
    set enabled = case p_state when 'revoked' then k.enabled else p_state = 'enabled' end,
        revoked = k.revoked or p_state = 'revoked'
    where k.id = wanted.id
    returning * into changed;
    return key_json(changed)::text;
end
$$;
