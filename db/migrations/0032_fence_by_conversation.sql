-- The fence of a STOP finds answers by the conversations of their person (db/functions/stop_fence.sql), so only
-- what belongs to no conversation needs an index by address. One over all rows cost each answer four per cent of its work.
drop index delivery_address;
create index delivery_address on delivery (address) where conversation_id is null;
