/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/crash_round.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "tests/power_cut/crash_exit.h"
#include "tests/power_cut/test_tree.h"

#include "base/banned.h"

/* A load dies after so many acknowledgments and a moment, whichever machine it runs on. */
#define ACKNOWLEDGMENTS_MAX 400
#define LOAD_US_MAX 10000
/* It does not wait longer for them. */
#define LOAD_S_MAX 5
/* The same for deaths in the middle of an opening or a verification. */
#define START_US_MAX 60000
/* Operations per thread of a load that ends at a call or by itself. */
#define OPERATIONS_MAX 150
/* For syncs that come later than the acknowledgment: a life in which they are long overdue. */
#define LAZY_LOAD_US 6000000
#define LAZY_LOSS_MS "4000"
/* Looking more often costs the driver its processor. */
#define POLL_US 1000
/* A life that takes longer hangs. */
#define LIFE_S_MAX 120
/* First guess of the calls in one life. */
#define CALLS_GUESS 2000

struct life {
    enum crash_end end;
    uint64_t seed;
    uint64_t at;              /* call to cut at, 0: at a time */
    uint64_t delay_us;        /* after the load began, or after the start */
    uint64_t acknowledgments; /* of the load to wait for, before the delay */
    bool dies_early;          /* in the opening or the verification */
    uint64_t sync_us;
    char fault[128];
    int64_t moment_ns; /* no later than its end */
    int trigger_fds[2];
};

static void
path_in(const struct crash_round *round, const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s", round->directory, name);
}

void
crash_round_init(struct crash_round *round, const char *directory, uint64_t seed)
{
    char path[512];
    *round = (struct crash_round){
        .prng = prng_init(seed), .power_model = "strict", .calls_max = CALLS_GUESS};
    snprintf(round->directory, sizeof(round->directory), "%s", directory);
    CHECK(mkdir(round->directory, 0700) == 0);
    path_in(round, "model", path);
    round->model = crash_model_map(path);
    crash_round_reset(round);
}

void
crash_round_release(struct crash_round *round)
{
    test_tree_remove(round->directory);
}

void
crash_round_reset(struct crash_round *round)
{
    char path[512];
    path_in(round, "store", path);
    test_tree_remove(path);
    CHECK(mkdir(path, 0700) == 0);
    crash_model_reset(round->model);
}

static void
draw_fault(struct crash_round *round, struct life *life)
{
    static const char *const calls[] = {"*",     "pwrite",    "pwritev", "write",
                                        "open",  "fallocate", "file",    "ftruncate",
                                        "mkdir", "unlink",    "rename",  "dir"};
    static const char *const errors[] = {"EIO", "ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENOMEM"};
    snprintf(life->fault, sizeof(life->fault), "%s:*:%" PRIu64 "%s:%s",
             calls[prng_below(&round->prng, sizeof(calls) / sizeof(calls[0]))],
             1 + prng_below(&round->prng, 400), prng_below(&round->prng, 4) == 0 ? "+" : "",
             errors[prng_below(&round->prng, sizeof(errors) / sizeof(errors[0]))]);
}

static struct life
draw_life(struct crash_round *round, enum crash_end end)
{
    struct prng *prng = &round->prng;
    struct life life = {.end = end, .seed = prng_u64(prng), .trigger_fds = {-1, -1}};
    life.dies_early = prng_below(prng, 7) == 0;
    life.delay_us = prng_below(prng, life.dies_early ? START_US_MAX : LOAD_US_MAX);
    life.acknowledgments = prng_below(prng, ACKNOWLEDGMENTS_MAX);
    if (end == CRASH_END_CUT && prng_below(prng, 2) == 0) {
        life.at = 1 + prng_below(prng, round->calls_max + round->calls_max / 8);
    }
    if (round->mutant != NULL && round->mutant->kind == CRASH_MUTANT_LAZY) {
        life.at = 0;
        life.dies_early = false;
        life.delay_us = LAZY_LOAD_US;
        life.acknowledgments = 0;
    }
    static const uint64_t sync_us[] = {0, 100, 1000};
    life.sync_us = sync_us[prng_below(prng, 3)];
    if (end == CRASH_END_FAULT) {
        draw_fault(round, &life);
    }
    return life;
}

static void
set_number(const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    setenv(name, text, 1);
}

