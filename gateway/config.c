/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#include "base/banned.h"

struct config_row {
    const char *name;
    enum config_kind kind;
    size_t offset;
    const char *value;
    const char *argument;
    const char *help;
};

static const struct config_row ROWS[] = {
#define CONFIG_ROW(kind, name, value, argument, help)                                              \
    {#name, CONFIG_##kind, offsetof(struct config, name), value, argument, help},
    CONFIG_TABLE(CONFIG_ROW)
#undef CONFIG_ROW
};

static const char *const ORIGIN_NAMES[] = {"default", "file", "environment", "option"};

static void *
field_of(struct config *config, const struct config_row *row)
{
    return (char *)config + row->offset;
}

static const void *
const_field_of(const struct config *config, const struct config_row *row)
{
    return (const char *)config + row->offset;
}

static enum status
parse_size(struct bytes text, uint64_t *ret_value)
{
    static const char SUFFIXES[] = "KMGT";
    unsigned shift = 0;
    uint64_t value;

    if (text.size > 1) {
        char last = text.data[text.size - 1];
        const char *suffix = last != '\0' ? strchr(SUFFIXES, last & ~0x20) : NULL;

        if (suffix != NULL) {
            shift = 10 * (unsigned)(suffix - SUFFIXES + 1);
            text.size--;
        }
    }
    if (bytes_parse_u64(text, UINT64_MAX >> shift, &value) != ST_OK) {
        return ST_INVALID;
    }
    *ret_value = value << shift;
    return ST_OK;
}

static enum status
set_bool(bool *field, struct bytes text)
{
    if (bytes_equal_string(text, "true") || bytes_equal_string(text, "on") ||
        bytes_equal_string(text, "1")) {
        *field = true;
    } else if (bytes_equal_string(text, "false") || bytes_equal_string(text, "off") ||
               bytes_equal_string(text, "0")) {
        *field = false;
    } else {
        return ST_INVALID;
    }
    return ST_OK;
}

static void
clear_list(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    list->count = 0;
}

static enum status
append_list(struct config_list *list, struct bytes text)
{
    if (list->count == CONFIG_LIST_MAX || text.size == 0) {
        return ST_INVALID;
    }
    list->items[list->count++] = bytes_to_string(text);
    return ST_OK;
}

/* A source of higher rank replaces what a lower one said; within one source lists grow. */
static enum status
set_value(struct config *config, size_t key, struct bytes text, enum config_origin origin,
          struct error *err)
{
    static const char *const EXPECTED[] = {"a text", "a list", "a size such as 512M", "a number",
                                           "true or false"};
    const struct config_row *row = &ROWS[key];
    void *field = field_of(config, row);
    enum status st = ST_OK;

    switch (row->kind) {
    case CONFIG_STRING:
        free(*(char **)field);
        *(char **)field = bytes_to_string(text);
        break;
    case CONFIG_LIST:
        if (config->origins[key] != origin) {
            clear_list(field);
        }
        st = append_list(field, text);
        break;
    case CONFIG_SIZE:
        st = parse_size(text, field);
        break;
    case CONFIG_COUNT:
        st = bytes_parse_u64(text, UINT32_MAX, field);
        break;
    case CONFIG_BOOL:
        st = set_bool(field, text);
        break;
    }
    if (st != ST_OK) {
        return fail(err, ST_INVALID, "Setting %s (%s): '%.*s' is not %s", row->name,
                    ORIGIN_NAMES[origin], BYTES_ARGS(text), EXPECTED[row->kind]);
    }
    config->origins[key] = origin;
    return ST_OK;
}

static size_t
find_key(struct bytes name, bool is_option)
{
    for (size_t key = 0; key < CONFIG_KEY_COUNT; key++) {
        const char *own = ROWS[key].name;
        size_t i = 0;

        while (i < name.size && own[i] != '\0' &&
               (own[i] == name.data[i] || (is_option && own[i] == '_' && name.data[i] == '-'))) {
            i++;
        }
        if (i == name.size && own[i] == '\0') {
            return key;
        }
    }
    return CONFIG_KEY_COUNT;
}

static enum status
load_options(struct config *config, int argc, char **argv, int *ret_rest, struct error *err)
{
    int i = 1;

    while (i < argc && strncmp(argv[i], "--", 2) == 0) {
        struct bytes rest = bytes_of_string(argv[i] + 2);
        bool has_value = bytes_find_char(rest, 0, '=') != SIZE_MAX;
        struct bytes name = bytes_cut(&rest, '=');
        size_t key;
        enum status st;

        i++;
        if (name.size == 0) {
            break;
        }
        key = find_key(name, true);
        if (key == CONFIG_KEY_COUNT) {
            return fail(err, ST_INVALID, "Unknown option --%.*s; see --help", BYTES_ARGS(name));
        }
        if (!has_value) {
            if (ROWS[key].kind == CONFIG_BOOL) {
                rest = BYTES_LITERAL("true");
            } else if (i == argc) {
                return fail(err, ST_INVALID, "Option --%.*s needs a value", BYTES_ARGS(name));
            } else {
                rest = bytes_of_string(argv[i++]);
            }
        }
        st = set_value(config, key, rest, CONFIG_OPTION, err);
        if (st != ST_OK) {
            return st;
        }
    }
    *ret_rest = i;
    return ST_OK;
}

static enum status
load_environment(struct config *config, struct error *err)
{
    for (size_t key = 0; key < CONFIG_KEY_COUNT; key++) {
        char name[64];
        const char *text;
        struct bytes rest;

        snprintf(name, sizeof(name), "LODE_%s", ROWS[key].name);
        for (char *c = name; *c != '\0'; c++) {
            *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
        }
        text = getenv(name);
        if (text == NULL) {
            continue;
        }
        rest = bytes_of_string(text);
        do {
            struct bytes item = ROWS[key].kind == CONFIG_LIST ? bytes_cut(&rest, ',') : rest;
            enum status st = set_value(config, key, item, CONFIG_ENVIRONMENT, err);

            if (st != ST_OK) {
                return st;
            }
        } while (ROWS[key].kind == CONFIG_LIST && rest.size > 0);
    }
    return ST_OK;
}

static enum status
set_json_value(struct config *config, size_t key, const json_t *value, struct error *err)
{
    char number[32];

    if (json_is_string(value)) {
        return set_value(config, key, bytes_of(json_string_value(value), json_string_length(value)),
                         CONFIG_FILE, err);
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return set_value(config, key, bytes_of_string(number), CONFIG_FILE, err);
    } else if (json_is_boolean(value)) {
        return set_value(config, key, bytes_of_string(json_is_true(value) ? "true" : "false"),
                         CONFIG_FILE, err);
    } else if (json_is_array(value) && ROWS[key].kind == CONFIG_LIST) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            enum status st = set_json_value(config, key, json_array_get(value, i), err);

            if (st != ST_OK) {
                return st;
            }
        }
        return ST_OK;
    }
    return fail(err, ST_INVALID, "Setting %s (file): the value has the wrong type", ROWS[key].name);
}

