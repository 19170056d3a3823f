//! Records that are wrong and records that are right, for a customer's zone in the place of the snippet's.

const OWNER: &str = "shop.example.com. 3600 IN TXT \"sendlet-domain-verification=";
const SPF: &str = "shop.example.com. 3600 IN TXT \"v=spf1";
const KEY: &str = "<DKIM>._domainkey.";
const NEXT_KEY: &str = "<DKIM2>._domainkey.";
const ED25519_KEY: &str = "<DKIMEd25519>._domainkey.";
const DMARC: &str = "_dmarc.";
const MX: &str = "bounces.shop.example.com. 3600 IN MX";
const RETURN_PATH_SPF: &str = "bounces.shop.example.com. 3600 IN TXT";
/// No line begins so: what stands in its place comes in addition.
const NOTHING: &str = "\n";

/// A kind of record, the lines of the snippet that something else stands in the place of, and that. The name of a kind in
/// angle brackets stands for the selector of its key.
pub(super) type Case = (&'static str, &'static str, &'static str);

/// What is wrong, with the code of the error and what its message says was found.
pub(super) const FAULTS: &[(Case, &str, &str)] = &[
    (("Domain", "", ""), "DomainDoesNotExist", "no such name"),
    (
        ("Domain", "shop.example.com.", ""),
        "RecordNotFound",
        "found none",
    ),
    (
        ("Domain", OWNER, ""),
        "RecordNotFound",
        "found only other records, the first of them \"v=spf1",
    ),
    (
        (
            "Domain",
            OWNER,
            "shop TXT \"sendlet-domain-verification=1\"",
        ),
        "RecordMismatch",
        "found \"sendlet-domain-verification=1\"",
    ),
    (("SPF", "", ""), "DomainDoesNotExist", "no such name"),
    (("SPF", SPF, ""), "RecordNotFound", "only other records"),
    (
        ("SPF", NOTHING, "shop TXT \"v=spf1 -all\""),
        "MultipleRecords",
        "found several",
    ),
    (
        ("SPF", SPF, "shop TXT \"v=spf1 nonsense -all\""),
        "RecordMalformed",
        "offset 7",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 include:spf.mail.sendlet.example +all\"",
        ),
        "PassesAll",
        "found +all",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 include:open.example.com include:spf.mail.sendlet.example -all\"\n\
             open TXT \"v=spf1 all\"",
        ),
        "PassesAll",
        "no +all in what",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 include:many.example.com include:spf.mail.sendlet.example -all\"\n\
             many TXT \"v=spf1 a a:a.example.com a:b.example.com mx mx:a.example.com mx:b.example.com \
             exists:a.example.com exists:b.example.com ptr ?all\"",
        ),
        "TooManyLookups",
        "needs 11",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 include:nowhere.example.com include:spf.mail.sendlet.example -all\"",
        ),
        "RecordMalformed",
        "expected a record of nowhere.example.com, found none",
    ),
    (
        ("SPF", SPF, "shop TXT \"v=spf1 ip4:192.0.2.1 -all\""),
        "RecordMismatch",
        "found a record without it",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 -include:spf.mail.sendlet.example -all\"",
        ),
        "RecordMismatch",
        "found a record without it",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 -ip4:192.0.2.0/24 include:spf.mail.sendlet.example -all\"",
        ),
        "RecordMismatch",
        "let 192.0.2.1 pass, found that -ip4:192.0.2.0/24 matches",
    ),
    (
        (
            "SPF",
            SPF,
            "shop TXT \"v=spf1 a:1.example.com a:2.example.com a:3.example.com include:spf.mail.sendlet.example -all\"",
        ),
        "TooManyLookups",
        "found",
    ),
    (("DKIM", KEY, ""), "DomainDoesNotExist", "no such name"),
    (
        ("DKIM", KEY, "<DKIM>._domainkey.shop HINFO \"a\" \"b\""),
        "RecordNotFound",
        "found none",
    ),
    (
        ("DKIM", KEY, "<DKIM>._domainkey.shop TXT \"v=DKIM1; p=\""),
        "KeyRevoked",
        "found an empty p=",
    ),
    (
        ("DKIM", KEY, "<DKIM>._domainkey.shop TXT \"v=DKIM1; p=@@\""),
        "RecordMalformed",
        "found \"v=DKIM1; p=@@\" with a fault",
    ),
    (
        (
            "DKIM",
            KEY,
            "<DKIM>._domainkey.shop TXT \"v=DKIM1; p=AAAA\"",
        ),
        "RecordMalformed",
        "found \"v=DKIM1; p=AAAA\" with a fault",
    ),
    (
        (
            "DKIM",
            NOTHING,
            "<DKIM>._domainkey.shop TXT \"v=DKIM1; p=\"",
        ),
        "MultipleRecords",
        "found 2",
    ),
    (
        ("DKIM2", NEXT_KEY, ""),
        "DomainDoesNotExist",
        "no such name",
    ),
    (
        ("DKIMEd25519", ED25519_KEY, ""),
        "DomainDoesNotExist",
        "no such name",
    ),
    (("DMARC", DMARC, ""), "RecordNotFound", "found none"),
    (
        ("DMARC", DMARC, "_dmarc.shop TXT \"v=DMARC1; p=bogus\""),
        "RecordMalformed",
        "found something else",
    ),
    (
        ("DMARC", NOTHING, "_dmarc.shop TXT \"v=DMARC1; p=none\""),
        "MultipleRecords",
        "found several",
    ),
    (
        ("ReturnPath", MX, ""),
        "RecordNotFound",
        "expected the MX record 10 mx.mail.sendlet.example",
    ),
    (
        ("ReturnPath", "bounces.", ""),
        "DomainDoesNotExist",
        "no such name",
    ),
    (
        ("ReturnPath", MX, "bounces.shop MX 10 mx.other.example."),
        "RecordMismatch",
        "found mx.other.example",
    ),
    (
        (
            "ReturnPath",
            NOTHING,
            "bounces.shop MX 20 mx.other.example.",
        ),
        "RecordMismatch",
        "mx.other.example",
    ),
    (
        ("ReturnPath", MX, "bounces.shop MX 0 ."),
        "RecordMismatch",
        "found .",
    ),
    (
        ("ReturnPath", RETURN_PATH_SPF, ""),
        "RecordNotFound",
        "expected an SPF record",
    ),
];

/// What is right, though it is not the snippet's.
pub(super) const VARIANTS: &[Case] = &[
    (
        "Domain",
        NOTHING,
        "shop TXT \"sendlet-domain-verification=of-another-installation\"",
    ),
    (
        "SPF",
        SPF,
        "shop TXT \"v=spf1 include:spf.mail.sen\" \"dlet.example ~all\"",
    ),
    (
        "SPF",
        SPF,
        "shop TXT \"v=spf1 ip4:192.0.2.9 include:all.example.com -all\"\n\
         all TXT \"v=spf1 include:spf.mail.sendlet.example -all\"",
    ),
    (
        "SPF",
        SPF,
        "shop TXT \"v=spf1 redirect=all.example.com\"\n\
         all TXT \"v=spf1 include:spf.mail.sendlet.example -all\"",
    ),
    (
        "SPF",
        SPF,
        "shop TXT \"v=spf1 redirect=spf.mail.sendlet.example\"",
    ),
    ("DMARC", DMARC, "_dmarc TXT \"v=DMARC1; p=reject; sp=none\""),
    (
        "DMARC",
        DMARC,
        "_dmarc.shop CNAME policy\npolicy TXT \"v=DMARC1; p=none; rua=mailto:a@example.com\"",
    ),
];
