-- Keywords: the words by which a person stops, resumes or asks about the messages of a number. A text counts if it is only the word, in any
-- spelling.

-- May a text be a keyword? Not with more than 48 letters and digits; how much else it holds does not matter.
create or replace function keyword_sized(p_text text) returns boolean
language sql immutable as $$
    select length(p_text) <= 48 or p_text collate "und-x-icu" !~ '^(?:[^[:alnum:]]*[[:alnum:]]){49}'
$$;

-- A text without what programs put below it: a signature behind a line of hyphens, "Sent from my …" in our languages, and
-- lines of the message that it answers. If nothing else is left, the whole text is returned. sms-worker lets the database compute
-- the key of an ASCII text that may contain such an ending (sms-worker/inbound/keyword.c).
create or replace function keyword_said_alone(p_text text) returns text
language plpgsql immutable as $$
declare
    alone text;
begin
    -- Nearly all texts contain none of this; a regular expression takes ten times as long to find that out.
    if not p_text like any (array[E'%\n%', E'%\r%', '%ent %', '%ENT %', '%et %', '%nvi%', '%nvoy%', '%on meine%', '%esendet %',
                                  '%er_onden %', '%erstuurd %']) then
        return p_text;
    end if;
    alone := regexp_replace(p_text collate "und-x-icu",
        '(?i)(?:[\r\n]\s*(?:[-_\u2013\u2014=*~]{2,}\s*[\r\n]|>)'
        '|[^[:alnum:]](?:sent (?:from|via|using|with) |get (?:outlook|bluemail) for |envoy[e\u00E9] (?:de|avec|via|\u00E0 partir)'
        '|enviado (?:desde|con|do|de|com|a partir|via) |von meine[mr] [^\r\n]{1,60} gesendet|gesendet (?:von|mit|aus|\u00FCber) '
        '|inviato (?:da|dal|con|tramite) |(?:verzonden|verstuurd) (?:vanaf|vanuit|van|met|via) )).*$', '');
    return case when alone ~ '[[:alnum:]]' then alone else p_text end;
end
$$;

-- What a text is compared by, null when it is too long to be a keyword: the letters and digits of all scripts in lower case,
-- without accents and without what stands between them, so that "Opt-out", "OPT  OUT" and "«Opt Out!»" are one. A word that
-- is repeated counts once.
--
-- Nothing here depends on the locale of the database: which characters are letters, and their lower case, is said by ICU.
create or replace function keyword_key(p_text text) returns text
language plpgsql immutable as $$
declare
    said text := keyword_said_alone(p_text);
    key  text;
begin
    if not keyword_sized(said) then
        return null;
    elsif octet_length(said) = length(said) then
        key := lower(regexp_replace(said, '[^A-Za-z0-9]+', '', 'g') collate "C"); -- ASCII: the same, but faster
    else
        -- Pictures whose plain form would be letters: trade marks, keys, and what has a selector of pictures behind it.
        key := regexp_replace(said, '[0-9]\uFE0F?\u20E3|[\u2139\u24C2]\uFE0F|[\u2120\u2122\u3297\u3299\U0001F200-\U0001F25F]', '', 'g');
        -- NFKD makes full-width, circled and bold letters plain, and takes accents off; they go with the rest, as does all
        -- that is not seen: soft hyphens, zero-width characters, directions, selectors of variants, byte order marks. So do
        -- letters that are not seen (fillers), or are used as marks (apostrophes, lengths, repetitions).
        key := lower(regexp_replace(normalize(key, NFKD) collate "und-x-icu",
                                    '(?:[^[:alnum:]]|[\u115F\u1160\u02B9-\u02DF\u0640\u3005\u3031-\u3035\u30FC-\u30FE])+', '', 'g'));
        -- Letters whose capitals look like Latin ones, because people with a keyboard for two scripts easily type one by
        -- mistake, and the dotless i of a Turkish keyboard.
        if octet_length(key) > length(key) then
            key := translate(key, 'авеѕіјкмнорстухαβεζηικμνορτυχı', 'abesijkmhopctyxabezhikmnoptyxi');
        end if;
    end if;
    return left(key, strpos(substr(key || key, 2), key)); -- its smallest period
end
$$;

