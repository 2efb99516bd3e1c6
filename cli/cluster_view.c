/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_view.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

enum column { COLUMN_NODE, COLUMN_ROLES, COLUMN_STATE, COLUMN_URL, COLUMN_MAP, COLUMN_RELEASE };
#define COLUMN_COUNT (COLUMN_RELEASE + 1)

static const char *const TITLES[COLUMN_COUNT] = {"NODE", "ROLES", "STATE", "URL", "MAP", "RELEASE"};

enum status
cluster_view_fetch(struct command_context *context, struct cluster_view *ret_view,
                   struct error *err)
{
    struct s3_client_request request = {.method = "GET",
                                        .bucket = BYTES_LITERAL("v1"),
                                        .key = BYTES_LITERAL("cluster"),
                                        .query = "what=lode-cluster"};
    struct s3_client_response response;
    json_t *json = NULL;
    enum status st = s3_client_send(context->client, &request, context->arena, &response, err);

    if (st != ST_OK) {
        return st;
    }
    json = json_loadb(response.body.data, response.body.size, 0, NULL);
    if (!json_is_array(json_object_get(json, "nodes"))) {
        json_decref(json);
        return fail(err, ST_INVALID, "The server's answer says nothing of a cluster");
    }
    ret_view->json = json;
    return ST_OK;
}

void
cluster_view_release(struct cluster_view *view)
{
    json_decref(view->json);
    view->json = NULL;
}

/* Never NULL. */
static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static long long
number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* A terminal must not obey what a server says. */
static void
print_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
    }
}

static void
print_dump(const json_t *json, FILE *out)
{
    char *text = json_dumps(json, JSON_COMPACT);

    fprintf(out, "%s\n", text != NULL ? text : "null");
    free(text);
}

void
cluster_view_print_json(const struct cluster_view *view, FILE *out)
{
    print_dump(view->json, out);
}

/* ---- the table ---- */

static const char *
roles_of(const json_t *node)
{
    bool is_gateway = json_is_true(json_object_get(node, "gateway"));
    bool is_target = json_is_true(json_object_get(node, "target"));

    return is_gateway && is_target ? "all" : is_gateway ? "gateway" : "target";
}

static const char *
state_of(const json_t *node)
{
    const char *state = text_of(node, "state");
    bool is_up = json_is_true(json_object_get(node, "up"));

    if (is_up) {
        return state;
    }
    return strcmp(state, "active") == 0        ? "DOWN"
           : strcmp(state, "maintenance") == 0 ? "maintenance, down"
                                               : "decommission, DOWN";
}

static char *
cell(const json_t *view, const json_t *node, enum column column)
{
    bool is_leader = strcmp(text_of(view, "leader"), text_of(node, "id")) == 0;

    switch (column) {
    case COLUMN_NODE:
        return xasprintf("%s%s", text_of(node, "id"), is_leader ? " (leader)" : "");
    case COLUMN_ROLES:
        return xstrdup(roles_of(node));
    case COLUMN_STATE:
        return xstrdup(state_of(node));
    case COLUMN_URL:
        return xstrdup(text_of(node, "public_url"));
    case COLUMN_MAP:
        return json_is_true(json_object_get(node, "up"))
                   ? xasprintf("%lld", number_of(node, "applied_version"))
                   : xstrdup("-");
    case COLUMN_RELEASE:
        break;
    }
    return xstrdup(text_of(node, "release"));
}

static void
print_row(FILE *out, const char *const *cells, const int *widths)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        int width = i + 1 < COLUMN_COUNT ? widths[i] : 0;

        print_text(out, cells[i]);
        fprintf(out, "%*s", i + 1 < COLUMN_COUNT ? width - (int)strlen(cells[i]) + 2 : 0, "");
    }
    fputc('\n', out);
}

static void
print_table(const json_t *view, FILE *out)
{
    const json_t *nodes = json_object_get(view, "nodes");
    size_t count = json_array_size(nodes);
    char **cells = xcalloc(count * COLUMN_COUNT + 1, sizeof(*cells));
    int widths[COLUMN_COUNT];

    for (size_t column = 0; column < COLUMN_COUNT; column++) {
        widths[column] = (int)strlen(TITLES[column]);
        for (size_t i = 0; i < count; i++) {
            char *text = cell(view, json_array_get(nodes, i), (enum column)column);

            cells[i * COLUMN_COUNT + column] = text;
            widths[column] =
                (int)strlen(text) > widths[column] ? (int)strlen(text) : widths[column];
        }
    }
    print_row(out, TITLES, widths);
    for (size_t i = 0; i < count; i++) {
        print_row(out, (const char *const *)&cells[i * COLUMN_COUNT], widths);
    }
    for (size_t i = 0; i < count * COLUMN_COUNT; i++) {
        free(cells[i]);
    }
    free(cells);
}

