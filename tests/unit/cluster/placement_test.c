/* SPDX-License-Identifier: Apache-2.0 */
/* Placement against AIStore's numbers: a client that knows the map computes the same. */
#include "cluster/placement.h"
#include "tests/unit/test.h"

#include "base/banned.h"

/* One number of xoshiro256**, seeded by splitmix64.  SPEC: AIStore cmn/xoshiro256. */
TEST(weight_is_the_first_number_of_xoshiro256)
{
    EXPECT(placement_weight(0, 0) == UINT64_C(1905207664160064169));
    EXPECT(placement_weight(4573842, 0) == UINT64_C(5026071747115404967));
    EXPECT(placement_weight(0, 4573842) == UINT64_C(5026071747115404967));
}

/* XXH64 with AIStore's seed over the unescaped unique name.  SPEC: AIStore cmn.Bck.MakeUname */
TEST(digest_is_of_the_unique_name)
{
    EXPECT(placement_digest(BYTES_LITERAL("ais/@#/bck1/"), BYTES_LITERAL("obj1")) ==
           UINT64_C(7269182249535474579));
    EXPECT(placement_digest(BYTES_LITERAL("aws/@#/b/"), BYTES_LITERAL("x/y.tar")) ==
           UINT64_C(17809620331576077749));
    EXPECT(placement_digest(BYTES_LITERAL("ais/@uuid#ns/b/"), BYTES_LITERAL("o")) ==
           UINT64_C(8497929317063116344));
    EXPECT(placement_digest(BYTES_LITERAL("ais/@uuid#ns/b/o"), BYTES_NONE) ==
           UINT64_C(8497929317063116344));
}

/* The published id_digest of a node.  SPEC: AIStore core/meta Snode.Digest */
TEST(node_digest_is_of_the_id)
{
    EXPECT(placement_node_digest(BYTES_LITERAL("t1aaaaaa")) == UINT64_C(7121389483902232619));
    EXPECT(placement_node_digest(BYTES_LITERAL("t2bbbbbb")) == UINT64_C(14038709307019125995));
    EXPECT(placement_node_digest(BYTES_LITERAL("t3cccccc")) == UINT64_C(10952930699838777106));
}
