// events: watchers of messages (Server-Sent Events), at most 64 at once. An event is a
// message as GET /sim/messages shows it, sent when it appears and whenever its state changes.
#pragma once

struct simulator;
struct remembered;
struct page_events;

struct page_events *page_events_new(struct simulator *simulator);
void page_events_free(struct page_events **events); // memory: when the loop has closed its timer
void page_events_publish(struct page_events *events, const struct remembered *message);
