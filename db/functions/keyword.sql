-- Keywords: the words by which a person stops, resumes or asks about the messages of a number. A text counts when it is
-- nothing but the word; how it is written does not matter.

-- May a text be a keyword? Not with more than 48 letters and digits; how much else it holds does not matter.
create or replace function keyword_sized(p_text text) returns boolean
language sql immutable as $$
    select length(p_text) <= 48 or p_text collate "und-x-icu" !~ '^(?:[^[:alnum:]]*[[:alnum:]]){49}'
$$;

-- A text without what programs put below it: a signature behind a line of hyphens, "Sent from my …" in our languages, and
-- lines of the message that it answers. sms-worker asks for it where a text in ASCII holds one of their signs
-- (sms-worker/keyword.c); where nothing is left, all of it was said.
create or replace function keyword_said_alone(p_text text) returns text
language plpgsql immutable as $$
declare
    alone text;
begin
    -- Nearly all texts hold nothing of that; a regular expression takes ten times as long to see it.
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
-- is said again and again is said once.
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
        -- Letters whose capitals look like Latin ones, of which a keyboard for two scripts gives one too easily, and the
        -- dotless i of a Turkish one.
        if octet_length(key) > length(key) then
            key := translate(key, 'авеѕіјкмнорстухαβεζηικμνορτυχı', 'abesijkmhopctyxabezhikmnoptyxi');
        end if;
    end if;
    return left(key, strpos(substr(key || key, 2), key)); -- its smallest period
end
$$;

-- Our words. Those in English are what the FCC (47 CFR 64.1200(a)(10)), CTIA and the carriers of the USA name, YES included;
-- ARRET and AIDE are what Canadian carriers ask for beside them. A word of several languages is under one of them. A stop
-- word is one, too, with a word of politeness before or behind it: "Stop, please", "STOP thanks".
delete from keyword;
with ours as (
    select w.word, l.language, l.meaning
      from (values
        ('en', 1, array['stop', 'stop all', 'unsubscribe', 'unsub', 'cancel', 'end', 'quit', 'revoke', 'opt out', 'remove']),
        ('en', 2, array['start', 'unstop', 'yes', 'subscribe', 'resubscribe', 'opt in', 'resume']),
        ('en', 3, array['help', 'info']),
        ('fr', 1, array['arrêt', 'arrêter', 'arrêtez', 'désabonner', 'désinscrire', 'désinscription', 'désabonnement', 'annuler']),
        ('fr', 2, array['reprendre', 'abonner', 'réabonner']),
        ('fr', 3, array['aide']),
        ('es', 1, array['alto', 'parar', 'baja', 'basta', 'cancelar', 'detener', 'desuscribir', 'desuscribirme', 'desuscribirse', 'dar de baja', 'darme de baja']),
        ('es', 2, array['alta', 'reanudar', 'suscribir', 'suscribirme']),
        ('es', 3, array['ayuda']),
        ('de', 1, array['stopp', 'abmelden', 'abbestellen', 'austragen', 'beenden']),
        ('de', 2, array['anmelden', 'abonnieren']),
        ('de', 3, array['hilfe']),
        ('pt', 1, array['pare', 'sair', 'descadastrar', 'remover']),
        ('pt', 2, array['iniciar', 'retomar', 'assinar']),
        ('pt', 3, array['ajuda']),
        ('it', 1, array['ferma', 'fermare', 'annulla', 'annullare', 'disiscrivi', 'disiscrivimi', 'cancellami']),
        ('it', 2, array['iscrivi', 'iscrivimi', 'riprendi']),
        ('it', 3, array['aiuto']),
        ('nl', 1, array['stoppen', 'afmelden', 'uitschrijven', 'opzeggen']),
        ('nl', 2, array['aanmelden', 'inschrijven', 'hervatten']),
        ('nl', 3, array['hulp'])) l (language, meaning, words)
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
    -- "Stop" is understood everywhere.
    select concat_ws(' ', nullif(b.word, ''), o.word, nullif(a.word, '')), b.language, o.meaning
      from ours o
      join polite b on b.language = o.language or o.word = 'stop'
      join polite a on a.language = b.language
     where o.meaning = 1 and (a.word, b.word) <> ('', '')
     union all
    -- As two languages say it: "STOP/ARRET".
    select case when n = 1 then 'stop ' || o.word else o.word || ' stop' end, o.language, o.meaning
      from ours o cross join generate_series(1, 2) n
     where o.meaning = 1 and o.language <> 'en'
)
insert into keyword (key, word, language, meaning)
select keyword_key(s.word), s.word, s.language, s.meaning from said s
    on conflict (key) do nothing;

-- Tenants' words are compared by the same rule, also when that has changed.
update tenant_keyword set key = keyword_key(word) where key <> keyword_key(word);

