# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = \
	control/control.c control/control.h \
	control/control_driver.h \
	control/control_local.c control/control_local.h \
	control/control_snapshot.c control/control_snapshot.h

# What a program needs that links libcontrol.a.
CONTROL_LIBS = libcontrol.a $(META_LIBS)

include tests/unit/control/local.mk
