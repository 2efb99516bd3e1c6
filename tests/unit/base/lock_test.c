/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include "tests/unit/test.h"

#include "base/banned.h"

static pthread_mutex_t mutex;

static int
leave_by_return(void)
{
    WITH_LOCK (&mutex) {
        return 1;
    }
    return 0;
}

/* An error-checking mutex refuses a second unlock and an unlock of a free one. */
TEST(every_way_out_releases_once)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attributes);

    EXPECT_INT(1, leave_by_return());
    WITH_LOCK (&mutex) {
        break;
    }
    WITH_LOCK (&mutex) {
        EXPECT(pthread_mutex_trylock(&mutex) != 0);
    }
    EXPECT_INT(0, pthread_mutex_trylock(&mutex));
    EXPECT_INT(0, pthread_mutex_unlock(&mutex));
}
