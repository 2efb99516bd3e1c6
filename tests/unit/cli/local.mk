# SPDX-License-Identifier: Apache-2.0
CLI_TESTS = \
	tests/unit/cli/cli_options_test \
	tests/unit/cli/job_view_test \
	tests/unit/cli/progress_test \
	tests/unit/cli/s3_client_test
check_PROGRAMS += $(CLI_TESTS)
TESTS += $(CLI_TESTS)
tests_unit_cli_cli_options_test_LDADD = $(TEST_LIBS) libcli.a $(BASE_LIBS)
tests_unit_cli_progress_test_LDADD = $(TEST_LIBS) libcli.a $(BASE_LIBS)
tests_unit_cli_s3_client_test_LDADD = $(TEST_LIBS) libcli.a $(AUTH_LIBS) $(STREAM_LIBS) $(CURL_LIBS)
tests_unit_cli_job_view_test_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_cli_job_view_test_LDADD = $(TEST_LIBS) libcli.a $(AUTH_LIBS) $(STREAM_LIBS) $(CURL_LIBS)
