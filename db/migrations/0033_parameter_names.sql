-- Parameters have one naming (p_…), and "create or replace" gives no parameter another name. So these functions are dropped; db/functions
-- makes them anew in the same transaction, with the same types, so statements of running workers find them.
drop function if exists attachment_link(int, uuid, uuid, int, text);
drop function if exists attachment_read(int, uuid, uuid, int, int);
drop function if exists attachments_json(int, uuid);
drop function if exists attachments_store(int[], uuid[], text[], uuid[]);
drop function if exists channel_address(int, int);
drop function if exists contact_list(int, text);
drop function if exists contact_list_of_senders(int, text[]);
drop function if exists content_known_type(bytea);
drop function if exists conversation_accept(int, uuid, text);
drop function if exists conversation_done(int, uuid, text);
drop function if exists conversation_list(int, text, text, uuid, int, int);
drop function if exists conversation_list_of_address(int, text, text, uuid, int, int, text);
drop function if exists conversation_list_of_senders(int, text, text, uuid, int, int, text[]);
drop function if exists conversation_move(int, uuid, smallint[], smallint, text);
drop function if exists conversation_opened(int[], uuid[]);
drop function if exists conversation_post(int[], uuid[], uuid[], text[], text[], text[], text[], text[]);
drop function if exists conversation_read(int, uuid);
drop function if exists conversation_state_name(smallint);
drop function if exists delivery_claim(int[], int[], bigint[], int);
drop function if exists delivery_complete(bigint[], int[], smallint[], int[], text[], int[], int[], text[], smallint[], int[], int[],
                                          text[], text[]);
drop function if exists delivery_end(bigint[], smallint[]);
drop function if exists delivery_expire(int);
drop function if exists delivery_is_passed(delivery, timestamptz);
drop function if exists delivery_lost(bigint[]);
drop function if exists delivery_message_is_free(bigint);
drop function if exists delivery_probe(int);
drop function if exists delivery_prolong(bigint[], int[]);
drop function if exists delivery_renew(bigint[], int[]);
drop function if exists delivery_store(bigint[], int[], smallint[], int[], text[], int[], int[], text[], smallint[], int[], int[],
                                       text[], text[]);
drop function if exists delivery_walk(int, int);
drop function if exists destination_answers(int[], int[], int[], smallint[], text[], boolean[]);
drop function if exists destination_breaker(int, int, int);
drop function if exists destination_turned(json);
drop function if exists events_read(int, text, int);
drop function if exists idempotency_claim(int[], text[], uuid[], int[], text[]);
drop function if exists idempotency_forget(int);
drop function if exists idempotency_keep(text[]);
drop function if exists idempotency_stored(int, text, uuid);
drop function if exists inbound_part_flush(interval, int);
drop function if exists inbound_part_lock(bigint[]);
drop function if exists inbound_part_series_late(interval, int);
drop function if exists inbound_parts_late(int);
drop function if exists keywords_among(text[]);
drop function if exists keywords_answer(keyword_said[], uuid[], int);
drop function if exists keywords_take(int[], text[], uuid[], text[], text[], uuid[]);
drop function if exists message_id_of(text);
drop function if exists message_list(int, text, uuid, text, smallint, text, text, int);
drop function if exists message_list_of(int, text[], uuid, text, smallint, text, bigint, int);
drop function if exists message_list_of_senders(int, text[], uuid, text, smallint, text, text, int);
drop function if exists message_repeated(int[], uuid[], uuid[]);
drop function if exists post_answer(smallint, uuid, int, text);
drop function if exists post_is(text, jsonb, text, text);
drop function if exists receipt_answer(text, boolean);
drop function if exists receipt_apply(int[], uuid[], smallint[]);
drop function if exists receipt_bind(int);
drop function if exists receipt_fate(smallint);
drop function if exists receipt_fits(int, text, text);
drop function if exists receipt_list(int, bigint, int);
drop function if exists receipt_store(int[], text[], smallint[], text[], int[]);
drop function if exists receipt_take(int[], text[], smallint[], text[], text[]);
drop function if exists senders_are_numbers(text[]);
drop function if exists senders_known(int[], text[]);
drop function if exists sms_accept(int[], text[], uuid[], text[], text[], text[], uuid[], text[], text[], smallint[], smallint[], text[],
                                   text[]);
drop function if exists sms_accept_parts(int[], text[], uuid[], text[], text[], text[], uuid[], text[], text[], smallint[], smallint[],
                                         text[]);
drop function if exists sms_accept_wholes(mo_whole[], uuid[], text[]);
drop function if exists sms_answer(smallint, uuid, uuid, int);
drop function if exists stop_fence(int[], uuid[]);
drop function if exists transcript_read(int, uuid, int, int);
drop function if exists undelivered_replay(int, uuid[], text, text, timestamptz, timestamptz, int, text);
drop function if exists upkeep_parts(int, int);
drop function if exists upkeep_uploads(int);
drop function if exists upload_drop(int, uuid);
drop function if exists upload_piece(int, uuid, int, int, bytea);
drop function if exists url_host(text);

-- What files in db/functions dropped at each run until now.
drop function if exists destination_turned(int[], int[], smallint[], text[]);
drop function if exists endpoint_references(int);
drop function if exists message_list_of(int, text, uuid, text, smallint, text, bigint, int);
drop function if exists service_references(int);
drop function if exists sms_accept(int[], text[], uuid[], text[], text[], text[], uuid[], text[], text[], smallint[], smallint[], text[]);
