//! Html5ever builds the tree; what it shows are the anchors there are, and whether the pixel is an image.

use std::collections::BTreeSet;

use html5ever::tendril::TendrilSink;
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, ParseOpts, ns, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;
use rewrite::{Hole, Policy, Template};

use crate::{mails, soup};

const PIXEL: &str = "https://pixel.example/";

/// What a tree has that matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) targets: BTreeSet<String>,
    pub(crate) pixels: usize,
}

impl Shown {
    pub(crate) fn by(html: &str) -> Self {
        let opts = ParseOpts {
            tree_builder: TreeBuilderOpts {
                scripting_enabled: false,
                ..TreeBuilderOpts::default()
            },
            ..ParseOpts::default()
        };
        let dom = parse_document(RcDom::default(), opts).one(html);
        let mut shown = Self::default();
        // Not recursive: soup may be deep.
        let mut nodes = vec![dom.document.clone()];
        while let Some(node) = nodes.pop() {
            shown.add(&node);
            nodes.extend(node.children.borrow().iter().cloned());
        }
        shown
    }

    fn add(&mut self, node: &Handle) {
        let NodeData::Element { name, attrs, .. } = &node.data else {
            return;
        };
        let attrs = attrs.borrow();
        let svg = name.ns == ns!(svg);
        match &*name.local {
            "a" | "area" if name.ns == ns!(html) || svg && &*name.local == "a" => {
                self.targets
                    .extend(attribute(&attrs, "href").and_then(followed));
            }
            "img" if attribute(&attrs, "src") == Some(PIXEL) => self.pixels += 1,
            _ => {}
        }
    }
}

fn attribute<'a>(attrs: &'a [Attribute], name: &str) -> Option<&'a str> {
    let found = attrs
        .iter()
        .find(|a| a.name.ns == ns!() && &*a.name.local == name);
    found.map(|a| &*a.value)
}

fn followed(href: &str) -> Option<String> {
    let url: String = href
        .trim_matches(|c| c <= ' ')
        .replace(['\t', '\n', '\r'], "");
    let start = url.to_ascii_lowercase().replace('\\', "/");
    let is_http = start.starts_with("http://") || start.starts_with("https://");
    (is_http && !url.contains("{{unsubscribe_url}}")).then_some(url)
}

#[track_caller]
pub(crate) fn check(html: &str) {
    let policy = Policy {
        max_links: usize::MAX,
        ..Policy::default()
    };
    let template = Template::parse(html, &policy).unwrap();
    let targets = template.links().iter().map(|link| link.target.clone());
    let ours = Shown {
        targets: targets.collect(),
        pixels: 1,
    };
    let copy = template.render(&mut |hole| (hole == Hole::Pixel).then(|| PIXEL.to_owned()));
    assert_eq!(ours, Shown::by(&copy), "{html}");
}

#[test]
fn mails_have_the_links_that_a_browser_shows() {
    for mail in mails::all() {
        if !mail.html.contains("data-sendlet-track") {
            check(&mail.html);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn soup_has_the_links_that_a_browser_shows(html in soup::parsed_alike()) {
        check(&html);
    }
}