-- Our words. Those in English are what the FCC (47 CFR 64.1200(a)(10)), CTIA and the carriers of the USA name, YES included;
-- ARRET and AIDE are what Canadian carriers ask for beside them. A word of several languages is under one of them. A stop
-- word with a polite word before or behind it is a stop word, too: "Stop, please", "STOP thanks".
delete from keyword;
with ours as (
    select w.word, l.language, l.meaning
      from (values
        ('en', :keyword_stop, array['stop', 'stop all', 'unsubscribe', 'unsub', 'cancel', 'end', 'quit', 'revoke', 'opt out', 'remove']),
        ('en', :keyword_start, array['start', 'unstop', 'yes', 'subscribe', 'resubscribe', 'opt in', 'resume']),
        ('en', :keyword_help, array['help', 'info']),
        ('fr', :keyword_stop, array['arrêt', 'arrêter', 'arrêtez', 'désabonner', 'désinscrire', 'désinscription', 'désabonnement', 'annuler']),
        ('fr', :keyword_start, array['reprendre', 'abonner', 'réabonner']),
        ('fr', :keyword_help, array['aide']),
        ('es', :keyword_stop, array['alto', 'parar', 'baja', 'basta', 'cancelar', 'detener', 'desuscribir', 'desuscribirme', 'desuscribirse', 'dar de baja', 'darme de baja']),
        ('es', :keyword_start, array['alta', 'reanudar', 'suscribir', 'suscribirme']),
        ('es', :keyword_help, array['ayuda']),
        ('de', :keyword_stop, array['stopp', 'abmelden', 'abbestellen', 'austragen', 'beenden']),
        ('de', :keyword_start, array['anmelden', 'abonnieren']),
        ('de', :keyword_help, array['hilfe']),
        ('pt', :keyword_stop, array['pare', 'sair', 'descadastrar', 'remover']),
        ('pt', :keyword_start, array['iniciar', 'retomar', 'assinar']),
        ('pt', :keyword_help, array['ajuda']),
        ('it', :keyword_stop, array['ferma', 'fermare', 'annulla', 'annullare', 'disiscrivi', 'disiscrivimi', 'cancellami']),
        ('it', :keyword_start, array['iscrivi', 'iscrivimi', 'riprendi']),
        ('it', :keyword_help, array['aiuto']),
        ('nl', :keyword_stop, array['stoppen', 'afmelden', 'uitschrijven', 'opzeggen']),
        ('nl', :keyword_start, array['aanmelden', 'inschrijven', 'hervatten']),
        ('nl', :keyword_help, array['hulp'])) l (language, meaning, words)
     cross join unnest(l.words) w (word)
), polite as (
    select w.word, l.language
      from (values
        ('en', array['', 'please', 'pls', 'thanks', 'thank you', 'thx', 'now', 'me', 'text', 'texts', 'texting',
                          'texting me', 'message', 'messages', 'messaging me', 'msg', 'sms']),
        ('fr', array['', 'merci', 'svp', 's''il vous plaît', 's''il te plaît']),
        ('es', array['', 'por favor', 'gracias']),
        ('de', array['', 'bitte', 'danke']),
        ('pt', array['', 'por favor', 'obrigado', 'obrigada']),
        ('it', array['', 'per favore', 'grazie']),
        ('nl', array['', 'alstublieft', 'aub', 'bedankt', 'dank u'])) l (language, words)
     cross join unnest(l.words) w (word)
), said as (
    select o.word, o.language, o.meaning from ours o
     union all
    -- "Stop" is understood in all languages.
    select concat_ws(' ', nullif(b.word, ''), o.word, nullif(a.word, '')), b.language, o.meaning
      from ours o
      join polite b on b.language = o.language or o.word = 'stop'
      join polite a on a.language = b.language
     where o.meaning = :keyword_stop and (a.word, b.word) <> ('', '')
     union all
    -- Words in two languages: "STOP/ARRET".
    select case when n = 1 then 'stop ' || o.word else o.word || ' stop' end, o.language, o.meaning
      from ours o cross join generate_series(1, 2) n
     where o.meaning = :keyword_stop and o.language <> 'en'
)
insert into keyword (key, word, language, meaning)
select keyword_key(s.word), s.word, s.language, s.meaning from said s
    on conflict (key) do nothing;

-- Words of tenants are compared by the same rule, also after the rule has changed.
update tenant_keyword set key = keyword_key(word) where key <> keyword_key(word);

