// The life of a process. The program under test runs in a child process; the test is its supervisor
// and its gateway.
#include "service/service.h"

#include "base/panic.h"
#include "bus/gateway/bus_gateway.h"
#include "io/loop.h"
#include "io/zmq/zmq_socket.h"
#include "service/tasks/task.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOBODY = 65534, READY = 3 };

// ---- the program

static void take_ledger(struct task *task)
{
    const struct msg_ledger_read *message = task->decoded;

    if (str_equal(message->by, STR("channel")))
        task_reply(task, STR("{\"by\":\"channel\"}"));
    else
        task_fail(task, &(struct err){.code = ERR_NOT_FOUND, .text = "nothing by that"});
}

static const struct handler handlers[] = {{.message = MSG_LEDGER_READ, .take = take_ledger}};

static void never_drained(struct service *service)
{
    (void)service;
}

static bool init_fails(struct service *service, struct err *err)
{
    (void)service;
    return err_set(err, ERR_UNAVAILABLE, "no room");
}

static void spin(uv_idle_t *idle)
{
    (void)idle;
    for (;;)
        ;
}

static bool init_wedges(struct service *service, struct err *err)
{
    static uv_idle_t idle;

    (void)err;
    uv_idle_init(service_loop(service), &idle);
    return uv_idle_start(&idle, spin) == 0;
}

static const struct service_def plain = {
    .name = "plain", .summary = "for the test", .service = SERVICE_NONE};
static const struct service_def stubborn = {
    .name = "stubborn", .summary = "for the test", .service = SERVICE_NONE, .drain = never_drained};
static const struct service_def failing = {
    .name = "failing", .summary = "for the test", .service = SERVICE_NONE, .init = init_fails};
static const struct service_def wedged = {
    .name = "wedged", .summary = "for the test", .service = SERVICE_NONE, .init = init_wedges};
static const struct service_def worker = {.name = "sms-worker",
                                          .summary = "for the test",
                                          .service = SERVICE_SMS,
                                          .needs = {NEEDS_BUS_WORKER},
                                          .handlers = handlers,
                                          .handler_count = COUNT_OF(handlers)};

// ---- its supervisor

struct child {
    pid_t pid;
    int ready; // reading end
};

static struct child child_start(const struct service_def *def, const char *argument, bool as_root)
{
    int ends[2];

    cr_assert(eq(int, pipe(ends), 0));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {(char *)def->name, (char *)argument, NULL};
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(ends[1], READY);
        if (!as_root && getuid() == 0)
            (void)!setuid(NOBODY);
        exit(service_main(def, argument ? 2 : 1, argv));
    }
    close(ends[1]);
    return (struct child){.pid = pid, .ready = ends[0]};
}

static void child_wait_ready(const struct child *child)
{
    char newline;

    cr_assert(eq(int, (int)read(child->ready, &newline, 1), 1), "it never became ready");
    cr_assert(eq(chr, newline, '\n'));
}

