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

POWER_CUT_TESTS = tests/power_cut/open_cut_test tests/power_cut/powercut_selftest \
	tests/power_cut/powercut_rocksdb_test
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
check_PROGRAMS += tests/power_cut/open_cut_child
tests_power_cut_open_cut_child_LDADD = $(META_LIBS) $(BASE_LIBS)
tests_power_cut_open_cut_child_LDFLAGS = $(AM_LDFLAGS) -rdynamic
tests_power_cut_open_cut_test_SOURCES = \
	tests/power_cut/open_cut_test.c $(POWER_CUT_HARNESS)
tests_power_cut_open_cut_test_LDADD = $(TEST_LIBS) $(META_LIBS) $(BASE_LIBS)

# The object store in a process of its own that loses its life or its power.
CRASH_LIBS = $(OBJECT_LIBS)
CRASH_MODEL = \
	tests/power_cut/crash_exit.h \
	tests/power_cut/crash_model.c tests/power_cut/crash_model.h
check_PROGRAMS += tests/power_cut/crash_driver tests/power_cut/crash_test
tests_power_cut_crash_driver_SOURCES = \
	tests/power_cut/crash_content.c tests/power_cut/crash_content.h \
	tests/power_cut/crash_driver.c \
	tests/power_cut/crash_load.c tests/power_cut/crash_load.h \
	tests/power_cut/crash_mountpaths.c tests/power_cut/crash_mountpaths.h \
	tests/power_cut/crash_store.c tests/power_cut/crash_store.h \
	tests/power_cut/crash_upload.c tests/power_cut/crash_upload.h \
	tests/power_cut/crash_verify.c tests/power_cut/crash_verify.h \
	$(CRASH_MODEL)
tests_power_cut_crash_driver_LDADD = $(CRASH_LIBS)
tests_power_cut_crash_driver_LDFLAGS = $(AM_LDFLAGS) -rdynamic
tests_power_cut_crash_test_SOURCES = \
	tests/power_cut/crash_mutants.c tests/power_cut/crash_mutants.h \
	tests/power_cut/crash_round.c tests/power_cut/crash_round.h \
	tests/power_cut/crash_test.c \
	tests/power_cut/test_tree.c tests/power_cut/test_tree.h \
	$(CRASH_MODEL)
tests_power_cut_crash_test_LDADD = $(BASE_LIBS)
POWER_CUT_LONG_TESTS = tests/power_cut/crash_test tests/power_cut/server_kill_test.sh
TESTS += $(POWER_CUT_LONG_TESTS)
LONG_TESTS += $(POWER_CUT_LONG_TESTS) tests/power_cut/open_cut_test
dist_check_SCRIPTS = tests/power_cut/server_kill_test.sh
EXTRA_DIST += tests/power_cut/kill_client.py tests/power_cut/server_kill_test.py