-- What we answer, where the number has no text of its own. All are one SMS of the GSM alphabet, which is
-- why some do without accents.
delete from keyword_reply;
insert into keyword_reply (language, meaning, body) values
    ('en', 1, 'You are unsubscribed and get no more messages from this number. Reply START to get them again.'),
    ('en', 2, 'You get messages from this number again. Reply STOP to get no more of them.'),
    ('en', 3, 'Reply STOP to get no more messages from this number, START to get them again.'),
    ('fr', 1, 'C''est noté : vous ne recevrez plus de messages de ce numéro. Répondez START pour en recevoir à nouveau.'),
    ('fr', 2, 'Vous recevez à nouveau les messages de ce numéro. Répondez STOP pour ne plus en recevoir.'),
    ('fr', 3, 'Répondez STOP pour ne plus recevoir de messages de ce numéro, START pour en recevoir à nouveau.'),
    ('es', 1, 'Ha cancelado los mensajes de este remitente. Responda START para volver a recibirlos.'),
    ('es', 2, 'Recibe de nuevo los mensajes de este remitente. Responda STOP para cancelarlos.'),
    ('es', 3, 'Responda STOP para cancelar los mensajes de este remitente, START para volver a recibirlos.'),
    ('de', 1, 'Sie sind abgemeldet und erhalten keine Nachrichten mehr von dieser Nummer. Mit START melden Sie sich wieder an.'),
    ('de', 2, 'Sie erhalten wieder Nachrichten von dieser Nummer. Mit STOP melden Sie sich ab.'),
    ('de', 3, 'Mit STOP melden Sie sich von den Nachrichten dieser Nummer ab, mit START wieder an.'),
    ('pt', 1, 'Cancelado: este remetente deixa de lhe enviar mensagens. Responda START para voltar a receber.'),
    ('pt', 2, 'Volta a receber as mensagens deste remetente. Responda STOP para cancelar.'),
    ('pt', 3, 'Responda STOP para cancelar as mensagens deste remetente, START para voltar a receber.'),
    ('it', 1, 'Iscrizione annullata: da questo numero non arrivano altri messaggi. Rispondi START per riceverli di nuovo.'),
    ('it', 2, 'Ricevi di nuovo i messaggi di questo numero. Rispondi STOP per non riceverli.'),
    ('it', 3, 'Rispondi STOP per non ricevere messaggi da questo numero, START per riceverli di nuovo.'),
    ('nl', 1, 'U bent afgemeld en krijgt geen berichten meer van dit nummer. Antwoord START om ze weer te krijgen.'),
    ('nl', 2, 'U krijgt weer berichten van dit nummer. Antwoord STOP om ze niet meer te krijgen.'),
    ('nl', 3, 'Antwoord STOP om geen berichten van dit nummer meer te krijgen, START om ze weer te krijgen.');

-- May one of the keys be a keyword? That of another contact center counts, too. This is asked of each batch: the setting
-- makes it a look into an index for each key that is there, where all would be compared with all words.
create or replace function keywords_among(keys text[]) returns boolean
language plpgsql stable set enable_seqscan = off as $$
begin
    return array_remove(keys, '') <> '{}'
       and (exists (select from keyword k where k.key = any (array_remove(keys, '')))
            or exists (select from tenant_keyword k where k.key = any (array_remove(keys, ''))));
end $$;

drop function if exists keywords_take(int[], text[], uuid[], text[], text[], uuid[]); -- a parameter had another name
-- Does what the keywords among new messages say, and answers them; stored: which of ids are new. Called in the transaction
-- that stores them, with the whole text of joined ones: a STOP is in force, and its answer on the way, when its message is
-- committed, or nothing of it is. Of several words of one pair in one batch the last one counts.
--
-- Gives null when there was no keyword; else for each message the destination its answer goes to, for the doorbell.
create or replace function keywords_take(
    tenants int[], numbers text[], ids uuid[], addresses text[], keys text[], stored uuid[])
returns int[] language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    said    keyword_said[];
    changes uuid[]; -- the messages that made or ended an opt-out
