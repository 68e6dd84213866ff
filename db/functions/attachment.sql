-- Attachments: large contents on their way in, and what agents read of them.

-- One piece of a content whose message comes later. A piece that comes twice is stored once. It need not be on disk when this
-- is answered: the commit of the message, which comes later, puts all on disk that was committed before it.
create or replace function upload_piece(of_tenant int, of_upload uuid, of_stream int, of_number int, content bytea)
returns text language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into upload (tenant_id, id) values (of_tenant, of_upload) on conflict do nothing;
    if found and (select count(*) from upload u where u.tenant_id = of_tenant and u.message_id is null) > 100 then
        raise exception using errcode = '53400', message = 'too many unfinished uploads';
    end if;
    insert into upload_piece (tenant_id, upload_id, stream, number, bytes)
    values (of_tenant, of_upload, of_stream, of_number, content)
        on conflict do nothing;
    return '{}';
end $$;

create or replace function upload_drop(of_tenant int, of_upload uuid) returns text language plpgsql as $$
begin
    delete from upload where tenant_id = of_tenant and id = of_upload and message_id is null;
    return '{}';
end $$;

-- Drops uploads whose message has not come in that time, at most 100 a call; returns how many. A message may take one over
-- while this waits for its row, so the row is looked at once more.
create or replace function upkeep_uploads(older_than_s int) returns int language plpgsql as $$
declare
    dropped int;
begin
    if not upkeep_claim('uploads') then
        return null;
    end if;
    delete from upload u
     where u.message_id is null
       and (u.tenant_id, u.id) in (select w.tenant_id, w.id from upload w
                                    where w.message_id is null and w.created < now() - make_interval(secs => older_than_s)
                                    limit 100);
    get diagnostics dropped = row_count;
    return dropped;
end $$;

-- What the first bytes of a content say it is; null where they do not say. No answer depends on it but what agents are shown.
create or replace function content_known_type(head bytea) returns text language sql immutable as $$
    select case
        when substring(head, 1, 8) = '\x89504e470d0a1a0a' then 'image/png'
        when substring(head, 1, 3) = '\xffd8ff' then 'image/jpeg'
        when substring(head, 1, 4) = 'GIF8' then 'image/gif'
        when substring(head, 1, 4) = 'RIFF' and substring(head, 9, 4) = 'WEBP' then 'image/webp'
        when substring(head, 1, 4) = 'RIFF' and substring(head, 9, 4) = 'WAVE' then 'audio/wav'
        when substring(head, 1, 5) = '%PDF-' then 'application/pdf'
        when substring(head, 5, 4) = 'ftyp' and substring(head, 9, 3) = '3gp' then 'video/3gpp'
        when substring(head, 5, 4) = 'ftyp' and substring(head, 9, 4) in ('heic', 'heix', 'mif1') then 'image/heic'
        when substring(head, 5, 4) = 'ftyp' and substring(head, 9, 3) = 'M4A' then 'audio/mp4'
        when substring(head, 5, 4) = 'ftyp' then 'video/mp4'
        when substring(head, 1, 5) = '#!AMR' then 'audio/amr'
        when substring(head, 1, 4) = 'OggS' then 'audio/ogg'
        when substring(head, 1, 3) = 'ID3' or substring(head, 1, 2) in ('\xfffb', '\xfff3') then 'audio/mpeg'
        when substring(head, 1, 2) = 'MZ' then 'application/x-msdownload'
        when substring(head, 1, 4) = '\x7f454c46' then 'application/x-elf'
        when substring(head, 1, 4) = '\x504b0304' then 'application/zip'
        when encode(head, 'escape') ilike 'begin:vcard%' then 'text/vcard'
        when encode(head, 'escape') ilike '%<svg%' then 'image/svg+xml'
        when encode(head, 'escape') ~* '^\s*<(!doctype html|html|head|body|script)' then 'text/html'
    end
$$;

-- Stores the attachments of messages that are new (stored), in their transaction. lists as sms_accept() has them; of a message
-- that is in the batch twice the first counts. A content is base64, or {upload, stream, bytes}: then the upload becomes the
-- message's. Where that is not whole, or another message has it, the message is undone, too: its sender repeats it.
create or replace function attachments_store(tenants int[], ids uuid[], lists text[], stored uuid[]) returns void
language plpgsql as $$
declare
    wanted int;
    made int;