static enum status
load_file(struct config *config, struct error *err)
{
    json_error_t where;
    json_t *root = json_load_file(config->config, JSON_REJECT_DUPLICATES, &where);
    enum status st = ST_OK;
    const char *name;
    json_t *value;

    if (root == NULL) {
        return fail(err, ST_INVALID, "Configuration file %s, line %d: %s", config->config,
                    where.line, where.text);
    }
    if (!json_is_object(root)) {
        st = fail(err, ST_INVALID, "Configuration file %s: not a JSON object", config->config);
        goto out;
    }
    json_object_foreach(root, name, value)
    {
        size_t key = find_key(bytes_of_string(name), false);

        if (key == CONFIG_KEY_COUNT || key == CONFIG_KEY_config) {
            st = fail(err, ST_INVALID, "Configuration file %s: unknown key \"%s\"", config->config,
                      name);
            goto out;
        }
        st = set_json_value(config, key, value, err);
        if (st != ST_OK) {
            goto out;
        }
    }
out:
    json_decref(root);
    return st;
}

static void
set_defaults(struct config *config)
{
    for (size_t key = 0; key < CONFIG_KEY_COUNT; key++) {
        if (ROWS[key].value != NULL) {
            CHECK(set_value(config, key, bytes_of_string(ROWS[key].value), CONFIG_DEFAULT, NULL) ==
                  ST_OK);
        }
    }
}

enum status
config_load(struct config *config, int argc, char **argv, int *ret_rest, struct error *err)
{
    struct config finder = {0};
    enum status st;

    /* The lower sources are read first, but which file to read the higher ones say. */
    memset(config, 0, sizeof(*config));
    set_defaults(config);
    st = load_environment(&finder, err);
    if (st == ST_OK) {
        st = load_options(&finder, argc, argv, ret_rest, err);
    }
    if (st == ST_OK && finder.config != NULL) {
        config->config = xstrdup(finder.config);
        st = load_file(config, err);
    }
    if (st == ST_OK) {
        st = load_environment(config, err);
    }
    if (st == ST_OK) {
        st = load_options(config, argc, argv, ret_rest, err);
    }
    config_release(&finder);
    if (st != ST_OK) {
        config_release(config);
    }
    return st;
}