-- The keyword replies of numbers that have no text of their own. Each fits into one SMS of the GSM alphabet, which is why some do
-- without accents.
delete from keyword_reply;
insert into keyword_reply (language, meaning, body) values
    ('en', :keyword_stop, 'You are unsubscribed and get no more messages from this number. Reply START to get them again.'),
    ('en', :keyword_start, 'You get messages from this number again. Reply STOP to get no more of them.'),
    ('en', :keyword_help, 'Reply STOP to get no more messages from this number, START to get them again.'),
    ('fr', :keyword_stop, 'C''est noté : vous ne recevrez plus de messages de ce numéro. Répondez START pour en recevoir à nouveau.'),
    ('fr', :keyword_start, 'Vous recevez à nouveau les messages de ce numéro. Répondez STOP pour ne plus en recevoir.'),
    ('fr', :keyword_help, 'Répondez STOP pour ne plus recevoir de messages de ce numéro, START pour en recevoir à nouveau.'),
    ('es', :keyword_stop, 'Ha cancelado los mensajes de este remitente. Responda START para volver a recibirlos.'),
    ('es', :keyword_start, 'Recibe de nuevo los mensajes de este remitente. Responda STOP para cancelarlos.'),
    ('es', :keyword_help, 'Responda STOP para cancelar los mensajes de este remitente, START para volver a recibirlos.'),
    ('de', :keyword_stop, 'Sie sind abgemeldet und erhalten keine Nachrichten mehr von dieser Nummer. Mit START melden Sie sich wieder an.'),
    ('de', :keyword_start, 'Sie erhalten wieder Nachrichten von dieser Nummer. Mit STOP melden Sie sich ab.'),
    ('de', :keyword_help, 'Mit STOP melden Sie sich von den Nachrichten dieser Nummer ab, mit START wieder an.'),
    ('pt', :keyword_stop, 'Cancelado: este remetente deixa de lhe enviar mensagens. Responda START para voltar a receber.'),
    ('pt', :keyword_start, 'Volta a receber as mensagens deste remetente. Responda STOP para cancelar.'),
    ('pt', :keyword_help, 'Responda STOP para cancelar as mensagens deste remetente, START para voltar a receber.'),
    ('it', :keyword_stop, 'Iscrizione annullata: da questo numero non arrivano altri messaggi. Rispondi START per riceverli di nuovo.'),
    ('it', :keyword_start, 'Ricevi di nuovo i messaggi di questo numero. Rispondi STOP per non riceverli.'),
    ('it', :keyword_help, 'Rispondi STOP per non ricevere messaggi da questo numero, START per riceverli di nuovo.'),
    ('nl', :keyword_stop, 'U bent afgemeld en krijgt geen berichten meer van dit nummer. Antwoord START om ze weer te krijgen.'),
    ('nl', :keyword_start, 'U krijgt weer berichten van dit nummer. Antwoord STOP om ze niet meer te krijgen.'),
    ('nl', :keyword_help, 'Antwoord STOP om geen berichten van dit nummer meer te krijgen, START om ze weer te krijgen.');

-- May one of the keys be a keyword? Those of other contact centers count, too. This is asked for each batch: because of the setting
-- PostgreSQL looks each key up in an index; without it each key would be compared with all words.
create or replace function keywords_among(p_keys text[]) returns boolean
language plpgsql stable set enable_seqscan = off as $$
begin
    return array_remove(p_keys, '') <> '{}'
       and (exists (select from keyword k where k.key = any (array_remove(p_keys, '')))
            or exists (select from tenant_keyword k where k.key = any (array_remove(p_keys, ''))));
end $$;

-- Does what the keywords among new messages say, and writes the keyword replies; p_stored: which of p_ids are new. Called in the
-- transaction that stores the messages, with the whole text of joined ones: as soon as a STOP is committed it is in force, and its
-- reply is queued. Of several words of one consumer to one number in one batch the last one counts.
--
-- Gives null when there was no keyword; else for each message the destination of its keyword reply, for the doorbell.
create or replace function keywords_take(
    p_tenants int[], p_numbers text[], p_ids uuid[], p_addresses text[], p_keys text[], p_stored uuid[])
returns int[] language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    said    keyword_said[];
    changes uuid[]; -- the messages that made or ended an opt-out
