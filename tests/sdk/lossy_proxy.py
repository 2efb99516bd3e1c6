# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of one node that loses answers on demand: the request arrives and is carried out,
and its client's connection is reset when the answer comes."""

import socket
import struct
import threading

PIECE = 1 << 16
TIMEOUT_S = 30


class LossyProxy:
    """Loses as many answers as lose() says; lost are their status lines.  Connections are closed after one
    answer."""

    def __init__(self, address, port):
        self.target = (address, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lock = threading.Lock()
        self.left = 0
        self.instead = b""
        self.after = 0
        self.lost = []
        self.heads = []  # of the requests, as they came
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def close(self):
        self.listener.close()

    def lose(self, count, instead=b"", after=0):
        """The next `count` answers: after so many bytes of them, or with another one instead."""
        with self.lock:
            self.left, self.instead, self.after = count, instead, after
            self.lost, self.heads = [], []

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(self.target, TIMEOUT_S) as server:
            client.settimeout(TIMEOUT_S)
            try:
                self._relay(client, server)
            except OSError:
                pass

    def _relay(self, client, server):
        request = self._read_head(client)
        head, _, body = request.partition(b"\r\n\r\n")
        with self.lock:
            self.heads.append(head.decode("latin-1"))
        server.sendall(self._closing(head) + b"\r\n\r\n" + body)
        left = self._length(head) - len(body)
        while left > 0 and (piece := client.recv(PIECE)):
            server.sendall(piece)
            left -= len(piece)
        answer = b""
        while piece := server.recv(PIECE):
            answer += piece
        with self.lock:
            is_lost = self.left > 0 and len(answer) > self.after
            if is_lost:
                self.left -= 1
                self.lost.append(answer.partition(b"\r\n")[0].decode("latin-1"))
        if not is_lost:
            client.sendall(answer)
        elif self.instead:
            client.sendall(self.instead)
        elif self.after:
            client.sendall(answer[: self.after])
        else:  # a reset, not an orderly end
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @staticmethod
    def _read_head(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(PIECE)
            if not piece:
                raise OSError("no request")
            data += piece
        return data

    @staticmethod
    def _length(head):
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return int(line.split(b":")[1])
        return 0

    @staticmethod
    def _closing(head):
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        return b"\r\n".join(lines + [b"Connection: close"])