/* ---- what is under way ---- */

static const char *
stage_sentence(const char *stage)
{
    static const struct {
        const char *stage;
        const char *sentence;
    } SENTENCES[] = {
        {"move", "keys move to their owners"},
        {"settle", "the move is finished, all nodes hear of it"},
        {"drop-marks", "the move is finished, its marks are dropped"},
        {"drop-tombstones", "the move is finished, its tombstones are dropped"},
        {"done", "every key is where it belongs"},
    };

    for (size_t i = 0; i < sizeof(SENTENCES) / sizeof(SENTENCES[0]); i++) {
        if (strcmp(stage, SENTENCES[i].stage) == 0) {
            return SENTENCES[i].sentence;
        }
    }
    return "unknown to this lode";
}

/* Which targets are not done with the present stage? */
static void
print_missing(const json_t *view, FILE *out)
{
    const json_t *nodes = json_object_get(view, "nodes");
    const char *stage = text_of(view, "stage");
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(nodes) && strcmp(stage, "done") != 0; i++) {
        const json_t *node = json_array_get(nodes, i);
        bool is_behind = number_of(node, "stage_version") != number_of(view, "placement") ||
                         strcmp(text_of(node, "stage"), stage) == 0;

        if (json_is_true(json_object_get(node, "target")) && is_behind) {
            fputs(count++ == 0 ? "; not done: " : ", ", out);
            print_text(out, text_of(node, "id"));
        }
    }
}

void
cluster_view_print_progress(const struct cluster_view *view, FILE *out)
{
    const json_t *pending = json_object_get(view->json, "pending");
    const json_t *waits_for = json_object_get(pending, "waits_for");

    fprintf(out, "Map %lld, placement %lld: ", number_of(view->json, "version"),
            number_of(view->json, "placement"));
    if (json_is_object(pending)) {
        fprintf(out, "version %lld is pending", number_of(pending, "version"));
        for (size_t i = 0; i < json_array_size(waits_for); i++) {
            fputs(i == 0 ? ", waits for " : ", ", out);
            print_text(out, json_string_value(json_array_get(waits_for, i)));
        }
    } else {
        fputs(stage_sentence(text_of(view->json, "stage")), out);
        print_missing(view->json, out);
    }
}

void
cluster_view_print(const struct cluster_view *view, FILE *out)
{
    const json_t *requests = json_object_get(view->json, "requests");

    fputs("Cluster ", out);
    print_text(out, text_of(view->json, "cluster"));
    if (text_of(view->json, "leader")[0] == '\0') {
        fputs(", without a leader at the moment", out);
    }
    fputs("\n\n", out);
    print_table(view->json, out);
    fputc('\n', out);
    cluster_view_print_progress(view, out);
    fputc('\n', out);
    if (!json_is_true(json_object_get(view->json, "confirmed"))) {
        fputs("Warning: ", out);
        print_text(out, text_of(view->json, "reason"));
        fputc('\n', out);
    }
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *request = json_array_get(requests, i);

        print_text(out, text_of(request, "action"));
        fputs(" of ", out);
        print_text(out, text_of(request, "node"));
        fprintf(out, " %s: ",
                strcmp(text_of(request, "state"), "refused") == 0 ? "was refused" : "waits");
        print_text(out, text_of(request, "text"));
        fputc('\n', out);
    }
}

bool
cluster_view_is_busy(const struct cluster_view *view)
{
    const json_t *requests = json_object_get(view->json, "requests");

    for (size_t i = 0; i < json_array_size(requests); i++) {
        if (strcmp(text_of(json_array_get(requests, i), "state"), "waiting") == 0) {
            return true;
        }
    }
    return json_is_object(json_object_get(view->json, "pending")) ||
           strcmp(text_of(view->json, "stage"), "done") != 0;
}

/* ---- one node ---- */

static void
print_line(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%-14s", name);
    print_text(out, text);
    fputc('\n', out);
}

static json_t *
find_node(const struct cluster_view *view, const char *id)
{
    const json_t *nodes = json_object_get(view->json, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        if (strcmp(text_of(json_array_get(nodes, i), "id"), id) == 0) {
            return json_array_get(nodes, i);
        }
    }
    return NULL;
}