begin
    -- The last stop or start and the last help of each consumer to each number.
    said := array(
        select row(l.tenant_id, l.channel_id, l.address, l.id, l.place, l.meaning, l.language)::keyword_said
          from (select distinct on (i.tenant_id, c.id, i.address, k.meaning = :keyword_help)
                       i.tenant_id, c.id as channel_id, i.address, i.id, i.place, k.meaning, k.language
                  from unnest(p_tenants, p_numbers, p_ids, p_addresses, p_keys) with ordinality
                       as i (tenant_id, number, id, address, key, place)
                  left join keyword ours on ours.key = i.key
                  left join tenant_keyword theirs on theirs.tenant_id = i.tenant_id and theirs.key = i.key
                 cross join lateral (select coalesce(ours.meaning, theirs.meaning) as meaning,
                                            coalesce(ours.language, 'en') as language) k
                  join channel c on c.tenant_id = i.tenant_id and c.address = i.number
                 where k.meaning is not null and i.id = any (p_stored)
                 order by i.tenant_id, c.id, i.address, k.meaning = :keyword_help, i.place desc) l);
    if cardinality(said) = 0 then
        return null;
    end if;

    -- Set until the end of the transaction, for stop_was_said(): the answer to a STOP waits for stop_fence().
    perform set_config('nexus.stopped', 'on', true) from unnest(said) s where s.meaning = :keyword_stop;

    with stopped as (
        insert into opt_out as o (tenant_id, channel_id, address, evidence)
        select s.tenant_id, s.channel_id, s.address, s.id from unnest(said) s where s.meaning = :keyword_stop
         order by s.tenant_id, s.channel_id, s.address
            on conflict (tenant_id, channel_id, address)
            do update set since = now(), evidence = excluded.evidence, cleared = null, cleared_by = null
             where o.cleared is not null
        returning o.evidence
    ), started as (
        update opt_out o
           set cleared = now(), cleared_by = s.id
          from unnest(said) s
         where s.meaning = :keyword_start and o.cleared is null
           and (o.tenant_id, o.channel_id, o.address) = (s.tenant_id, s.channel_id, s.address)
        returning o.cleared_by
    )
    select array(select evidence from stopped union all select cleared_by from started) into changes;
    return keywords_answer(said, changes, cardinality(p_ids));
end $$;

-- Was a STOP stored in this transaction?
create or replace function stop_was_said() returns boolean
language sql stable as $$
    select coalesce(current_setting('nexus.stopped', true), '') = 'on'
$$;

-- Writes the keyword replies: message, place in the conversation, delivery, event and ledger entry, as conversation_post() does
-- for an agent's message. There is no reply to
--   senders that are no phone numbers: short codes and names belong to machines;
--   START where nothing was stopped: YES is also what people say to an agent;
--   a word that had a reply within the hour, unless it changed something; and never more than three replies within the hour.
-- Their deliveries belong to no conversation, because the reply to STOP must not wait behind one that fails again and again. That
-- reply is valid for five minutes, which is how long the FCC calls it a confirmation (47 CFR 64.1200(a)(12)).
create or replace function keywords_answer(p_said keyword_said[], p_changes uuid[], p_batch_size int) returns int[]
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    bells int[];
    me    int := process_here();
begin
    with wanted as materialized (
        select s.*, s.id = any (p_changes) as is_change, c.destination_id, c.validity, r.body, m.conversation_id, m.traceparent
          from unnest(p_said) s
          join channel c on c.tenant_id = s.tenant_id and c.id = s.channel_id and c.destination_id is not null
          join keyword_reply d on d.language = s.language and d.meaning = s.meaning
         cross join lateral (select coalesce(case s.meaning when :keyword_stop then c.stop_reply when :keyword_start then c.start_reply
                                                  else c.help_reply end, d.body) as body) r
          join message m on m.tenant_id = s.tenant_id and m.id = s.id
         where r.body <> '' and s.address ~ '^\+?[0-9]{7,}$' and (s.meaning <> :keyword_start or s.id = any (p_changes))
    ), allowed as (
        insert into keyword_answer as k (tenant_id, channel_id, address, meaning)
        select w.tenant_id, w.channel_id, w.address, w.meaning from wanted w
         order by w.tenant_id, w.channel_id, w.address, w.meaning
            on conflict (tenant_id, channel_id, address, meaning)
            do update set since = case when k.since < now() - interval '1 hour' then now() else k.since end,
                          answers = case when k.since < now() - interval '1 hour' then 1 else k.answers + 1 end
             where k.since < now() - interval '1 hour'
                or k.answers < 3 and exists (select from wanted w
                                              where w.is_change and (w.tenant_id, w.channel_id, w.address, w.meaning)
                                                    = (k.tenant_id, k.channel_id, k.address, k.meaning))
        returning k.tenant_id, k.channel_id, k.address, k.meaning
    ), fresh as materialized (
        select w.*, gen_random_uuid() as new_id,
               row_number() over (partition by w.tenant_id, w.conversation_id order by w.place) as nth,
               count(*) over (partition by w.tenant_id, w.conversation_id) as of_them
          from wanted w
          join allowed a on (a.tenant_id, a.channel_id, a.address, a.meaning)
                          = (w.tenant_id, w.channel_id, w.address, w.meaning)
    ), counted as (
        -- Lock order: locked already, since the messages that are answered have just been numbered.
        update conversation c set last_sequence = c.last_sequence + f.of_them
          from fresh f
         where f.nth = 1 and c.tenant_id = f.tenant_id and c.id = f.conversation_id
        returning c.tenant_id, c.id, c.last_sequence
    ), placed as materialized (
        select f.*, (c.last_sequence - f.of_them + f.nth)::int as sequence
          from fresh f
          left join counted c on c.tenant_id = f.tenant_id and c.id = f.conversation_id
    ), written as (
        -- Lock order: the ids are new.
        insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address, author, body,
                             traceparent, process, answers)
        select p.tenant_id, p.new_id, p.channel_id, p.conversation_id, p.sequence, :direction_out, :state_accepted, p.address, 'system', p.body,
               p.traceparent, me, p.id
          from placed p
    ), queued as (
        insert into delivery (tenant_id, destination_id, channel_id, message_id, address, expires)
        select p.tenant_id, p.destination_id, p.channel_id, p.new_id, p.address,
               now() + case p.meaning when :keyword_stop then least(p.validity, interval '5 min') else p.validity end
          from placed p order by p.place
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select p.tenant_id, :event_message, p.conversation_id, p.new_id, p.sequence, :state_accepted
          from placed p where p.conversation_id is not null order by p.place
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, accepted, state, messages)
        select p.tenant_id, p.channel_id, :direction_out, count(*), :state_accepted, count(*) from placed p group by 1, 2
    )
    select array_agg(p.destination_id order by i.place) into bells
      from generate_series(1, p_batch_size) i (place)
      left join placed p on p.place = i.place;
    return bells;
