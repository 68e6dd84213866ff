-- Lists of conversations are read in their order, those of one queue as well. The queue is last in the index of open ones: it is compared in
-- the index, and no update of a conversation pays for another one. A conversation comes into the indexes of those that are done when it is.
drop index conversation_waiting;
create index conversation_waiting    on conversation (tenant_id, state, waiting_since, queue) where state < 9;
create index conversation_done       on conversation (tenant_id, waiting_since)               where state = 9;
create index conversation_done_queue on conversation (tenant_id, queue, waiting_since)        where state = 9;
