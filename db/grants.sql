-- The rights on tables and functions. Every table is listed here, except partitions, which only the owner uses. nexusctl migrate runs this
-- behind db/functions, whenever it or one of those changed.
--
-- What is provisioned (keys, contact centers, services, sections, and what is derived from them), sessions, and what is kept
-- for a while only, is changed by functions that run as the owner (security definer).
-- Such a function sees the rows that its caller would see (scope_of_owner in db/row_security.sql).

do $$
declare
    allowed record;
begin
    for allowed in select * from (values
        -- table              nexus_worker                                         nexus_api
        ('admin_session',     '',                                                  ''),
        ('api_key',           'select',                                            ''),
        ('attachment',        'select, insert, update (message_id, ordinal)',      'select'),
        ('attempt',           'select, insert',                                    'select'),
        ('audit',             'select, insert',                                    'select, insert'),
        ('breaker_change',    'select, insert, delete',                            'select'),
        ('channel',           'select',
            'select (id, tenant_id, address, kind, name, provider, destination_id, endpoint, campaign_only, uncertain_policy, validity, retired)'),
        ('contact',           'select, insert',                                    'select'),
        ('conversation',      'select, insert, update',                            'select, update'),
        ('delivery',          'select, insert, update, delete',                    'select, insert'),
        ('destination',       'select, update (not_before, failures)',
            'select (id, tenant_id, enabled, not_before, failures, changed, switched_off)'),
        ('destination_answer', 'select, insert, update',                           'select'),
        ('event',             'select, insert',                                    'select, insert'),
        ('event_forgotten',   'select',                                            'select'),
        ('forgotten',         'select',                                            'select'),
        ('idempotency',       'select, insert',
            'insert, select (tenant_id, key, fingerprint)'),
        ('inbound_part',      'select, insert, update',                            'select'),
        ('inbound_part_wait', 'select, update',                                    ''),
        ('keyword',           'select',                                            ''),
        ('keyword_answer',    'select, insert, update',                            ''),
        ('keyword_reply',     'select',                                            ''),
        ('ledger',            'select',                                            ''), -- a view
        ('ledger_entry',      'select, insert',                                    'select, insert'),
        ('ledger_missing',    'select',                                            'select'),
        ('ledger_recount',    'select',                                            'select'),
        ('ledger_sum',        'select',                                            'select'),
        ('message',           'select, insert, update',                            'select, update (state, changed)'),
        ('message_state',     'select',                                            'select'),
        ('nex_gapis',         'select, update (clientsecret)',                     ''),
        ('opt_out',           'select, insert, update',                            'select'),
        ('process',           'select, insert, update (name)',                     'select'),
        ('provider_message',  'select, insert, update (message_id)',               'select'),
        ('receipt',           'select, insert, update',                            'select'),
        ('replay',            'select, insert',                                    'select, insert'),
        ('schema_function',   '',                                                  ''),
        ('schema_migration',  'select',                                            ''),
        ('schema_retired',    '',                                                  ''),
        ('service',           '',                                                  ''),
        ('tenant',            'select',
            'select (id, ccid, name, type, backend_url, username, genesys_tenant_id, created, provisioned, deleting)'),
        ('tenant_deleted',    'select',                                            'select'),
        ('tenant_keyword',    'select',                                            ''),
        ('tenant_network',    'select',                                            ''),
        ('transaction_section', '',                                                ''),
        ('undelivered',       'select, insert, update, delete',                    'select, delete'),
        ('upload',            'select, insert, update (message_id), delete',       'select, insert, delete'),
        ('upload_piece',      'select, insert',                                    'select, insert'),
        ('write_probe',       '',                                                  '')
    ) as a (name, worker, api) loop
        execute format('revoke all on %I from public, nexus_worker, nexus_api', allowed.name);
        if allowed.worker <> '' then
            execute format('grant %s on %I to nexus_worker', allowed.worker, allowed.name);
        end if;
        if allowed.api <> '' then
            execute format('grant %s on %I to nexus_api', allowed.api, allowed.name);
        end if;
    end loop;
end
$$;

-- A function that runs as its caller can do no more than its caller, so all our roles may call it. One that runs as the owner may be
-- called by workers; those listed here also by statements of one tenant. Only functions of the owner take numbers from sequences.
do $$
declare
    function record;
begin
    revoke all on all sequences in schema public from public, nexus_worker, nexus_api;
    for function in
        select p.oid::regprocedure as name,
               not p.prosecdef or p.proname = any (array[
                   'apikey_create', 'apikey_read', 'apikey_list', 'apikey_change', 'apikey_revoke',
                   'tenant_provision', 'tenant_list', 'tenant_read', 'session_open', 'session_held', 'session_end',
                   'service_write', 'service_read', 'service_list', 'service_delete',
                   'transaction_write', 'transaction_read', 'transaction_delete', 'attempt_request',
                   'destination_list', 'destination_try', 'destination_switch', 'message_cancel', 'undelivered_page']) as of_tenants
          from pg_proc p
         where p.pronamespace = 'public'::regnamespace and p.proowner = 'nexus_owner'::regrole
    loop
        execute format('revoke all on function %s from public, nexus_worker, nexus_api', function.name);
        execute format('grant execute on function %s to nexus_worker', function.name);
        if function.of_tenants then
            execute format('grant execute on function %s to nexus_api', function.name);
        end if;
    end loop;
end
$$;