end $$;

-- The reply of an option: N/A means none.
create or replace function reply_said(p_option text) returns text language sql immutable as $$
    select case when p_option = 'N/A' then '' else p_option end
$$;

-- Makes the tenant's words and the answers of its numbers what the provisioning says; called by channels_derive().
create or replace function keywords_derive(p_tenant int) returns void
language plpgsql as $$
declare
    faults text;
begin
    update channel c
       set stop_reply = r.stop, start_reply = r.start, help_reply = r.help
      from (select s.options ->> 'channelId' as address, reply_said(s.options ->> 'stopReply') as stop,
                   reply_said(s.options ->> 'startReply') as start,
                   reply_said(s.options ->> 'helpReply') as help
              from transaction_section s
             where s.tenant_id = p_tenant and s.transaction = 'NexusServices' and s.section like 'chat.%') r
     where c.tenant_id = p_tenant and c.address = r.address
       and (c.stop_reply, c.start_reply, c.help_reply) is distinct from (r.stop, r.start, r.help);

    select string_agg(w.fault, '; ' order by w.fault) into faults from tenant_words(p_tenant) w where w.fault is not null;
    if faults is not null then
        raise exception '%', faults using errcode = 'NX400';
    end if;
    delete from tenant_keyword k
     where k.tenant_id = p_tenant and not exists (select from tenant_words(p_tenant) w where w.key = k.key);
    insert into tenant_keyword as k (tenant_id, key, word, meaning)
    select p_tenant, w.key, min(w.word), min(w.meaning) from tenant_words(p_tenant) w group by w.key
        on conflict (tenant_id, key) do update set word = excluded.word, meaning = excluded.meaning
      where (k.word, k.meaning) is distinct from (excluded.word, excluded.meaning);
end $$;

-- The words of a contact center as the section Keywords says them, with what is wrong with a word. Ours keep their meaning.
create or replace function tenant_words(p_tenant int) returns table (key text, word text, meaning smallint, fault text)
language sql stable as $$
    with said as (
        select keyword_key(w.word) as key, w.word, m.meaning::smallint as meaning, m.option, w.place
          from transaction_section s
         cross join (values (:keyword_stop, 'stop'), (:keyword_start, 'start'), (:keyword_help, 'help')) m (meaning, option)
         cross join lateral regexp_split_to_table(s.options ->> m.option, ', ') with ordinality w (word, place)
         where s.tenant_id = p_tenant and s.transaction = 'NexusServices' and s.section = 'Keywords'
    )
    select s.key, s.word, s.meaning,
           case when s.key = '' then format('Keywords.%s: word %s has neither letter nor digit', s.option, s.place)
                when ours.meaning <> s.meaning
                then format('Keywords.%s: word %s is one of ours for %s', s.option, s.place,
                            (array['STOP', 'START', 'HELP'])[ours.meaning])
                when exists (select from said other where other.key = s.key and other.meaning < s.meaning)
                then format('Keywords.%s: word %s has another meaning, too', s.option, s.place) end
      from said s left join keyword ours on ours.key = s.key
$$;
