-- Attachments: storing large contents, and reading them for agents.

-- One piece of a content whose message comes later. A piece that comes twice is stored once. It need not be on disk when this
-- is answered: the commit of the message, which comes later, puts all on disk that was committed before it.
-- Statement: UPLOAD_PIECE
create or replace function upload_piece(p_tenant int, p_upload uuid, p_stream int, p_number int, p_content bytea)
returns text language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    insert into upload (tenant_id, id) values (p_tenant, p_upload) on conflict do nothing;
    if found and (select count(*) from upload u where u.tenant_id = p_tenant and u.message_id is null) > 100 then
        raise exception using errcode = '53400', message = 'too many unfinished uploads';
    end if;
    insert into upload_piece (tenant_id, upload_id, stream, number, bytes)
    values (p_tenant, p_upload, p_stream, p_number, p_content)
        on conflict do nothing;
    return '{}';
end $$;

-- Four pieces of the first content of an upload, from p_number on, in order.
create or replace function upload_read(p_tenant int, p_upload uuid, p_number int) returns setof bytea language sql stable as $$
    select p.bytes from upload_piece p
     where p.tenant_id = p_tenant and p.upload_id = p_upload and p.stream = 1 and p.number >= p_number and p.number < p_number + 4
     order by p.number
$$;

-- Statement: UPLOAD_DROP
create or replace function upload_drop(p_tenant int, p_upload uuid) returns text language plpgsql as $$
begin
    delete from upload where tenant_id = p_tenant and id = p_upload and message_id is null;
    return '{}';
end $$;

-- Drops uploads whose message has not come in that time, at most 100 a call; returns how many. While this waits for a row, a
-- message may take the upload over, so message_id is checked once more.
-- Statement: UPKEEP_UPLOADS
create or replace function upkeep_uploads(p_older_than_s int) returns int language plpgsql as $$
declare
    dropped int;
begin
    if not upkeep_claim('uploads') then
        return null;
    end if;
    delete from upload u
     where u.message_id is null
       and (u.tenant_id, u.id) in (select w.tenant_id, w.id from upload w
                                    where w.message_id is null and w.created < now() - make_interval(secs => p_older_than_s)
                                    order by w.tenant_id, w.id limit 100 for update);
    get diagnostics dropped = row_count;
    return dropped;
end $$;

-- The type that the first bytes of a content show; null if unknown. It decides only what agents are shown.
create or replace function content_known_type(p_head bytea) returns text language sql immutable as $$
    select case
        when substring(p_head, 1, 8) = '\x89504e470d0a1a0a' then 'image/png'
        when substring(p_head, 1, 3) = '\xffd8ff' then 'image/jpeg'
        when substring(p_head, 1, 4) = 'GIF8' then 'image/gif'
        when substring(p_head, 1, 4) = 'RIFF' and substring(p_head, 9, 4) = 'WEBP' then 'image/webp'
        when substring(p_head, 1, 4) = 'RIFF' and substring(p_head, 9, 4) = 'WAVE' then 'audio/wav'
        when substring(p_head, 1, 5) = '%PDF-' then 'application/pdf'
        when substring(p_head, 5, 4) = 'ftyp' and substring(p_head, 9, 3) = '3gp' then 'video/3gpp'
        when substring(p_head, 5, 4) = 'ftyp' and substring(p_head, 9, 4) in ('heic', 'heix', 'mif1') then 'image/heic'
        when substring(p_head, 5, 4) = 'ftyp' and substring(p_head, 9, 3) = 'M4A' then 'audio/mp4'
        when substring(p_head, 5, 4) = 'ftyp' then 'video/mp4'
        when substring(p_head, 1, 5) = '#!AMR' then 'audio/amr'
        when substring(p_head, 1, 4) = 'OggS' then 'audio/ogg'
        when substring(p_head, 1, 3) = 'ID3' or substring(p_head, 1, 2) in ('\xfffb', '\xfff3') then 'audio/mpeg'
        when substring(p_head, 1, 2) = 'MZ' then 'application/x-msdownload'
        when substring(p_head, 1, 4) = '\x7f454c46' then 'application/x-elf'
        when substring(p_head, 1, 4) = '\x504b0304' then 'application/zip'
        when encode(p_head, 'escape') ilike 'begin:vcard%' then 'text/vcard'
        when encode(p_head, 'escape') ilike '%<svg%' then 'image/svg+xml'
        when encode(p_head, 'escape') ~* '^\s*<(!doctype html|html|head|body|script)' then 'text/html'
    end
