"""Verifies messages with dkimpy.

Reads {"name", "record", "files": [...]}, the one DKIM key there is and the messages, and writes a list of true and false.
"""

import json
import sys

import dkim


def main():
    job = json.load(sys.stdin)

    def look_up(name, timeout=5):
        known = name.decode().rstrip(".") == job["name"]
        return job["record"].encode() if known else None

    def verify(path):
        with open(path, "rb") as file:
            return dkim.verify(file.read(), dnsfunc=look_up)

    json.dump([verify(path) for path in job["files"]], sys.stdout)


main()
