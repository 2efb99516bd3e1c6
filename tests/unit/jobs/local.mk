# SPDX-License-Identifier: Apache-2.0
JOBS_TESTS = \
	tests/unit/jobs/job_record_test \
	tests/unit/jobs/job_resume_test \
	tests/unit/jobs/job_test \
	tests/unit/jobs/promote_job_test \
	tests/unit/jobs/rebalance_report_test
check_PROGRAMS += $(JOBS_TESTS)
TESTS += $(JOBS_TESTS)
tests_unit_jobs_job_record_test_LDADD = $(TEST_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
tests_unit_jobs_job_resume_test_LDADD = libobjectfixture.a $(TEST_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
tests_unit_jobs_job_test_LDADD = libobjectfixture.a $(TEST_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
tests_unit_jobs_rebalance_report_test_LDADD = $(TEST_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
tests_unit_jobs_promote_job_test_LDADD = libobjectfixture.a $(TEST_LIBS) $(JOBS_LIBS) $(OBJECT_LIBS)
