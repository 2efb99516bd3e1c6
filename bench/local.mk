# SPDX-License-Identifier: Apache-2.0
noinst_PROGRAMS += bench/overload_client bench/sink_client bench/raw_put bench/raw_move
bench_overload_client_SOURCES = bench/overload_client.c bench/histogram.c bench/histogram.h
bench_overload_client_LDADD = $(BASE_LIBS)
bench_sink_client_SOURCES = bench/sink_client.c bench/histogram.c bench/histogram.h
bench_raw_put_SOURCES = bench/raw_put.c
bench_raw_put_LDADD = $(BASE_LIBS) $(ROCKSDB_LIBS)
bench_raw_move_SOURCES = bench/raw_move.c
bench_raw_move_LDADD = $(BASE_LIBS)
bench_sink_client_LDADD = $(AUTH_LIBS) $(STREAM_LIBS)

include tests/unit/bench/local.mk
