# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libiam.a
libiam_a_SOURCES = \
	iam/iam_access_key.c \
	iam/iam_call.c iam/iam_call.h \
	iam/iam_handler.c iam/iam_handler.h \
	iam/iam_user.c

# What a program needs that links libiam.a, before AUTH_LIBS.
IAM_LIBS = libiam.a

include tests/unit/iam/local.mk
