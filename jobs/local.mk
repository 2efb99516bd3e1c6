# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libjobs.a
libjobs_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libjobs_a_SOURCES = \
	jobs/cleanup_job.c jobs/cleanup_job.h \
	jobs/fsck_job.c jobs/fsck_job.h \
	jobs/job.c jobs/job.h \
	jobs/job_history.c jobs/job_history.h \
	jobs/job_internal.h \
	jobs/job_keeper.c \
	jobs/job_kinds.c jobs/job_kinds.h \
	jobs/job_place.c jobs/job_place.h \
	jobs/job_pause.c jobs/job_pause.h \
	jobs/job_record.c jobs/job_record.h \
	jobs/job_run.c \
	jobs/job_cluster.c jobs/job_cluster.h \
	jobs/job_json.c jobs/job_json.h \
	jobs/name_template.c jobs/name_template.h \
	jobs/promote_cluster.c jobs/promote_cluster.h \
	jobs/promote_job.c jobs/promote_job.h \
	jobs/promote_message.c jobs/promote_message.h \
	jobs/rebalance_job.c jobs/rebalance_job.h \
	jobs/rebalance_report.c jobs/rebalance_report.h \
	jobs/rechunk_job.c jobs/rechunk_job.h \
	jobs/resilver_job.c jobs/resilver_job.h \
	jobs/selection_job.c jobs/selection_job.h \
	jobs/upload_cleanup_job.c jobs/upload_cleanup_job.h \
	jobs/walk_job.c jobs/walk_job.h \
	jobs/walk_message.c jobs/walk_message.h \
	jobs/walk_share.c jobs/walk_share.h \
	jobs/walk_source.c jobs/walk_source.h \
	jobs/walk_split.c jobs/walk_split.h \
	jobs/walk_start.c \
	jobs/walk_total.c jobs/walk_total.h

# What a program needs that links libjobs.a, before OBJECT_LIBS.
JOBS_LIBS = libjobs.a

include tests/unit/jobs/local.mk
