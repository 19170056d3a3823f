"""Checks SPF with pyspf, asking a DNS of the test's own.

Reads {"resolver", "address", "mail_from", "helo"}, with the address of a resolver on port 53, and writes the result as a
string of RFC 7208, section 2.6.
"""

import json
import sys

import dns.resolver
import spf


def main():
    job = json.load(sys.stdin)
    # pyspf asks whomever dnspython asks by default.
    dns.resolver.default_resolver = dns.resolver.Resolver(configure=False)
    dns.resolver.default_resolver.nameservers = [job["resolver"]]
    result, explanation = spf.check2(i=job["address"], s=job["mail_from"], h=job["helo"])
    print(explanation, file=sys.stderr)
    json.dump(result, sys.stdout)


main()
