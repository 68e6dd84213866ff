-- Who has stored a STOP looks for rows of that person that somebody holds (stop_fence() in db/functions/delivery.sql).
create index delivery_address on delivery (address);
