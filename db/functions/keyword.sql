-- Keywords: the words by which a person stops, resumes or asks about the messages of a number. A text counts when it is
-- nothing but the word; how it is written does not matter.

-- What a text is compared by, null when it is too long to be a keyword: the letters and digits of all scripts in lower case,
-- without accents and without what stands between them, so that "Opt-out", "OPT  OUT" and "«Opt Out!»" are one. A word that
-- is said again and again is said once.
--
-- Nothing here depends on the locale of the database: which characters are letters, and their lower case, is said by ICU.
create or replace function keyword_key(p_text text) returns text
language plpgsql immutable as $$
declare
    key text;
    times int;
begin
    if length(p_text) > 48 then
        return null;
    elsif octet_length(p_text) = length(p_text) then
        key := lower(regexp_replace(p_text, '[^A-Za-z0-9]+', '', 'g') collate "C"); -- ASCII: the same, but faster
    else
        -- NFKD makes full-width, circled and bold letters plain, and takes accents off; they go with the rest, as does all
        -- that is not seen: soft hyphens, zero-width characters, directions, selectors of variants, byte order marks.
        key := lower(regexp_replace(normalize(p_text, NFKD) collate "und-x-icu", '[^[:alnum:]]+', '', 'g'));
    end if;
    foreach times in array array[2, 2, 3, 5] loop
        if key = repeat(left(key, length(key) / times), times) then
            key := left(key, length(key) / times);
        end if;
    end loop;
    return key;
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
        ('fr', 1, array['arrêt', 'arrêter', 'arrêtez', 'désabonner', 'désinscrire', 'désinscription', 'annuler']),
        ('fr', 2, array['reprendre', 'abonner', 'réabonner']),
        ('fr', 3, array['aide']),
        ('es', 1, array['alto', 'parar', 'baja', 'basta', 'cancelar', 'detener', 'desuscribir', 'desuscribirme']),
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
        ('en', array['', 'please', 'pls', 'thanks', 'thank you', 'thx']),
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
)
insert into keyword (key, word, language, meaning)
select keyword_key(s.word), s.word, s.language, s.meaning from said s
    on conflict (key) do nothing;

-- Tenants' words are compared by the same rule, also when that has changed.
update tenant_keyword set key = keyword_key(word) where key <> keyword_key(word);

-- Does what the keywords among new messages say; stored: which of ids are new. Called in the transaction that stores them,
-- with the whole text of joined ones: a STOP is in force when its message is committed, or not at all. Of several words
-- of one pair in one batch the last one counts.
create or replace function keywords_take(
    tenants int[], numbers text[], ids uuid[], addresses text[], bodies text[], stored uuid[])
returns void language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
    with input as materialized (
        select i.*, keyword_key(i.body) as key
          from unnest(tenants, numbers, ids, addresses, bodies) with ordinality
               as i (tenant_id, number, id, address, body, place)
    ), said as materialized (
        select i.*, coalesce(ours.meaning, theirs.meaning) as meaning
          from input i
          left join keyword ours on ours.key = i.key
          left join tenant_keyword theirs on theirs.tenant_id = i.tenant_id and theirs.key = i.key
         where coalesce(ours.meaning, theirs.meaning) is not null
    ), word as materialized (
        select distinct on (s.tenant_id, c.id, s.address) s.tenant_id, s.id, s.address, c.id as channel_id, s.meaning
          from said s
          join channel c on c.tenant_id = s.tenant_id and c.address = s.number
         where s.meaning in (1, 2) and s.id = any (stored)
         order by s.tenant_id, c.id, s.address, s.place desc
    ), stopped as (
        insert into opt_out as o (tenant_id, channel_id, address, evidence)
        select tenant_id, channel_id, address, id from word where meaning = 1
            on conflict (tenant_id, channel_id, address)
            do update set since = now(), evidence = excluded.evidence, cleared = null, cleared_by = null
             where o.cleared is not null
    )
    update opt_out o
       set cleared = now(), cleared_by = w.id
      from word w
     where w.meaning = 2 and o.cleared is null
       and (o.tenant_id, o.channel_id, o.address) = (w.tenant_id, w.channel_id, w.address);
end $$;
