"""An S3 server (moto, from PyPI) with one bucket, `evidence`, for the tests.

usage: s3_server.py PORT_FILE
Listens on a free port of 127.0.0.1, writes it into PORT_FILE, and ends with its standard input.
"""
import os
import sys
import urllib.request

from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
_, port = server.get_host_and_port()
bucket = urllib.request.Request(f"http://127.0.0.1:{port}/evidence", method="PUT")
urllib.request.urlopen(bucket).close()
with open(sys.argv[1] + ".part", "w", encoding="utf-8") as file:
    file.write(str(port))
os.rename(sys.argv[1] + ".part", sys.argv[1])
sys.stdin.read()
