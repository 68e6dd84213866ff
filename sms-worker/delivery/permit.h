// permit: how long the result of a row's check is valid.
//
// The guarantee: once a STOP was answered with 200, no worker begins a webhook request to that
// person. "Begins" is the moment when the first byte of the request is handed to the kernel; a
// request that began before cannot be called back.
//
// It holds without a round trip for each message:
//
//   check   A claim locks its rows and then, in a later statement, looks up the opt-outs
//           (delivery_lease()); so does a check of rows that wait (delivery_renew()).
//   begin   A worker begins a request only within PERMIT_MS of the moment at which it asked for the
//           row's last check, by its own clock. This is decided when the connection is established,
//           right before the first byte (http_client_post_if()).
//   fence   The worker that stored a STOP checks, after its COMMIT and before its answer, whether a worker
//           holds a row of that person (stop_fence()). A check that did not see the STOP still holds
//           its lock then, or has left its lease: stop_fence() waits for the first and sees the second.
//           Then the answer waits PERMIT_FENCE_MS, and every permit of before the STOP has run out.
//
// So a worker that was stopped, or whose machine slept, sends nothing when it continues, because
// the clock ran on. Only one clock is used, never PostgreSQL's or two clocks. The only gap is a
// process that is stopped between the decision and the write that follows it some microseconds
// later.
//
// The cost: no statement for a message that is sent within PERMIT_STALE_MS of its claim; for those
// that wait longer (their destination is slow, or does not connect) one statement for all of them
// each PERMIT_STALE_MS; one statement a STOP, whose answer waits only if a row of that person is held.
#pragma once

enum {
    PERMIT_MS = 750,
    PERMIT_STALE_MS =
        350, // then waiting rows are checked again, so that their permit does not run out
    PERMIT_TICK_MS = 100,
    PERMIT_FENCE_MS = 1000, // PERMIT_MS, and a margin for observers with other clocks
};