static int child_end(const struct child *child)
{
    int status = -1;

    waitpid(child->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

Test(service, does_not_run_as_root)
{
    if (getuid() != 0)
        cr_skip_test("only root can try");
    struct child child = child_start(&plain, NULL, true);

    cr_assert(eq(int, child_end(&child), EXIT_PERMANENT));
}

Test(service, reports_ready_and_stops_normally_on_sigterm)
{
    struct child child = child_start(&plain, NULL, false);
    child_wait_ready(&child);

    kill(child.pid, SIGTERM);

    cr_assert(eq(int, child_end(&child), 0));
}

Test(service, stops_at_once_on_a_second_signal)
{
    struct child child = child_start(&stubborn, NULL, false);
    child_wait_ready(&child);

    kill(child.pid, SIGTERM);
    kill(child.pid, SIGINT);

    cr_assert(eq(int, child_end(&child), EXIT_FAILURE));
}

Test(service, waits_for_a_drain_no_longer_than_configured)
{
    setenv("NEXUS_DRAIN_TIMEOUT", "200ms", 1);
    struct child child = child_start(&stubborn, NULL, false);
    child_wait_ready(&child);

    kill(child.pid, SIGTERM);

    cr_assert(eq(int, child_end(&child), 0));
}

Test(service, refuses_an_unknown_setting)
{
    setenv("NEXUS_TPYO", "1", 1);
    struct child child = child_start(&plain, NULL, false);

    cr_assert(eq(int, child_end(&child), EXIT_PERMANENT));
}

Test(service, refuses_a_value_beyond_its_limits)
{
    setenv("NEXUS_DRAIN_TIMEOUT", "1ms", 1);
    struct child child = child_start(&plain, "--check-config", false);

    cr_assert(eq(int, child_end(&child), EXIT_PERMANENT));
}

Test(service, checks_its_configuration_and_shows_help_and_version_without_running)
{
    static const char *const options[] = {"--check-config", "--help", "--version"};

    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct child child = child_start(&plain, options[i], true);
        cr_assert(eq(int, child_end(&child), 0), "%s", options[i]);
    }
    struct child child = child_start(&plain, "--nonsense", true);
    cr_assert(eq(int, child_end(&child), EXIT_PERMANENT));
}

Test(service, exits_for_a_restart_when_it_cannot_start_yet)
{
    struct child child = child_start(&failing, NULL, false);

    cr_assert(eq(int, child_end(&child), EXIT_FAILURE));
}

Test(service, aborts_when_its_loop_has_not_ticked_for_ten_seconds)
{
    struct child child = child_start(&wedged, NULL, false);
    child_wait_ready(&child);

    cr_assert(eq(int, child_end(&child), 1000 + SIGABRT));
}

// ---- its gateway

struct gateway {
    uv_loop_t loop;
    struct zmq_bus_context *zmq;
    struct metrics *metrics;
    struct bus_gateway *bus;
    char folder[64];
    enum err_code code;
    char payload[128];
    bool answered;
};

// The address where its workers look for it.
static void gateway_announce(struct gateway *gateway)
{
    char address[128];

    *gateway = (struct gateway){.folder = "/tmp/nexus-service-XXXXXX"};
    cr_assert(ne(ptr, mkdtemp(gateway->folder), NULL));
    cr_assert(eq(int, chmod(gateway->folder, 0777), 0));
    umask(0); // the child runs as another user
    snprintf(address, sizeof address, "ipc://%s/bus.gateway-*.sock", gateway->folder);
    setenv("NEXUS_BUS", address, 1);
}

static void gateway_open(struct gateway *gateway)
{
    char address[128];
    struct err err = {0};

    snprintf(address, sizeof address, "ipc://%s/bus.gateway-0.sock", gateway->folder);
    uv_loop_init(&gateway->loop);
    gateway->zmq = zmq_bus_context_new();
    gateway->metrics = metrics_new();
    gateway->bus = bus_gateway_new(&gateway->loop, gateway->zmq,
                                   &(struct bus_gateway_options){.bind = str_of(address),
                                                                 .instance = STR("gateway-0"),
                                                                 .metrics = gateway->metrics},
                                   &err);
    cr_assert(ne(ptr, gateway->bus, NULL), "%s", err.text);
}

static void gateway_close(struct gateway *gateway)
{
    char command[128];

    bus_gateway_free(&gateway->bus);
    loop_close(&gateway->loop);
    zmq_bus_context_free(&gateway->zmq);
    metrics_free(&gateway->metrics);
    snprintf(command, sizeof command, "rm -rf %s", gateway->folder);
    cr_assert(eq(int, system(command), 0));
}

static void gateway_answered(void *context, enum err_code code, struct str payload)
{
    struct gateway *gateway = context;

    gateway->answered = true;
    gateway->code = code;
    snprintf(gateway->payload, sizeof gateway->payload, "%.100s", payload.len ? payload.ptr : "");
    gateway->payload[payload.len < 100 ? payload.len : 100] = '\0';
}

static void gateway_wait_for(struct gateway *gateway, size_t workers)
{
    struct bus_worker_view views[4];

    while (bus_gateway_workers(gateway->bus, views, 4) != workers)
        uv_run(&gateway->loop, UV_RUN_ONCE);
}

static void gateway_ask(struct gateway *gateway, enum message_id message, struct str payload)
{
    struct envelope envelope = {.message = message, .deadline_ms = 60000};

    gateway->answered = false;
    bus_gateway_call(gateway->bus, &envelope, payload, gateway_answered, gateway);
    while (!gateway->answered)
        uv_run(&gateway->loop, UV_RUN_ONCE);
}

Test(service, gives_a_request_to_the_handler_of_its_message)
{
    AUTO(buf) payload = {0};
    struct gateway gateway;
    struct child child;
    gateway_announce(&gateway);
    // The fork is before ZeroMQ's thread exists. Otherwise the child may copy a lock of the sanitizer's
    // allocator that the thread holds, and wait for it forever.
    child = child_start(&worker, NULL, false);
    gateway_open(&gateway);
    gateway_wait_for(&gateway, 1);

    message_encode(message_type(MSG_LEDGER_READ), &(struct msg_ledger_read){.by = STR("channel")},
                   &payload);
    gateway_ask(&gateway, MSG_LEDGER_READ, buf_str(&payload));
    cr_assert(eq(int, gateway.code, ERR_OK));
    cr_assert(eq(str, gateway.payload, "{\"by\":\"channel\"}"));

    buf_clear(&payload);
    message_encode(message_type(MSG_LEDGER_READ), &(struct msg_ledger_read){.by = STR("tenant")},
                   &payload);
    gateway_ask(&gateway, MSG_LEDGER_READ, buf_str(&payload));
    cr_assert(eq(int, gateway.code, ERR_NOT_FOUND));
    cr_assert(eq(str, gateway.payload, "nothing by that"));

    gateway_ask(&gateway, MSG_LEDGER_READ, STR("\x93\xdd\xff\xff\xff\xff"));
    cr_assert(eq(int, gateway.code, ERR_BAD_INPUT));

    gateway_ask(&gateway, MSG_SMS_INBOUND, STR("\x90"));
    cr_assert(eq(int, gateway.code, ERR_BAD_INPUT), "it has no handler for that");

    kill(child.pid, SIGTERM);
    gateway_wait_for(&gateway, 0);
    cr_assert(eq(int, child_end(&child), 0));
    gateway_close(&gateway);
}
