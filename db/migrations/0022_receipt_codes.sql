-- The provider's reason as it writes it: "000", "0x45", "EC-17", 30003. result_code holds those of before, which were numbers.
alter table receipt add column result_text text;
