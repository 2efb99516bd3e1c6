# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/unit/bench/histogram_test
TESTS += tests/unit/bench/histogram_test
tests_unit_bench_histogram_test_SOURCES = \
	tests/unit/bench/histogram_test.c bench/histogram.c bench/histogram.h
tests_unit_bench_histogram_test_LDADD = $(TEST_LIBS) $(BASE_LIBS)