$$;

-- Stores the attachments of messages that are new (p_stored), in their transaction. p_lists are those of sms_accept(); if a message
-- is in the batch twice, its first list counts. A content is base64, or {upload, stream, bytes}: then the upload becomes the
-- message's. If the upload is incomplete or belongs to another message, this fails, so the message is not stored either, and its
-- sender repeats it.
create or replace function attachments_store(p_tenants int[], p_ids uuid[], p_lists text[], p_stored uuid[]) returns void
language plpgsql as $$
declare
    wanted int;
    made int;
begin
    with first as (
        select distinct on (i.tenant_id, i.id) i.*
          from unnest(p_tenants, p_ids, p_lists) with ordinality as i (tenant_id, id, list, place)
         where i.id = any (p_stored)
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
          from (select distinct tenant_id, upload_id, id from listed where bytes > 0 order by tenant_id, upload_id) l
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
create or replace function attachments_json(p_tenant int, p_message uuid) returns json language sql stable as $$
    select json_agg(json_build_object('ordinal', a.ordinal, 'contentType', a.content_type, 'knownType', a.known_type,
                                      'fileName', a.file_name, 'bytes', a.bytes) order by a.ordinal)
      from attachment a where a.tenant_id = p_tenant and a.message_id = p_message
$$;

-- One piece of an attachment's content, counted from 0, in base64, and the type, name and size of the attachment. p_conversation is
-- null for a link, which names only the message.
-- Statement: ATTACHMENT_READ
create or replace function attachment_read(p_tenant int, p_conversation uuid, p_message uuid, p_ordinal int, p_piece int)
returns text language plpgsql stable as $$
declare
    slice constant int := 49152;
    found_one attachment;
    data bytea;
begin
    select a.* into found_one
      from attachment a
      join message m on m.tenant_id = a.tenant_id and m.id = a.message_id
     where a.tenant_id = p_tenant and a.message_id = p_message and a.ordinal = p_ordinal
       and (p_conversation is null or m.conversation_id = p_conversation);
    if not found then
        raise exception using errcode = 'NX404', message = 'there is no such attachment';
    end if;
    if p_piece < 0 then
        null; -- only its existence is checked
    elsif found_one.upload_id is not null then
        select p.bytes into data from upload_piece p
         where p.tenant_id = p_tenant and p.upload_id = found_one.upload_id and p.stream = found_one.stream and p.number = p_piece;
    elsif p_piece <= found_one.bytes / slice then
        data := substring(found_one.content, p_piece * slice + 1, slice);
    end if;
    return json_build_object('contentType', found_one.content_type, 'knownType', found_one.known_type,
                             'fileName', found_one.file_name, 'bytes', found_one.bytes,
                             'data', translate(encode(coalesce(data, ''), 'base64'), E'\n', ''))::text;
end $$;

-- The new link (p_answer), if there is such an attachment.
-- Statement: ATTACHMENT_LINK
create or replace function attachment_link(p_tenant int, p_conversation uuid, p_message uuid, p_ordinal int, p_answer text)
returns text language plpgsql stable as $$
begin
    perform attachment_read(p_tenant, p_conversation, p_message, p_ordinal, -1);
    return p_answer;
end $$;

-- Whether a link that was made with this API key (0: by a user) may still be followed. It is asked before the task belongs to the
-- link's tenant, so outside of any scope.
create or replace function attachment_link_is_good(p_tenant int, p_key int) returns boolean language sql stable as $$
    select exists (select from tenant t where t.id = p_tenant and t.deleting is null)
       and (p_key = 0 or exists (select from api_key k
                                  where k.id = p_key and coalesce(k.tenant_id, p_tenant) = p_tenant
                                    and k.enabled and not k.revoked and (k.expires is null or k.expires > now())))
$$;
