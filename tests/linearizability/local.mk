# SPDX-License-Identifier: Apache-2.0
# Judges what concurrent clients saw; the recorder is in tests/cluster/.
SEARCH_SOURCES = \
	tests/linearizability/asked_values.c tests/linearizability/asked_values.h \
	tests/linearizability/config_set.c tests/linearizability/config_set.h \
	tests/linearizability/open_steps.c tests/linearizability/open_steps.h \
	tests/linearizability/register_search.c tests/linearizability/register_search.h \
	tests/linearizability/search_state.h
JUDGE_SOURCES = $(SEARCH_SOURCES) \
	tests/linearizability/counterexample.c tests/linearizability/counterexample.h \
	tests/linearizability/history_judge.c tests/linearizability/history_judge.h \
	tests/linearizability/key_registers.c tests/linearizability/key_registers.h \
	tests/linearizability/op_history.c tests/linearizability/op_history.h
EXTRA_DIST += tests/linearizability/README.md
JUDGE_TESTS = \
	tests/linearizability/history_judge_test \
	tests/linearizability/random_history_test \
	tests/linearizability/register_search_test
check_PROGRAMS += tests/linearizability/judge $(JUDGE_TESTS)
TESTS += $(JUDGE_TESTS)
tests_linearizability_judge_SOURCES = tests/linearizability/judge_main.c $(JUDGE_SOURCES)
tests_linearizability_judge_LDADD = $(BASE_LIBS)
tests_linearizability_history_judge_test_SOURCES = \
	tests/linearizability/history_judge_test.c $(JUDGE_SOURCES)
tests_linearizability_history_judge_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_linearizability_register_search_test_SOURCES = \
	tests/linearizability/register_search_test.c $(SEARCH_SOURCES)
tests_linearizability_register_search_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
tests_linearizability_random_history_test_SOURCES = \
	tests/linearizability/random_history_test.c $(JUDGE_SOURCES)
tests_linearizability_random_history_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