/* What the node says of itself (id NULL: whichever answers); NULL: nothing.  Owned by the caller.
 */
static json_t *
fetch_status(struct command_context *context, const char *id, struct error *err)
{
    const char *headers[] = {arena_printf(context->arena, "ais-node-id: %s", id != NULL ? id : ""),
                             NULL};
    struct s3_client_request request = {.method = "GET",
                                        .bucket = BYTES_LITERAL("v1"),
                                        .key = BYTES_LITERAL("reverse/daemon"),
                                        .query = "what=node_status",
                                        .headers = id != NULL ? headers : NULL};
    struct s3_client_response response;
    json_t *status;

    if (s3_client_send(context->client, &request, context->arena, &response, err) != ST_OK) {
        return NULL;
    }
    status = json_loadb(response.body.data, response.body.size, 0, NULL);
    if (status == NULL) {
        (void)fail(err, ST_INVALID, "The node says nothing of itself");
    }
    return status;
}

enum status
cluster_view_fetch_alone(struct command_context *context, struct cluster_view *ret_view,
                         struct error *err)
{
    json_t *status = fetch_status(context, NULL, err);
    const json_t *self = json_object_get(status, "snode");
    const char *id = text_of(self, "daemon_id");
    const char *url = text_of(json_object_get(self, "public_net"), "direct_url");

    if (status == NULL) {
        return err->code;
    }
    ret_view->json =
        json_pack("{s:s, s:[{s:s, s:s, s:s, s:b, s:b, s:b}]}", "node", id, "nodes", "id", id,
                  "public_url", url, "state", "active", "up", 1, "gateway", 1, "target", 1);
    json_decref(status);
    return ret_view->json != NULL ? ST_OK
                                  : fail(err, ST_INVALID, "The server's answer is no UTF-8");
}

void
cluster_view_fetch_load(struct command_context *context, struct cluster_view *view, const char *id)
{
    const char *wanted = id != NULL ? id : text_of(view->json, "node");
    json_t *node = find_node(view, wanted);
    json_t *status = node != NULL ? fetch_status(context, wanted, NULL) : NULL;

    if (json_is_object(json_object_get(status, "load"))) {
        CHECK(json_object_set(node, "load", json_object_get(status, "load")) == 0);
    }
    json_decref(status);
}

/* "memory low, cpu moderate, ..." */
static void
print_load(FILE *out, json_t *load)
{
    const char *dimension;
    json_t *grade;
    bool is_first = true;

    fprintf(out, "%-14s", "Load");
    json_object_foreach(load, dimension, grade)
    {
        fputs(is_first ? "" : ", ", out);
        print_text(out, dimension);
        fputc(' ', out);
        print_text(out, json_is_string(grade) ? json_string_value(grade) : "?");
        is_first = false;
    }
    fputc('\n', out);
}

enum status
cluster_view_print_node(const struct cluster_view *view, const char *id, bool is_json, FILE *out,
                        struct error *err)
{
    const json_t *node;

    id = id != NULL ? id : text_of(view->json, "node");
    node = find_node(view, id);
    if (node == NULL) {
        return fail(err, ST_NOT_FOUND, "The cluster has no node %.80s", id);
    }
    if (is_json) {
        print_dump(node, out);
        return ST_OK;
    }
    print_line(out, "Node", id);
    if (json_object_get(view->json, "leader") != NULL) {
        print_line(out, "Leads", strcmp(text_of(view->json, "leader"), id) == 0 ? "yes" : "no");
    }
    print_line(out, "Roles", roles_of(node));
    print_line(out, "State", state_of(node));
    print_line(out, "URL", text_of(node, "public_url"));
    if (json_object_get(node, "peer_address") != NULL) {
        print_line(out, "Peer address", text_of(node, "peer_address"));
    }
    if (json_object_get(node, "release") != NULL && json_is_true(json_object_get(node, "up"))) {
        print_line(out, "Release", text_of(node, "release"));
        fprintf(out, "%-14s%lld of %lld\n", "Map version", number_of(node, "applied_version"),
                number_of(view->json, "version"));
        fprintf(out, "%-14s%lld\n", "Starts", number_of(node, "incarnation"));
    }
    if (json_object_get(node, "load") != NULL) {
        print_load(out, json_object_get(node, "load"));
    }
    return ST_OK;
}
