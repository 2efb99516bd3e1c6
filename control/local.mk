# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = \
	control/control.c control/control.h \
	control/control_driver.h \
	control/control_leader.c control/control_leader.h \
	control/control_local.c control/control_local.h \
	control/control_session.c control/control_session.h \
	control/control_snapshot.c control/control_snapshot.h \
	control/control_turn.c control/control_turn.h \
	control/control_view.c control/control_view.h

# What a program needs that links libcontrol.a.
CONTROL_LIBS = libcontrol.a $(META_LIBS)

include tests/unit/control/local.mk