static void
load_library(const struct crash_round *round, const struct life *life)
{
    const char *build = getenv("LODE_BUILDDIR");
    char path[1024];
    char preload[1024];
    snprintf(path, sizeof(path), "%s/tests/power_cut/libpowercut.so", build == NULL ? "." : build);
    /* LD_PRELOAD is a list that spaces and colons divide; the way to the build may hold them */
    path_in(round, "libpowercut.so", preload);
    CHECK(symlink(path, preload) == 0 || errno == EEXIST);
    setenv("LD_PRELOAD", preload, 1);
    path_in(round, "store", path);
    setenv("POWERCUT_DIR", path, 1);
    path_in(round, "undo", path);
    setenv("POWERCUT_UNDO", path, 1);
    path_in(round, "report", path);
    setenv("POWERCUT_REPORT", path, 1);
    setenv("POWERCUT_MODEL", round->power_model, 1);
    set_number("POWERCUT_SEED", life->seed);
    set_number("POWERCUT_SYNC_US", life->sync_us);
    if (life->end == CRASH_END_FAULT) {
        setenv("POWERCUT_FAIL", life->fault, 1);
        return;
    }
    setenv("POWERCUT_ON_EXIT", "1", 1);
    if (life->at != 0) {
        set_number("POWERCUT_AT", life->at);
    } else {
        set_number("POWERCUT_TRIGGER_FD", (uint64_t)life->trigger_fds[0]);
    }
    if (round->mutant != NULL && round->mutant->skip != NULL) {
        setenv("POWERCUT_SKIP_SYNC", round->mutant->skip, 1);
    }
}

static _Noreturn void
become_driver(const struct crash_round *round, const struct life *life)
{
    const char *build = getenv("LODE_BUILDDIR");
    char driver[1024];
    char log[512];
    char store[512];
    char model[512];
    char seed[24];
    char operations[24];
    const char *arguments[16] = {driver, store, model, "--seed", seed};
    size_t count = 5;
    snprintf(driver, sizeof(driver), "%s/tests/power_cut/crash_driver",
             build == NULL ? "." : build);
    path_in(round, "driver.log", log);
    path_in(round, "store", store);
    path_in(round, "model", model);
    snprintf(seed, sizeof(seed), "%" PRIu64, life->seed);
    snprintf(operations, sizeof(operations), "%d", OPERATIONS_MAX);
    if (life->end == CRASH_END_CUT || life->end == CRASH_END_FAULT) {
        load_library(round, life);
    }
    if (life->end == CRASH_END_NOTHING) {
        arguments[count++] = "--verify-only";
    }
    if (life->end == CRASH_END_FAULT) {
        arguments[count++] = "--load-only";
        arguments[count++] = "--faults";
    }
    if (life->at != 0 || life->end == CRASH_END_FAULT) {
        arguments[count++] = "--operations";
        arguments[count++] = operations;
    }
    if (round->moves_mountpaths) {
        arguments[count++] = "--mountpaths";
    }
    if (round->has_lost_power) {
        arguments[count++] = "--power-cut";
    }
    if (life->end == CRASH_END_CUT && round->mutant != NULL) {
        if (round->mutant->point != NULL) {
            arguments[count++] = "--skip-sync";
            arguments[count++] = round->mutant->point;
        }
        if (round->mutant->kind == CRASH_MUTANT_FIRST) {
            /* A second opening would sync much of what the first one left out. */
            arguments[count++] = "--load-only";
        }
        if (round->mutant->kind == CRASH_MUTANT_COPY) {
            arguments[count++] = "--focus-copy";
        }
        if (round->mutant->kind == CRASH_MUTANT_LAZY) {
            arguments[count++] = "--focus-relaxed";
        }
    }
    if (round->mutant != NULL && round->mutant->kind == CRASH_MUTANT_LAZY) {
        arguments[count++] = "--relaxed-loss";
        arguments[count++] = LAZY_LOSS_MS;
    }
    alarm(LIFE_S_MAX);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2);
    execv(driver, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static void
wait_us(uint64_t us)
{
    struct timespec pause_time = {.tv_sec = (time_t)(us / 1000000),
                                  .tv_nsec = (long)(us % 1000000) * 1000};
    nanosleep(&pause_time, NULL);
}

/* Waits for the drawn moment.  False: the driver ended by itself before. */
static bool
wait_for_moment(const struct crash_round *round, const struct life *life, pid_t pid, int *status)
{
    int64_t deadline_ns = clock_monotonic_ns() + LIFE_S_MAX * CLOCK_NS_PER_S;
    while (!life->dies_early && atomic_load(&round->model->phase) != CRASH_PHASE_LOADING) {
        if (waitpid(pid, status, WNOHANG) == pid) {
            return false;
        }
        CHECK(clock_monotonic_ns() < deadline_ns);
        wait_us(POLL_US);
    }
    deadline_ns = clock_monotonic_ns() + LOAD_S_MAX * CLOCK_NS_PER_S;
    uint64_t wanted = life->dies_early ? 0 : life->acknowledgments;
    wanted += atomic_load(&round->model->acknowledged_count);
    while (atomic_load(&round->model->acknowledged_count) < wanted &&
           clock_monotonic_ns() < deadline_ns) {
        if (waitpid(pid, status, WNOHANG) == pid) {
            return false;
        }
        wait_us(POLL_US);
    }
    wait_us(life->delay_us);
    return true;
}

/* The last line of the report tells how many calls the life had. */
static void
read_report(struct crash_round *round)
{
    char path[512];
    char line[512] = "";
    path_in(round, "report", path);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
    }
    fclose(file);
    unlink(path);
    const char *calls = strstr(line, "calls=");
    uint64_t value = calls == NULL ? 0 : strtoull(calls + strlen("calls="), NULL, 10);
    if (value > round->calls_max) {
        round->calls_max = value;
    }
}