begin
    -- The last stop or start and the last help of each pair.
    said := array(
        select row(l.tenant_id, l.channel_id, l.address, l.id, l.place, l.meaning, l.language)::keyword_said
          from (select distinct on (i.tenant_id, c.id, i.address, k.meaning = 3)
                       i.tenant_id, c.id as channel_id, i.address, i.id, i.place, k.meaning, k.language
                  from unnest(tenants, numbers, ids, addresses, keys) with ordinality
                       as i (tenant_id, number, id, address, key, place)
                  left join keyword ours on ours.key = i.key
                  left join tenant_keyword theirs on theirs.tenant_id = i.tenant_id and theirs.key = i.key
                 cross join lateral (select coalesce(ours.meaning, theirs.meaning) as meaning,
                                            coalesce(ours.language, 'en') as language) k
                  join channel c on c.tenant_id = i.tenant_id and c.address = i.number
                 where k.meaning is not null and i.id = any (stored)
                 order by i.tenant_id, c.id, i.address, k.meaning = 3, i.place desc) l);
    if cardinality(said) = 0 then
        return null;
    end if;

    -- To the end of the transaction, for the statement that called: somebody's answer waits for stop_fence().
    perform set_config('nexus.stopped', 'on', true) from unnest(said) s where s.meaning = 1;

    with stopped as (
        insert into opt_out as o (tenant_id, channel_id, address, evidence)
        select s.tenant_id, s.channel_id, s.address, s.id from unnest(said) s where s.meaning = 1
         order by s.tenant_id, s.channel_id, s.address
            on conflict (tenant_id, channel_id, address)
            do update set since = now(), evidence = excluded.evidence, cleared = null, cleared_by = null
             where o.cleared is not null
        returning o.evidence
    ), started as (
        update opt_out o
           set cleared = now(), cleared_by = s.id
          from unnest(said) s
         where s.meaning = 2 and o.cleared is null
           and (o.tenant_id, o.channel_id, o.address) = (s.tenant_id, s.channel_id, s.address)
        returning o.cleared_by
    )
    select array(select evidence from stopped union all select cleared_by from started) into changes;
    return keywords_answer(said, changes, cardinality(ids));
end $$;

-- Writes the answers: message, place in the conversation, delivery, event and ledger entry, as conversation_post() does for
-- an agent's. Not answered are
--   senders that are no phone numbers: short codes and names belong to machines;
--   START where nothing was stopped: YES is also what people say to an agent;
--   a word that was answered within the hour, unless it changed something, and that three times.
-- They stand in no line: an answer to STOP must not wait behind one that fails again and again. It is worth something for
-- five minutes, which is how long the FCC calls it a confirmation (47 CFR 64.1200(a)(12)).
create or replace function keywords_answer(said keyword_said[], changes uuid[], batch_size int) returns int[]
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    bells int[];
    me    int := process_here();
begin
    with wanted as materialized (
        select s.*, s.id = any (changes) as is_change, c.destination_id, c.validity, r.body, m.conversation_id, m.traceparent
          from unnest(said) s
          join channel c on c.tenant_id = s.tenant_id and c.id = s.channel_id and c.destination_id is not null
          join keyword_reply d on d.language = s.language and d.meaning = s.meaning
         cross join lateral (select coalesce(case s.meaning when 1 then c.stop_reply when 2 then c.start_reply
                                                  else c.help_reply end, d.body) as body) r
          join message m on m.tenant_id = s.tenant_id and m.id = s.id
         where r.body <> '' and s.address ~ '^\+?[0-9]{7,}$' and (s.meaning <> 2 or s.id = any (changes))
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
        -- Locked already: the messages that are answered have just been numbered.
        update conversation c set last_sequence = c.last_sequence + f.of_them
          from fresh f
         where f.nth = 1 and c.tenant_id = f.tenant_id and c.id = f.conversation_id
        returning c.tenant_id, c.id, c.last_sequence
    ), placed as materialized (
        select f.*, (c.last_sequence - f.of_them + f.nth)::int as sequence
          from fresh f
          left join counted c on c.tenant_id = f.tenant_id and c.id = f.conversation_id
    ), written as (
        insert into message (tenant_id, id, channel_id, conversation_id, sequence, direction, state, address, author, body,
                             traceparent, process, answers)
        select p.tenant_id, p.new_id, p.channel_id, p.conversation_id, p.sequence, 2, 1, p.address, 'system', p.body,
               p.traceparent, me, p.id
          from placed p
    ), queued as (
        insert into delivery (tenant_id, destination_id, channel_id, message_id, address, expires)
        select p.tenant_id, p.destination_id, p.channel_id, p.new_id, p.address,
               now() + case p.meaning when 1 then least(p.validity, interval '5 min') else p.validity end
          from placed p order by p.place
    ), told as (
        insert into event (tenant_id, kind, conversation_id, message_id, sequence, state)
        select p.tenant_id, 1, p.conversation_id, p.new_id, p.sequence, 1
          from placed p where p.conversation_id is not null order by p.place
    ), entered as (
        insert into ledger_entry (tenant_id, channel_id, direction, accepted)
        select p.tenant_id, p.channel_id, 2, count(*) from placed p group by 1, 2
    )
    select array_agg(p.destination_id order by i.place) into bells
      from generate_series(1, batch_size) i (place)
      left join placed p on p.place = i.place;
    return bells;
end $$;

-- An answer as an option says it: N/A is none.
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
         cross join (values (1, 'stop'), (2, 'start'), (3, 'help')) m (meaning, option)
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