void
config_release(struct config *config)
{
    for (size_t key = 0; key < CONFIG_KEY_COUNT; key++) {
        void *field = field_of(config, &ROWS[key]);

        if (ROWS[key].kind == CONFIG_STRING) {
            free(*(char **)field);
            *(char **)field = NULL;
        } else if (ROWS[key].kind == CONFIG_LIST) {
            clear_list(field);
        }
    }
}

static void
print_value(const struct config_row *row, const void *field, FILE *out)
{
    if (row->kind == CONFIG_STRING) {
        const char *text = *(char *const *)field;

        fprintf(out, "%s", text != NULL ? text : "");
    } else if (row->kind == CONFIG_LIST) {
        const struct config_list *list = field;

        for (size_t i = 0; i < list->count; i++) {
            fprintf(out, "%s%s", i > 0 ? "," : "", list->items[i]);
        }
    } else if (row->kind == CONFIG_BOOL) {
        fprintf(out, "%s", *(const bool *)field ? "true" : "false");
    } else {
        fprintf(out, "%" PRIu64, *(const uint64_t *)field);
    }
}

void
config_print(const struct config *config, FILE *out)
{
    for (size_t key = 0; key < CONFIG_KEY_COUNT; key++) {
        fprintf(out, "%-24s ", ROWS[key].name);
        print_value(&ROWS[key], const_field_of(config, &ROWS[key]), out);
        fprintf(out, "  (%s)\n", ORIGIN_NAMES[config->origins[key]]);
    }
    fprintf(out, "%-24s %s\n", "root_access_key",
            getenv("LODE_ROOT_ACCESS_KEY") != NULL ? "***  (environment)" : "  (kept in data)");
    fprintf(out, "%-24s %s\n", "root_secret_key",
            getenv("LODE_ROOT_SECRET_KEY") != NULL ? "***  (environment)" : "  (kept in data)");
}

void
config_print_help(FILE *out)
{
    fprintf(out,
            "loded: an S3 server that answers 200 when the bytes are on disk\n\n"
            "Usage: loded --data DIR [--listen ADDR:PORT] [--mountpath DIR]... [OPTION]...\n\n");
    for (size_t key = 0; key < CONFIG_KEY_COUNT; key++) {
        char option[64];

        snprintf(option, sizeof(option), "--%s %s", ROWS[key].name, ROWS[key].argument);
        for (char *c = option; *c != ' ' && *c != '\0'; c++) {
            *c = (char)(*c == '_' ? '-' : *c);
        }
        fprintf(out, "  %-28s %s", option, ROWS[key].help);
        if (ROWS[key].value != NULL && ROWS[key].kind != CONFIG_BOOL) {
            fprintf(out, " [%s]", ROWS[key].value);
        }
        fprintf(out, "\n");
    }
    fprintf(out,
            "\nEvery option is also a variable (--free-floor: LODE_FREE_FLOOR) and a key of the"
            "\nconfiguration file (\"free_floor\").  Root's keys come from LODE_ROOT_ACCESS_KEY and"
            "\nLODE_ROOT_SECRET_KEY, or are generated at first start and kept in DATA.\n");
}

enum status
config_parse_address(const char *text, char **ret_address, uint16_t *ret_port, struct error *err)
{
    struct bytes rest = bytes_of_string(text);
    const char *colon = strrchr(text, ':');
    struct bytes address;
    uint64_t port;

    if (strcmp(text, "none") == 0) {
        *ret_address = NULL;
        *ret_port = 0;
        return ST_OK;
    }
    if (colon == NULL || bytes_parse_u64(bytes_of_string(colon + 1), UINT16_MAX, &port) != ST_OK) {
        return fail(err, ST_INVALID, "'%s' is not an address of the form 127.0.0.1:8080", text);
    }
    address = bytes_slice(rest, 0, (size_t)(colon - text));
    if (address.size >= 2 && address.data[0] == '[' && address.data[address.size - 1] == ']') {
        address = bytes_slice(address, 1, address.size - 1);
    }
    if (address.size == 0) {
        return fail(err, ST_INVALID, "'%s' names no address; 0.0.0.0 means every one", text);
    }
    *ret_address = bytes_to_string(address);
    *ret_port = (uint16_t)port;
    return ST_OK;
}
