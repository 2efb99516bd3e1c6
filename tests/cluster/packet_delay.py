#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: packet_delay.py QUEUE DELAY_MS JITTER_MS

Holds each packet of an nftables queue for a while and lets it go, in order.  Speaks NFQUEUE's netlink
protocol itself (linux/netfilter/nfnetlink_queue.h).  Prints "ready" when bound, and at SIGTERM how many packets
it has held.
"""

import collections
import random
import select
import signal
import socket
import struct
import sys
import time

NETLINK_NETFILTER = 12
SUBSYSTEM_QUEUE = 3
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = 0, 1, 2
CFG_CMD, CFG_PARAMS, CFG_QUEUE_MAXLEN = 1, 2, 3
CMD_BIND = 1
COPY_META = 1
ATTR_PACKET_HDR, ATTR_VERDICT_HDR = 1, 2
NF_ACCEPT = 1
FLAG_REQUEST, FLAG_ACK = 1, 4
NLMSG_ERROR = 2
PACKETS_MAX = 16384  # held at once; beyond it the kernel drops, as a full wire does
BUFFER_BYTES = 4 << 20


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def message(kind, queue, flags, attributes):
    body = struct.pack("=BB", socket.AF_UNSPEC, 0) + struct.pack(">H", queue) + attributes
    return struct.pack("=IHHII", 16 + len(body), SUBSYSTEM_QUEUE << 8 | kind, flags, 0, 0) + body


def messages(data):
    """(type, body) of each netlink message."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:length]
        data = data[(length + 3) & ~3:]


def packet_id(body):
    """From the attributes behind struct nfgenmsg."""
    at = 4
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if kind & 0x7FFF == ATTR_PACKET_HDR:
            return struct.unpack_from(">I", body, at + 4)[0]
        at += (length + 3) & ~3
    return None


class Queue:
    def __init__(self, number):
        self.number = number
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self.socket.bind((0, 0))
        self.configure(attribute(CFG_CMD, struct.pack(">BBH", CMD_BIND, 0, socket.AF_INET)))
        self.configure(attribute(CFG_PARAMS, struct.pack(">IB", 0, COPY_META)))
        self.configure(attribute(CFG_QUEUE_MAXLEN, struct.pack(">I", PACKETS_MAX)))

    def configure(self, attributes):
        self.socket.send(message(MSG_CONFIG, self.number, FLAG_REQUEST | FLAG_ACK, attributes))
        for kind, body in messages(self.socket.recv(65536)):
            if kind == NLMSG_ERROR and struct.unpack_from("=i", body)[0] != 0:
                raise OSError(-struct.unpack_from("=i", body)[0], "the queue was refused")

    def accept(self, packet):
        verdict = attribute(ATTR_VERDICT_HDR, struct.pack(">II", NF_ACCEPT, packet))
        self.socket.send(message(MSG_VERDICT, self.number, FLAG_REQUEST, verdict))

    def receive(self):
        for kind, body in messages(self.socket.recv(1 << 20)):
            if kind == SUBSYSTEM_QUEUE << 8 | MSG_PACKET:
                packet = packet_id(body)
                if packet is not None:
                    yield packet


def main():
    queue = Queue(int(sys.argv[1]))
    delay_s, jitter_s = float(sys.argv[2]) / 1000, float(sys.argv[3]) / 1000
    waiting = collections.deque()  # (when, packet), in order
    count = 0
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    print("ready", flush=True)
    while not ending or waiting:
        now = time.monotonic()
        while waiting and (waiting[0][0] <= now or ending):
            queue.accept(waiting.popleft()[1])
        timeout = waiting[0][0] - now if waiting else 0.2
        if select.select([queue.socket], [], [], max(0.0, timeout))[0]:
            for packet in queue.receive():
                when = time.monotonic() + delay_s + random.random() * jitter_s
                waiting.append((max(when, waiting[-1][0] if waiting else 0), packet))
                count += 1
    print(count, flush=True)


main()
