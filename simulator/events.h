// events: who watches messages come and go (Server-Sent Events): at most 64 at once. An event is a
// message as GET /sim/messages shows it, sent when it appears and whenever its state changes.
#pragma once

struct simulator;
struct remembered;
struct events;

struct events *events_new(struct simulator *simulator);
void events_free(struct events **events); // memory goes with the loop's round
void events_publish(struct events *events, const struct remembered *message);
