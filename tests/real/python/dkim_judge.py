"""Verifies every signature of a message with dkimpy, with keys from a DNS of the test's own.

Reads {"resolver", "file"}: the address of a resolver on port 53, and the message. Writes a list of {"domain", "selector",
"algorithm", "result"}, one for each signature from the top down, with the result "pass" or "fail".
"""

import json
import sys

import dkim
import dns.exception
import dns.resolver


def main():
    job = json.load(sys.stdin)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [job["resolver"]]

    def look_up(name, timeout=5):
        try:
            answer = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        except dns.exception.DNSException:
            return None
        return b"".join(answer[0].strings)

    def tags_of(field):
        return dkim.parse_tag_value(field[1])

    with open(job["file"], "rb") as file:
        message = file.read()
    fields = [field for field in dkim.DKIM(message).headers if field[0].lower() == b"dkim-signature"]

    def verify(number):
        try:
            return dkim.DKIM(message).verify(idx=number, dnsfunc=look_up)
        except dkim.DKIMException as error:
            print(f"signature {number}: {error}", file=sys.stderr)
            return False

    def verdict(number, field):
        tags = tags_of(field)
        return {
            "domain": tags[b"d"].decode(),
            "selector": tags[b"s"].decode(),
            "algorithm": tags[b"a"].decode(),
            "result": "pass" if verify(number) else "fail",
        }

    json.dump([verdict(number, field) for number, field in enumerate(fields)], sys.stdout)


main()
