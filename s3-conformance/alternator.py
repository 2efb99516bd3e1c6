# SPDX-License-Identifier: Apache-2.0
"""One address for several gateways: each new connection goes to the next of them.

So no client of the suite knows that there are two, and what it writes through one it reads through
the other.  Bytes pass unchanged, TLS included; an end or a reset on one side becomes one on the other.
"""

import itertools
import socket
import struct
import threading

BUFFER_BYTES = 256 << 10
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class Alternator:
    """Listens on loopback until end()."""

    def __init__(self, targets, port):
        self.targets = itertools.cycle(targets)  # (address, port)
        self.counts = dict.fromkeys(targets, 0)
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            target = next(self.targets)
            self.counts[target] += 1
            threading.Thread(target=self._serve, args=(client, target), daemon=True).start()

    def _serve(self, client, target):
        try:
            server = socket.create_connection(target, timeout=10)
        except OSError:
            self._reset(client)
            client.close()
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
        back.start()
        self._copy(client, server)
        back.join()
        client.close()
        server.close()

    def _copy(self, source, sink):
        try:
            while data := source.recv(BUFFER_BYTES):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self._reset(source)
            self._reset(sink)

    @staticmethod
    def _reset(side):
        """What is not yet sent is dropped, and both directions end."""
        try:
            side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
