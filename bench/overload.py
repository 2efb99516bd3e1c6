#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goodput under more load than a node can take: PUT of 64 KiB and GET of 4 KiB, open loop, at one to
five times what a closed loop reaches.  On a quiet machine.
usage: bench/overload.py BUILD [SECONDS]; one JSON line for each step, then the ratio of each."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

PATIENCE_S = 5
CONNECTIONS = 4000
FACTORS = (1, 2, 5)


def start(build, directory):
    log = open(os.path.join(directory, "log"), "w+", encoding="utf-8")
    process = subprocess.Popen([os.path.join(build, "loded"), "--listen", "127.0.0.1:0", "--data",
                                os.path.join(directory, "data"), "--allow-anonymous-native"],
                               stdout=log, stderr=subprocess.STDOUT)
    while True:
        with open(log.name, encoding="utf-8") as text:
            for line in text:
                if line.startswith("Lode serves S3 on "):
                    return (process, line.split()[4].rsplit(":", 1)[1],
                            line.split()[-1].rsplit(":", 1)[1])
        time.sleep(0.05)


def step(build, port, method, size, connections, rate, seconds, path="/v1/objects/bucket/k%llu"):
    done = subprocess.run([os.path.join(build, "bench", "overload_client"), port, method, path,
                           str(size), str(connections), str(rate), str(seconds), str(PATIENCE_S)],
                          capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def measure(build, port, name, method, size, seconds, path="/v1/objects/bucket/k%llu"):
    closed = step(build, port, method, size, 64, 0, seconds, path)["good"]
    print(json.dumps({"load": name, "closed_loop": closed}), flush=True)
    results = {}
    for factor in FACTORS:
        results[factor] = step(build, port, method, size, CONNECTIONS, round(closed * factor),
                               seconds, path)
        print(json.dumps({"load": name, "factor": factor, **results[factor]}), flush=True)
        time.sleep(3)  # until all grades are left
    peak = max(closed, *(result["good"] for result in results.values()))
    print(json.dumps({"load": name, "peak": peak,
                      "goodput_at_5": round(results[5]["good"] / peak, 3)}), flush=True)


def main():
    build = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as directory:
        process, port, admin = start(build, directory)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/buckets/bucket",
                                         b'{"action": "create-bck"}', method="POST")
        urllib.request.urlopen(request).close()
        measure(build, port, "PUT 64 KiB", "PUT", 65536, seconds)
        small = "/v1/objects/bucket/small%llu"
        step(build, port, "PUT", 4096, 64, 0, 5, small)
        measure(build, port, "GET 4 KiB", "GET", 0, seconds, small)
        refused = urllib.request.urlopen(
            f"http://127.0.0.1:{admin}/metrics").read().decode().splitlines()
        print(json.dumps({line.split()[0]: float(line.split()[1]) for line in refused
                          if line.startswith("lode_load_") and "reading" not in line}))
        process.terminate()
        process.wait()


main()
