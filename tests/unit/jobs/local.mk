# SPDX-License-Identifier: Apache-2.0
JOBS_TESTS = \
	tests/unit/jobs/job_test
check_PROGRAMS += $(JOBS_TESTS)
TESTS += $(JOBS_TESTS)
tests_unit_jobs_job_test_LDADD = libobjectfixture.a $(TEST_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
