/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between a node's peer listener and the others: a port that stays the same while the
 * node starts anew, and that, as long as it is told to, delays what passes, and cuts connections
 * before a request has passed or after it (so that its answer is lost).
 */
#ifndef TESTS_UNIT_PEER_FAULTY_LINK_H
#define TESTS_UNIT_PEER_FAULTY_LINK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct faulty_link;

/* Faults of one piece that passes, in thousandths. */
struct faulty_link_faults {
    unsigned int cut;
    unsigned int delay;
    unsigned int delay_ms_max;
};

struct faulty_link *faulty_link_create(uint64_t seed);
void faulty_link_destroy(struct faulty_link **take_link);
uint16_t faulty_link_port(const struct faulty_link *link);
/* Where the node listens; 0: nowhere, connections are refused. */
void faulty_link_set_node(struct faulty_link *link, uint16_t port);
/* Each connection ends when the node has sent so much (bytes); 0: none does. */
void faulty_link_cut_after(struct faulty_link *link, size_t size);
/* When the node has sent so much from now on (bytes, over all connections), the rest is held back,
 * and connections stay open; 0: it passes again. */
void faulty_link_stall_after(struct faulty_link *link, size_t size);
/* What it has sent since then. */
size_t faulty_link_sent(const struct faulty_link *link);
/* So many connections are held back now. */
unsigned int faulty_link_stalled_count(const struct faulty_link *link);
void faulty_link_set_faults(struct faulty_link *link, const struct faulty_link_faults *faults);
/* How often something was cut or delayed. */
uint64_t faulty_link_fault_count(const struct faulty_link *link);

#endif
