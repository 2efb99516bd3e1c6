/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What open_cut_test runs above the power-cut library: opens the records in "db" and puts one more,
 * which it tells to descriptor 3: open_cut_child KEY.  It ends as by a kill; below the library, by
 * losing its power.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "meta/meta_db.h"

#include "base/banned.h"

#define ACK_FD 3

int
main(int count, char **arguments)
{
    struct meta_db_options options = {.directory = "db",
                                      .write_buffer_bytes = (size_t)16 << 20,
                                      .wal_max_bytes = (size_t)64 << 20,
                                      .create_if_missing = true};
    void (*cut)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "powercut_now");
    struct meta_batch *batch = meta_batch_create();
    struct meta_db *db = NULL;
    struct error err = ERROR_INIT;
    char key = count == 2 ? arguments[1][0] : '\0';

    meta_batch_put(batch, FAMILY_OBJECT, bytes_of(&key, 1), BYTES_LITERAL("value"));
    if (meta_db_open(&options, &db, &err) != ST_OK ||
        meta_db_write(db, batch, true, &err) != ST_OK) {
        fprintf(stderr, "open_cut_child: %s\n", err.text);
        return 98;
    }
    if (write(ACK_FD, &key, 1) != 1) {
        return 97;
    }
    if (cut != NULL) {
        cut();
    }
    _exit(0);
}
