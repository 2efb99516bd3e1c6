/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/power_cut/cut_rules.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fnmatch.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/power_cut/cut_config.h"

#include "base/banned.h"

/* Rules of one variable: more would mean a mistake in the caller's loop. */
#define RULES_MAX 32
#define RULE_TEXT_SIZE 256
/* Frames looked through for the function named by a rule. */
#define RULE_FRAMES_MAX 24

struct rule {
    char call[32];                 /* "*" for any */
    char pattern[RULE_TEXT_SIZE];  /* shell pattern over the whole path, * matches / too */
    char function[RULE_TEXT_SIZE]; /* that must be on the stack; empty: any */
    uint64_t nth;                  /* 0: each match */
    bool is_onwards;               /* the nth match and all later ones */
    int error;
    _Atomic uint64_t matches;
};

struct rule_list {
    struct rule rules[RULES_MAX];
    unsigned count;
    _Atomic uint64_t hits;
};

static struct rule_list skips;
static struct rule_list sync_faults;
static struct rule_list faults;

static int
error_from(const char *text)
{
    static const struct {
        const char *name;
        int value;
    } names[] = {{"EIO", EIO},
                 {"ENOSPC", ENOSPC},
                 {"EDQUOT", EDQUOT},
                 {"EROFS", EROFS},
                 {"EMFILE", EMFILE},
                 {"ENFILE", ENFILE},
                 {"ENOMEM", ENOMEM},
                 {"EINTR", EINTR},
                 {"EAGAIN", EAGAIN},
                 {"EACCES", EACCES},
                 {"ENOENT", ENOENT},
                 {"ENODEV", ENODEV},
                 {"short", CUT_FAULT_SHORT}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i].name) == 0) {
            return names[i].value;
        }
    }
    cut_die("a rule asks for the unknown error %s", text);
}

static void
count_from(struct rule *rule, const char *text)
{
    char *end = NULL;
    rule->nth = strtoull(text, &end, 10);
    if (end == text || (*end != '\0' && strcmp(end, "+") != 0)) {
        cut_die("a rule asks for the unknown count %s", text);
    }
    rule->is_onwards = *end == '+';
}

/* call[@function][#nth] */
static void
call_from(struct rule *rule, char *text)
{
    char *nth = strchr(text, '#');
    if (nth != NULL) {
        *nth = '\0';
        count_from(rule, nth + 1);
    }
    char *function = strchr(text, '@');
    if (function != NULL) {
        *function = '\0';
        snprintf(rule->function, sizeof(rule->function), "%s", function + 1);
    }
    snprintf(rule->call, sizeof(rule->call), "%s", *text == '\0' ? "*" : text);
}

static unsigned
split(char *text, char separator, char **fields, unsigned fields_max)
{
    unsigned count = 0;
    while (text != NULL && count < fields_max) {
        fields[count++] = text;
        text = strchr(text, separator);
        if (text != NULL) {
            *text++ = '\0';
        }
    }
    return text == NULL ? count : fields_max + 1;
}

static void
skip_from(struct rule *rule, char **fields, unsigned count)
{
    if (count > 2) {
        cut_die("POWERCUT_SKIP_SYNC takes PATTERN[:CALL[@FUNCTION][#NTH]]");
    }
    snprintf(rule->pattern, sizeof(rule->pattern), "%s", fields[0]);
    call_from(rule, count > 1 ? fields[1] : fields[0] + strlen(fields[0]));
}

static void
sync_fault_from(struct rule *rule, char **fields, unsigned count)
{
    if (count != 3 && count != 4) {
        cut_die("POWERCUT_FAIL_SYNC takes PATTERN[:CALL]:NTH:ERRNO");
    }
    snprintf(rule->pattern, sizeof(rule->pattern), "%s", fields[0]);
    call_from(rule, count == 4 ? fields[1] : fields[0] + strlen(fields[0]));
    count_from(rule, fields[count - 2]);
    rule->error = error_from(fields[count - 1]);
}

static void
fault_from(struct rule *rule, char **fields, unsigned count)
{
    if (count != 4) {
        cut_die("POWERCUT_FAIL takes CALL:PATTERN:NTH:ERRNO");
    }
    call_from(rule, fields[0]);
    snprintf(rule->pattern, sizeof(rule->pattern), "%s", fields[1]);
    count_from(rule, fields[2]);
    rule->error = error_from(fields[3]);
}

static void
load(struct rule_list *list, const char *variable,
     void (*parse)(struct rule *rule, char **fields, unsigned count))
{
    const char *value = getenv(variable);
    if (value == NULL || *value == '\0') {
        return;
    }
    static char text[CUT_PATH_SIZE];
    snprintf(text, sizeof(text), "%s", value);
    char *entries[RULES_MAX];
    unsigned count = split(text, ',', entries, RULES_MAX);
    if (count > RULES_MAX) {
        cut_die("%s has more than %d rules", variable, RULES_MAX);
    }
    for (unsigned i = 0; i < count; i++) {
        char *fields[4];
        unsigned field_count = split(entries[i], ':', fields, 4);
        if (field_count > 4) {
            cut_die("%s: a rule has more than four fields", variable);
        }
        parse(&list->rules[list->count++], fields, field_count);
    }
}

void
cut_rules_load(void)
{
    load(&skips, "POWERCUT_SKIP_SYNC", skip_from);
    load(&sync_faults, "POWERCUT_FAIL_SYNC", sync_fault_from);
    load(&faults, "POWERCUT_FAIL", fault_from);
}

static bool
is_on_stack(const char *function)
{
    void *frames[RULE_FRAMES_MAX];
    int count = backtrace(frames, RULE_FRAMES_MAX);
    for (int i = 0; i < count; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) != 0 && info.dli_sname != NULL &&
            strcmp(info.dli_sname, function) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_named(const struct rule *rule, const char *call)
{
    return strcmp(rule->call, "*") == 0 || strcmp(rule->call, call) == 0 ||
           (strcmp(rule->call, "file") == 0 && strcmp(call, "dir") != 0);
}

static const struct rule *
find(struct rule_list *list, const char *call, const char *path)
{
    for (unsigned i = 0; i < list->count; i++) {
        struct rule *rule = &list->rules[i];
        if (!is_named(rule, call) || fnmatch(rule->pattern, path, 0) != 0 ||
            (rule->function[0] != '\0' && !is_on_stack(rule->function))) {
            continue;
        }
        uint64_t match = atomic_fetch_add(&rule->matches, 1) + 1;
        if (rule->nth == 0 || match == rule->nth || (rule->is_onwards && match > rule->nth)) {
            atomic_fetch_add(&list->hits, 1);
            return rule;
        }
    }
    return NULL;
}

bool
cut_rules_watch(const char *call)
{
    for (unsigned i = 0; i < faults.count; i++) {
        if (is_named(&faults.rules[i], call)) {
            return true;
        }
    }
    return false;
}

int
cut_rules_fault(const char *call, const char *path)
{
    const struct rule *rule = find(&faults, call, path);
    return rule == NULL ? 0 : rule->error;
}

bool
cut_rules_skips_sync(const char *call, const char *path)
{
    return find(&skips, call, path) != NULL;
}

int
cut_rules_sync_fault(const char *call, const char *path)
{
    const struct rule *rule = find(&sync_faults, call, path);
    return rule == NULL ? 0 : rule->error;
}

uint64_t
cut_rules_skip_count(void)
{
    return atomic_load(&skips.hits);
}

uint64_t
cut_rules_fault_count(void)
{
    return atomic_load(&faults.hits) + atomic_load(&sync_faults.hits);
}
