//! Sections 3.1 and 3.2, with the examples of appendix B.1.

use dmarc::Alignment::{Relaxed, Strict};
use dmarc::{Alignment, is_aligned, is_public_suffix, organizational_domain};

use crate::domain;

#[track_caller]
fn check(from: &str, authenticated: &str, mode: Alignment, expected: bool) {
    let found = is_aligned(&domain(from), &domain(authenticated), mode);
    assert_eq!(found, expected);
}

#[track_caller]
fn check_organizational(text: &str, expected: &str) {
    assert_eq!(organizational_domain(&domain(text)), domain(expected));
}

#[test]
fn the_examples_of_appendix_b_1_align_as_it_says() {
    // Examples 1, 2 and 3 of SPF.
    check("example.com", "example.com", Strict, true);
    check("example.com", "child.example.com", Relaxed, true);
    check("example.com", "child.example.com", Strict, false);
    check("child.example.com", "example.net", Relaxed, false);
    // Examples 2 and 3 of DKIM.
    check("child.example.com", "example.com", Relaxed, true);
    check("child.example.com", "example.com", Strict, false);
    check("example.com", "sample.net", Relaxed, false);
}

#[test]
fn siblings_align_and_neighbours_below_a_public_suffix_do_not() {
    check("a.example.com", "b.example.com", Relaxed, true);
    check("a.example.co.uk", "b.example.co.uk", Relaxed, true);
    check("one.co.uk", "two.co.uk", Relaxed, false);
    check("co.uk", "one.co.uk", Relaxed, false);
    check("badexample.com", "example.com", Relaxed, false);
}

#[test]
fn the_organizational_domain_is_one_label_below_a_public_suffix() {
    check_organizational("example.com", "example.com");
    check_organizational("a.b.c.d.example.com", "example.com");
    check_organizational("mail.example.co.uk", "example.co.uk");
    // Rules with wildcards and exceptions.
    check_organizational("a.b.c.ck", "b.c.ck");
    check_organizational("a.www.ck", "www.ck");
    // In A-labels.
    check_organizational("a.b.公司.cn", "b.xn--55qx5d.cn");
    // A top-level domain that nobody knows.
    check_organizational("a.b.example", "b.example");
    // Entered by a company.
    check_organizational("a.b.github.io", "b.github.io");
    check_organizational("co.uk", "co.uk");
}

#[test]
fn public_suffixes_are_told() {
    assert!(is_public_suffix(&domain("co.uk")));
    assert!(is_public_suffix(&domain("github.io")));
    assert!(!is_public_suffix(&domain("example.co.uk")));
    assert!(!is_public_suffix(&domain("example.com")));
}
