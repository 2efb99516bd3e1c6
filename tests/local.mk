# SPDX-License-Identifier: Apache-2.0
check_LIBRARIES += libtest.a
libtest_a_SOURCES = tests/unit/test.c tests/unit/test.h \
	tests/unit/golden.c tests/unit/golden.h \
	tests/unit/kill_rounds.c tests/unit/kill_rounds.h
TEST_LIBS = libtest.a

include tests/etcd/local.mk
include tests/tools/local.mk
include tests/scenario/local.mk
include tests/fuzz/local.mk
include tests/model/local.mk
include tests/cluster_model/local.mk
include tests/power_cut/local.mk
include tests/linearizability/local.mk
include tests/cluster/local.mk
include tests/sdk/local.mk
include tests/cli/local.mk
include tests/pytorch/local.mk
include tests/reference/local.mk
