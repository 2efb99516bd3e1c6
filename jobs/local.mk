# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libjobs.a
libjobs_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libjobs_a_SOURCES = \
	jobs/fsck_job.c jobs/fsck_job.h \
	jobs/job.c jobs/job.h \
	jobs/job_history.c jobs/job_history.h \
	jobs/name_template.c jobs/name_template.h \
	jobs/resilver_job.c jobs/resilver_job.h \
	jobs/selection_job.c jobs/selection_job.h \
	jobs/upload_cleanup_job.c jobs/upload_cleanup_job.h

# What a program needs that links libjobs.a, before OBJECT_LIBS.
JOBS_LIBS = libjobs.a

include tests/unit/jobs/local.mk
