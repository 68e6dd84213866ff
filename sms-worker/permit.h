// permit: for how long what a check said of a row may be believed.
//
// The guarantee: once a STOP was answered with 200, no webhook to that person begins, from whatever
// worker. "Begins" is the moment when the first byte of the request is handed to the kernel; what
// began before is on the wire and cannot be called back.
//
// It holds without a round trip for each message:
//
//   check   A claim locks its rows and then, in a later statement, looks up the opt-outs
//           (delivery_claim()); so does a check of rows that wait (delivery_renew()).
//   begin   A worker begins a request only within PERMIT_MS of the moment at which it asked for the
//           row's last check, by its own clock. The question is put when the connection stands,
//           right before the first byte (http_client_post_if()).
//   fence   Whoever stored a STOP looks, after its COMMIT and before its answer, whether anybody
//           holds a row of that person (stop_fence()). A check that did not see the STOP still holds
//           its lock then, or has left its lease: the look waits for the first and sees the second.
//           Then the answer waits PERMIT_FENCE_MS, and every permit of before the STOP has run out.
//
// So a worker that was frozen, or whose machine slept, sends nothing when it wakes: the clock ran
// on. No clock of PostgreSQL and no two clocks are compared. What remains is a process that is
// stopped between the question and the write that follows it, some microseconds later.
//
// It costs: no statement for a message that is sent within PERMIT_STALE_MS of its claim; for those
// that wait longer (their destination is slow, or does not connect) one statement for all of them
// each PERMIT_STALE_MS; one statement a STOP, whose answer waits only if a row of that person is held.
#pragma once

enum {
    PERMIT_MS = 750,
    PERMIT_STALE_MS = 350, // then what waits is checked again, so that its permit does not run out
    PERMIT_TICK_MS = 100,
    PERMIT_FENCE_MS = 1000, // PERMIT_MS, and some for those who watch with clocks of their own
};