begin
    with first as (
        select distinct on (i.tenant_id, i.id) i.*
          from unnest(tenants, ids, lists) with ordinality as i (tenant_id, id, list, place)
         where i.id = any (stored)
         order by i.tenant_id, i.id, i.place
    ), listed as materialized (
        select f.tenant_id, f.id, a.ordinal, a.value ->> 'content_type' as content_type, a.value ->> 'name' as file_name,
               case when jsonb_typeof(a.value -> 'content') = 'object' then (a.value -> 'content' ->> 'bytes')::int end as bytes,
               (a.value -> 'content' ->> 'upload')::uuid as upload_id, (a.value -> 'content' ->> 'stream')::smallint as stream,
               a.value ->> 'content' as content
          from first f
         cross join jsonb_array_elements(f.list::jsonb) with ordinality as a (value, ordinal)
    ), claimed as (
        update upload u
           set message_id = l.id
          from (select distinct tenant_id, id, upload_id from listed where bytes > 0) l
         where u.tenant_id = l.tenant_id and u.id = l.upload_id and u.message_id is null
        returning u.tenant_id, u.id
    ), whole as (
        select l.*, (select substring(p.bytes, 1, 128) from upload_piece p
                      where p.tenant_id = l.tenant_id and p.upload_id = l.upload_id and p.stream = l.stream and p.number = 0) as head
          from listed l
          join claimed c on c.tenant_id = l.tenant_id and c.id = l.upload_id
         where l.bytes > 0
           and l.bytes = (select sum(length(p.bytes)) from upload_piece p
                           where p.tenant_id = l.tenant_id and p.upload_id = l.upload_id and p.stream = l.stream)
    ), plain as (
        select l.*, case when l.bytes = 0 then '' else decode(l.content, 'base64') end as decoded
          from listed l
         where coalesce(l.bytes, 0) = 0
    ), written as (
        insert into attachment (tenant_id, message_id, ordinal, content_type, file_name, content, upload_id, stream, bytes, known_type)
        select tenant_id, id, ordinal, content_type, file_name, decoded, null, null, length(decoded),
               content_known_type(substring(decoded, 1, 128))
          from plain
         union all
        select tenant_id, id, ordinal, content_type, file_name, null, upload_id, stream, bytes, content_known_type(head)
          from whole
        returning 1
    )
    select (select count(*) from listed), (select count(*) from written) into wanted, made;
    if made < wanted then
        raise exception using errcode = 'NX409', message = 'the attachments have expired; send the message again';
    end if;
end $$;

-- What a transcript says of a message's attachments; null: it has none.
create or replace function attachments_json(of_tenant int, of_message uuid) returns json language sql stable as $$
    select json_agg(json_build_object('ordinal', a.ordinal, 'contentType', a.content_type, 'knownType', a.known_type,
                                      'fileName', a.file_name, 'bytes', a.bytes) order by a.ordinal)
      from attachment a where a.tenant_id = of_tenant and a.message_id = of_message
$$;

-- One piece of an attachment's content, counted from 0, in base64, and what is to be known of the whole. of_conversation null: by
-- a link, which names the message alone.
create or replace function attachment_read(of_tenant int, of_conversation uuid, of_message uuid, of_ordinal int, piece int)
returns text language plpgsql stable as $$
declare
    slice constant int := 49152;
    found_one attachment;
    data bytea;
begin
    select a.* into found_one
      from attachment a
      join message m on m.tenant_id = a.tenant_id and m.id = a.message_id
     where a.tenant_id = of_tenant and a.message_id = of_message and a.ordinal = of_ordinal
       and (of_conversation is null or m.conversation_id = of_conversation);
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such attachment';
    end if;
    if piece < 0 then
        null; -- it is there, and that is all that is asked
    elsif found_one.upload_id is null then
        data := substring(found_one.content, piece * slice + 1, slice);
    else
        select p.bytes into data from upload_piece p
         where p.tenant_id = of_tenant and p.upload_id = found_one.upload_id and p.stream = found_one.stream and p.number = piece;
    end if;
    return json_build_object('contentType', found_one.content_type, 'knownType', found_one.known_type,
                             'fileName', found_one.file_name, 'bytes', found_one.bytes,
                             'data', translate(encode(coalesce(data, ''), 'base64'), E'\n', ''))::text;
end $$;

-- The link that was made (answer), if there is such an attachment.
create or replace function attachment_link(of_tenant int, of_conversation uuid, of_message uuid, of_ordinal int, answer text)
returns text language plpgsql stable as $$
begin
    perform attachment_read(of_tenant, of_conversation, of_message, of_ordinal, -1);
    return answer;
end $$;

-- Whether a link that was made with this API key (0: by a user) may still be followed. It is asked before the link's tenant is
-- believed, so outside of any scope.
create or replace function attachment_link_is_good(p_tenant int, p_key int) returns boolean language sql stable as $$
    select exists (select from tenant t where t.id = p_tenant and t.deleting is null)
       and (p_key = 0 or exists (select from api_key k
                                  where k.id = p_key and coalesce(k.tenant_id, p_tenant) = p_tenant
                                    and k.enabled and not k.revoked and (k.expires is null or k.expires > now())))
$$;
