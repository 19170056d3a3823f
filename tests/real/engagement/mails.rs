//! HTML mails as their authors wrote them, and a recipient's copy of each.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use rewrite::{Hole, Policy, Template};

/// The mail that is clicked in.
pub(crate) const CLICKED: &str = "clicked";

/// Links that are written as nobody should, and lead somewhere all the same.
const CLICKED_HTML: &str = "<!DOCTYPE html><meta charset=utf-8><ul>
<li><a data-click href='http://shop.example/plain'>1</a>
<li><a data-click href=HTTP://Shop.Example:80/unquoted?a=1&amp;b=2&copy=3>2</a>
<li><a data-click href=' http://shop.example/with spaces/and?a b#c d '>3</a>
<li><a data-click href='http:\\\\shop.example\\back\\..\\slashes'>4</a>
<li><a data-click href='http://bücher.example/größe?größe=ß#größe'>5</a>
<li><a data-click href='http://shop.example:8080/%2F%zz/&quot;&lt;&gt;%7C|?%27&#39;'>6</a>
<li><a data-click href='http://shop.example/bro
\tken/line'>7</a>
<li><a data-click href='elsewhere?not=counted'>8</a>
</ul><map name=m><area shape=default href='http://shop.example/area?{x}'></map>
<img data-click usemap=#m alt=map width=100 height=50 src='http://shop.example/map.png'>
<p>{{unsubscribe_url}}</p>";

/// Where clicks in it lead, as an address bar shows it, and the number of the link if it is counted.
pub(crate) const LANDINGS: [(&str, Option<usize>); 9] = [
    ("http://shop.example/plain", Some(0)),
    ("http://shop.example/unquoted?a=1&b=2&copy=3", Some(1)),
    ("http://shop.example/with%20spaces/and?a%20b#c%20d", Some(2)),
    ("http://shop.example/slashes", Some(3)),
    (
        "http://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?gr%C3%B6%C3%9Fe=%C3%9F#gr%C3%B6%C3%9Fe",
        Some(4),
    ),
    (
        "http://shop.example:8080/%2F%zz/%22%3C%3E%7C%7C?%27%27",
        Some(5),
    ),
    ("http://shop.example/broken/line", Some(6)),
    ("http://mails.example/read/elsewhere?not=counted", None),
    ("http://shop.example/area?{x}", Some(7)),
];

/// Rules for the author's own images, which would blow up a pixel that does not defend itself.
const GREEDY: &str = "<!DOCTYPE html><style>body{margin:0;background:#eef}
img{display:inline!important;width:100%!important;height:auto!important;margin:20px auto!important;
padding:9px!important;border:5px solid red!important;position:relative!important}
@media(max-width:480px){img{display:block!important;height:200px!important;float:left!important}}</style>
<p>Before</p><p>after <a href=https://shop.example/>the image</a></p></body>";

/// Mails of which a pixel could move the end: without a margin below it, with one that collapses through it, in a layout
/// that gives every element its place, and within what is not closed.
const ENDS: [(&str, &str); 9] = [
    (
        "centered",
        "<body style='margin:0;text-align:center'>a <b>b</b> ",
    ),
    (
        "columns",
        "<!DOCTYPE html><body style='margin:0;columns:2'><p>a<p>b<p>c<p style='margin:0'>d</body>",
    ),
    (
        "flex",
        "<!DOCTYPE html><body style='margin:0;display:flex;flex-direction:column;gap:30px'>\
        <div style='background:red'>a</div><div style='background:blue'>b</div></body>",
    ),
    (
        "grid",
        "<!DOCTYPE html><body style='margin:0;display:grid;gap:9px;grid-template-columns:1fr 1fr'>\
        <div style='background:red'>a</div><div style='background:blue'>b</div></body>",
    ),
    (
        "margins",
        "<!DOCTYPE html><body style='margin:0'><div style='height:300px;background:red'></div>\
        <p style='margin:40px 0'>a<p style='margin:25px 0'>b</body>",
    ),
    ("open_link", "<ul><li>a<li><a href=https://shop.example/>b"),
    (
        "open_pre",
        "<body style='margin:0'><pre style='margin:0'>a\n  b\n",
    ),
    ("open_table", "<p>a<table border=1><tr><td>b<tr>"),
    (
        "right_to_left",
        "<!DOCTYPE html><html dir=rtl><body style='margin:0'>\
        <div style='width:100%;background:red'>\u{5e9}\u{5dc}\u{5d5}\u{5dd}</div>\u{5e9}\u{5dc}\u{5d5}\u{5dd} ",
    ),
];

/// Links of the large mail, a few more than are counted.
const LARGE_LINKS: usize = 1100;
const LARGE_OCTETS: usize = 2_000_000;

/// A mail before and after.
pub(crate) struct Mail {
    pub(crate) name: String,
    pub(crate) original: String,
    pub(crate) copy: String,
    /// Where each link that is counted leads, by its number.
    pub(crate) targets: Vec<String>,
}

impl Mail {
    fn new(name: &str, original: String) -> Self {
        let template = Template::parse(&original, &Policy::default()).unwrap();
        let copy = template.render(&mut |hole| match hole {
            Hole::Link(link) => Some(format!("http://links.example/c/{name}/{}", link.number)),
            Hole::Pixel => Some("http://links.example/o/x".to_owned()),
            Hole::UnsubscribeUrl => None,
        });
        let links = template.links();
        let targets = links.iter().map(|link| link.target.clone()).collect();
        Self {
            name: name.to_owned(),
            original,
            copy,
            targets,
        }
    }
}

/// Those that `rewrite` is tested with, and those that only a browser can judge.
pub(crate) fn all() -> Vec<Mail> {
    let written = [(CLICKED, CLICKED_HTML), ("greedy", GREEDY)];
    let written = written.into_iter().chain(ENDS);
    let written = written.map(|(name, html)| Mail::new(name, html.to_owned()));
    let read = files().into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        Mail::new(name, fs::read_to_string(&path).unwrap())
    });
    let large = Mail::new("large", large());
    assert!(large.copy.len() > LARGE_OCTETS);
    written.chain(read).chain([large]).collect()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/rewrite/tests/mails");
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "html")
    });
    files.sort();
    files
}

/// A list of offers that says more than is seen.
fn large() -> String {
    let mut html =
        "<!DOCTYPE html><html><body style='font:12px sans-serif'><table width='100%'>\n".to_owned();
    for n in 0..LARGE_LINKS {
        let (color, start) = (0xff_ff_ff - n * 97, html.len());
        write!(html, "<tr style='background:#{color:06x}'><td title='").unwrap();
        while html.len() < start + LARGE_OCTETS / LARGE_LINKS {
            write!(html, "size {n} &amp; {:x} ", html.len() * 2_654_435_761).unwrap();
        }
        let link = format!("https://shop.example/offers/{n}?utm_source=mail&amp;n={n}");
        write!(
            html,
            "'>Größe {n} 鞋<td><a href=\"{link}\">buy</a></tr>\r\n"
        )
        .unwrap();
    }
    html.push_str("</table></body></html>\n");
    html
}