/* Debian builds RocksDB with its assertions, and one of them fails in the destructor of a log whose
 * write failed while a database was being opened.  The process dies, as by a kill; the promises are
 * verified after it all the same. */
static bool
died_in_rocksdb(const struct crash_round *round, int status)
{
    char path[512];
    char line[512];
    bool found = false;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        return false;
    }
    path_in(round, "driver.log", path);
    FILE *file = fopen(path, "r");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        found = strstr(line, "rocksdb::") != NULL && strstr(line, "Assertion") != NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static enum crash_outcome
judge(const struct crash_round *round, const struct life *life, int status)
{
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool is_done = WIFEXITED(status) && WEXITSTATUS(status) == CRASH_EXIT_DONE;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CRASH_EXIT_FAULTLESS) {
        return CRASH_OUTCOME_FAULTLESS;
    }
    bool is_refused = WIFEXITED(status) && WEXITSTATUS(status) == CRASH_EXIT_REFUSED;
    switch (life->end) {
    case CRASH_END_KILL:
        return is_killed || is_done ? CRASH_OUTCOME_SOUND : CRASH_OUTCOME_BROKEN;
    case CRASH_END_CUT:
        return is_killed ? CRASH_OUTCOME_SOUND : CRASH_OUTCOME_BROKEN;
    case CRASH_END_FAULT:
        is_refused = is_refused || died_in_rocksdb(round, status);
        return is_killed || is_done || is_refused ? CRASH_OUTCOME_SOUND : CRASH_OUTCOME_BROKEN;
    case CRASH_END_NOTHING:
        break;
    }
    return is_done ? CRASH_OUTCOME_SOUND : CRASH_OUTCOME_BROKEN;
}

static int
live(struct crash_round *round, struct life *life)
{
    bool has_trigger = life->end == CRASH_END_CUT && life->at == 0;
    if (has_trigger) {
        CHECK(pipe(life->trigger_fds) == 0);
        CHECK(fcntl(life->trigger_fds[1], F_SETFD, FD_CLOEXEC) == 0);
    }
    atomic_store(&round->model->phase, CRASH_PHASE_OPENING);
    life->moment_ns = clock_monotonic_ns();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        become_driver(round, life);
    }
    int status = 0;
    bool has_ended = false;
    if (has_trigger) {
        close(life->trigger_fds[0]);
        has_ended = !wait_for_moment(round, life, pid, &status);
        life->moment_ns = clock_monotonic_ns();
        close(life->trigger_fds[1]);
    } else if (life->end == CRASH_END_KILL) {
        has_ended = !wait_for_moment(round, life, pid, &status);
        if (!has_ended) {
            kill(pid, SIGKILL);
        }
    }
    if (!has_ended) {
        CHECK(waitpid(pid, &status, 0) == pid);
    }
    return status;
}

enum crash_outcome
crash_round_run(struct crash_round *round, enum crash_end end)
{
    static const char *const names[] = {"kill", "cut", "fault", "verify"};
    char undo[512];
    struct life life = draw_life(round, end);
    round->number++;
    int status = live(round, &life);
    /* A life that was cut before it had verified everything leaves the rest to the next one, which
     * has to judge by the death before. */
    if (atomic_load(&round->model->phase) == CRASH_PHASE_LOADING) {
        round->model->death_ns = life.moment_ns;
    }
    round->has_lost_power = round->has_lost_power || end == CRASH_END_CUT;
    snprintf(round->what, sizeof(round->what),
             "round %u, %s, seed %" PRIu64 ", model %s, call %" PRIu64 ", sync %" PRIu64
             " us, fault %s, status %#x",
             round->number, names[end], life.seed, round->power_model, life.at, life.sync_us,
             life.fault[0] == '\0' ? "none" : life.fault, (unsigned)status);
    read_report(round);
    path_in(round, "undo", undo);
    test_tree_remove(undo);
    return judge(round, &life, status);
}
