-- Functions that no build needs any more from which an upgrade without a gap is supported. Of workers of before some may still
-- run, so what their statements call stays. Build 7eccdb0 (schema version 7) calls
--
--   sms_accept(…, words smallint[], …), with thirteen parameters, and in it sms_accept_parts and opt_out_words
--   delivery_claim(int[], int[], bigint[]), delivery_extend, delivery_sweep
--   undelivered_list(int, uuid, int)
--   inbound_part_flush, receipt_store, tenant_of_user (they still stand in db/functions)
--
-- and ledger_day, which a call of ledger_json that began before the upgrade may reach. They go a release after that build does.

-- Builds before 4b9e36d: what nexusctl applied, and who called.
drop function if exists tenant_apply(json);
drop function if exists channel_apply(int, text, json);
drop function if exists destination_apply(int, int, json);
drop function if exists key_apply(int, text, json);
drop function if exists provision_apply(json);
drop function if exists key_lookup(bytea, uuid);
drop function if exists caller_of_key(bytea, uuid);
drop function if exists channel_secrets(uuid, text);

-- Builds before 7171414 and 94b4f1c: what became of an attempt, and receipts.
drop function if exists delivery_complete(bigint[], int[], smallint[], int[], text[], int[], int[], text[], text);
drop function if exists delivery_complete(bigint[], int[], smallint[], int[], text[], int[], int[], text[], smallint[], int[], int[],
                                          text[]);
drop function if exists receipt_list(int, text, int);

-- Builds before 14c7345: requests with an Idempotency-Key.
drop function if exists idempotency_claim(int[], text[], uuid[], int[]);
drop function if exists idempotency_read(int, text, uuid);

-- Builds between 11620c8 and 6401c8d: is this answer the one that was posted before?
drop function if exists post_is(message, text, text);
