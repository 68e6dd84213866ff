-- If-Match and If-None-Match: who writes may say which version of a thing was read, or that it must not be there yet.
-- precondition_set() goes before the change, in its transaction; the change calls precondition_check() once it holds the lock
-- that keeps others away, so what was checked is what is replaced.

-- Statement: PRECONDITION_SET
create or replace function precondition_set(p_match text, p_none_match text) returns void
language plpgsql as $$
begin
    perform set_config('nexus.if_match', coalesce(p_match, ''), true),
            set_config('nexus.if_none_match', coalesce(p_none_match, ''), true);
end
$$;

-- The version that a GET which answers p_shown has in its header ETag (etag_of() in gateway/etag.h). Answers travel without
-- blanks between their tokens (json_squeeze() in common/wire/json/codec_json.h).
create or replace function etag_of(p_shown text) returns text
language sql immutable as $$
    select '"' || left(encode(sha256(convert_to(
               regexp_replace(p_shown, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g'), 'UTF8')), 'hex'), 32) || '"'
$$;

-- p_shown: what a GET would answer now; null: nothing is there. p_taken: the error text for "it is there already", which names the
-- field that holds its name.
create or replace function precondition_check(p_shown text, p_taken text) returns void
language plpgsql as $$
declare
    match text := btrim(current_setting('nexus.if_match', true));
    none_match text := btrim(current_setting('nexus.if_none_match', true));
begin
    if match <> '' and (p_shown is null
                        or match <> '*' and etag_of(p_shown) <> all (regexp_split_to_array(match, '\s*,\s*'))) then
        raise exception 'it was changed in the meantime: read it again' using errcode = 'NX412';
    end if;
    if none_match <> '' and p_shown is not null
       and (none_match = '*' or etag_of(p_shown) = any (regexp_split_to_array(replace(none_match, 'W/', ''), '\s*,\s*'))) then
        raise exception '%', p_taken using errcode = 'NX412';
    end if;
end
$$;
