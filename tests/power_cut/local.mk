# SPDX-License-Identifier: Apache-2.0
# A library that is loaded below an unmodified program (LD_PRELOAD) and takes its power away.
# Built as a program because that is how automake links a shared object without libtool; it must
# not be instrumented, and it links nothing of ours.
check_PROGRAMS += tests/power_cut/libpowercut.so
tests_power_cut_libpowercut_so_CFLAGS = -std=gnu17 -Wall -Wextra -Wshadow -fPIC -fvisibility=hidden \
	-pthread
tests_power_cut_libpowercut_so_CPPFLAGS = -I$(top_srcdir) -D_GNU_SOURCE
tests_power_cut_libpowercut_so_LDFLAGS = -shared -pthread
tests_power_cut_libpowercut_so_LDADD = -ldl
tests_power_cut_libpowercut_so_SOURCES = \
	base/check.c base/check.h base/memory.c base/memory.h \
	tests/power_cut/cut_calls.h \
	tests/power_cut/cut_calls_bytes.c \
	tests/power_cut/cut_calls_names.c \
	tests/power_cut/cut_calls_sync.c \
	tests/power_cut/cut_census.c tests/power_cut/cut_census.h \
	tests/power_cut/cut_config.c tests/power_cut/cut_config.h \
	tests/power_cut/cut_file_image.c tests/power_cut/cut_file_image.h \
	tests/power_cut/cut_gate.c tests/power_cut/cut_gate.h \
	tests/power_cut/cut_image.c tests/power_cut/cut_image.h \
	tests/power_cut/cut_names.c tests/power_cut/cut_names.h \
	tests/power_cut/cut_nodes.c tests/power_cut/cut_nodes.h \
	tests/power_cut/cut_random.h \
	tests/power_cut/cut_rules.c tests/power_cut/cut_rules.h

check_PROGRAMS += tests/power_cut/powercut_child
tests_power_cut_powercut_child_CFLAGS = -std=gnu17 -Wall -Wextra -pthread
tests_power_cut_powercut_child_LDFLAGS = -pthread
tests_power_cut_powercut_child_LDADD = $(ROCKSDB_LIBS) -ldl

POWER_CUT_TESTS = tests/power_cut/powercut_selftest tests/power_cut/powercut_rocksdb_test
check_PROGRAMS += $(POWER_CUT_TESTS)
TESTS += $(POWER_CUT_TESTS)
POWER_CUT_HARNESS = \
	tests/power_cut/powercut_harness.c tests/power_cut/powercut_harness.h \
	tests/power_cut/test_tree.c tests/power_cut/test_tree.h
tests_power_cut_powercut_selftest_SOURCES = \
	tests/power_cut/powercut_selftest.c $(POWER_CUT_HARNESS)
tests_power_cut_powercut_selftest_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_power_cut_powercut_rocksdb_test_SOURCES = \
	tests/power_cut/powercut_rocksdb_test.c $(POWER_CUT_HARNESS)
tests_power_cut_powercut_rocksdb_test_LDADD = $(TEST_LIBS) $(BASE_LIBS) $(ROCKSDB_LIBS)
