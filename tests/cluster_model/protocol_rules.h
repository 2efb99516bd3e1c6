/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clauses of docs/cluster-protocol.md that can be taken away, each by its own switch: the
 * explorer must then find what goes wrong.
 */
#ifndef TESTS_CLUSTER_MODEL_PROTOCOL_RULES_H
#define TESTS_CLUSTER_MODEL_PROTOCOL_RULES_H

#include <stdint.h>

#define PROTOCOL_RULE_LIST(RULE)                                                                   \
    RULE(OWNER_ADMITS, "1", "only the owner admits, also when it cannot be reached")               \
    RULE(READ_CONTROL_AT_START, "2", "a target that starts reads the control store first")         \
    RULE(START_READS_PENDING, "2", "... and stops for what a pending version takes from it")       \
    RULE(REMOVED_MARKS_ABSENT, "2", "marks that name a removed target count as absent")            \
    RULE(LOSERS_ACKNOWLEDGE, "3.3", "activation waits for each loser")                             \
    RULE(STOP_ADMITTING, "3.2a", "a loser that acknowledged stops admitting")                      \
    RULE(STOP_ON_DISK, "3.2a", "the stop survives a restart")                                      \
    RULE(STOP_REFUSES_PAGES, "3.2a", "a loser that acknowledged refuses pages")                    \
    RULE(ACKNOWLEDGE_BEHIND_SYNC, "3.2b", "the acknowledgment waits for batches being synced")     \
    RULE(ACKNOWLEDGE_REVISION, "3.5", "acknowledgments name the pending revision")                 \
    RULE(ACTIVATE_BY_CAS, "3.3", "activation is a compare-and-swap on the pending value")          \
    RULE(READ_WITHDRAWAL, "3.4", "a loser admits again only after reading the withdrawal")         \
    RULE(CHECK_AT_TAKE, "4", "ownership is checked when the committer takes the operation")        \
    RULE(CHECK_UNBROKEN, "4", "... since the operation's admission without a break")               \
    RULE(CHECK_AFTER_READ, "4", "a read checks again after it has read")                           \
    RULE(CHECK_AFTER_SYNC, "4", "ownership is checked again after the sync")                       \
    RULE(NO_REPEAT_AFTER_TAKE, "4", "what a committer took is not repeated elsewhere")             \
    RULE(ASK_CARRIES_MAP, "4", "an ask carries G, and both ends must be at it")                    \
    RULE(SEQ_HAS_MAP, "5", "the placement's version is part of seq")                               \
    RULE(SEQ_ABOVE_SEEN, "5", "seq is greater than every one seen of the key")                     \
    RULE(COUNTER_ON_DISK, "5", "the counter never goes back")                                      \
    RULE(DELETE_LEAVES_TOMBSTONE, "5", "a delete in an unfinished placement leaves a tombstone")   \
    RULE(CONFIRMED_UNBROKEN, "6.1", "confirmed counts only while owned without a break")           \
    RULE(ASK_BEFORE_ANSWER, "6.2", "what was not confirmed is asked for")                          \
    RULE(ASK_ALL_FORMERS, "6.2", "all formers since the last finished placement are asked")        \
    RULE(ASK_UNREACHABLE_FAILS, "6.2", "a former that cannot be reached fails the operation")      \
    RULE(ASK_COUNTS_TOMBSTONES, "6.2", "tombstones count among the answers")                       \
    RULE(ASK_COUNTS_MARKS, "6.2", "a moved mark above all answers means: ask again")               \
    RULE(RELAY_PINNED, "6.2R",                                                                     \
         "a former sends the record that was chosen, by its seq, or nothing")                      \
    RULE(RELAY_CHECKED, "6.2R", "ownership is checked after the former has begun to answer")       \
    RULE(RELAY_HELD, "6.2R", "a former holds what it sends until the last byte is sent")           \
    RULE(CONFIRM_CHECKED, "6.3", "confirm_record checks ownership as take_put does")               \
    RULE(CONFIRM_VALIDATED, "6.3", "confirm_record is validated against what is there by then")    \
    RULE(MOVE_TOMBSTONES, "6.4", "tombstones move like records")                                   \
    RULE(MOVE_IN_GREATER, "6.4", "a move-in replaces only what is smaller")                        \
    RULE(MOVE_REFUSED_FREES, "6.4", "a move-in refused by something greater frees the source")     \
    RULE(MOVE_IN_BESIDE_EQUAL_MARK, "6.4", "an equal moved mark does not refuse a move-in")        \
    RULE(MOVE_IN_UNCONFIRMED, "6.4", "a move-in confirms nothing")                                 \
    RULE(MOVE_IN_FENCED, "6.4", "a move-in's map is checked when the committer takes it")          \
    RULE(MOVED_MARK, "6.4", "the source leaves a moved mark")                                      \
    RULE(MARK_MOVED_MAP, "6.4", "the source marks only under the map under which it sent")         \
    RULE(MARK_MOVED_SEQ, "6.4", "... and only what it sent")                                       \
    RULE(OLD_MARKS_ABSENT, "-", "marks of a finished placement count as absent")                   \
    RULE(OLD_TOMBSTONES_ABSENT, "-", "tombstones of a finished placement count as absent")         \
    RULE(BARRIER_ALL, "6.5", "the end waits for all members")                                      \
    RULE(BARRIER_HOMES, "6.5", "no barrier is passed while a home is absent")                      \
    RULE(DONE_NAMES_PLACEMENT, "6.5", "a report of an older placement is worth nothing")           \
    RULE(DROP_AFTER_FINISH, "6.6", "moved marks are dropped after the end, not before")            \
    RULE(DROP_MARKS_FIRST, "6.6", "tombstones are dropped behind a barrier after the marks")       \
    RULE(DROP_SPARES_NEWER, "6.6", "what a newer placement wrote is spared")                       \
    RULE(PAGE_ONE_MAP, "6L", "a target at another G refuses the page")                             \
    RULE(PAGE_ASKS_FORMERS, "6L", "formers of an unfinished placement are in the page")            \
    RULE(PAGE_COUNTS_MARKS, "6L", "a moved mark above all answers repeats the page")               \
    RULE(PAGE_COUNTS_TOMBSTONES, "6L", "tombstones hide older records in the page")                \
    RULE(PAGE_NEEDS_HOMES, "6L", "an absent home fails the page")                                  \
    RULE(UPLOAD_NOTE, "7", "the owner answers a repeated Complete from its note")                  \
    RULE(UPLOAD_NOTE_ASKED, "7", "a confirmed record does not spare asking for the note")          \
    RULE(UPLOAD_NOTE_TRAVELS, "7", "notes are asked for and moved with the key")                   \
    RULE(COPY_PINNED, "8", "a copy is pinned to one seq")                                          \
    RULE(NO_OWN_COPY, "10", "a target that does not own the key does not answer from its copy")    \
    RULE(REPEAT_BY_CAS, "6H", "a placement is repeated on the map on which that was decided")      \
    RULE(CLEANUP_WHEN_DONE, "11", "a cleanup judges under a placement that is done")               \
    RULE(CLEANUP_OWNER_HAS, "11", "... and removes only what the owner has as new or newer")       \
    RULE(CLEANUP_SAME_MAP, "11", "... if the target still works by the map under which it judged")

enum protocol_rule {
#define PROTOCOL_RULE_NAME(name, section, text) RULE_##name,
    PROTOCOL_RULE_LIST(PROTOCOL_RULE_NAME)
#undef PROTOCOL_RULE_NAME
        PROTOCOL_RULE_COUNT
};

#define PROTOCOL_RULE_BIT(rule) (UINT64_C(1) << (rule))
_Static_assert(PROTOCOL_RULE_COUNT <= 64, "the rules that are off are bits of one word");

const char *protocol_rule_name(enum protocol_rule rule);
const char *protocol_rule_section(enum protocol_rule rule);
const char *protocol_rule_text(enum protocol_rule rule);

#endif
