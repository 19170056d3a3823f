//! What is measured, and how.
#![expect(
    clippy::disallowed_methods,
    reason = "a program that measures reads the clock"
)]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rewrite::{Hole, Policy, Template};

/// The least that each round reads.
const ROUND_OCTETS: usize = 16 << 20;
/// In the binary, since a component has no folders.
const MAILS: [&str; 12] = [
    include_str!("../../tests/mails/apple_mail.html"),
    include_str!("../../tests/mails/campaign_tables.html"),
    include_str!("../../tests/mails/foundation_grid.html"),
    include_str!("../../tests/mails/gmail_forward.html"),
    include_str!("../../tests/mails/mjml_carousel.html"),
    include_str!("../../tests/mails/mjml_newsletter.html"),
    include_str!("../../tests/mails/mjml_receipt.html"),
    include_str!("../../tests/mails/mjml_welcome.html"),
    include_str!("../../tests/mails/one_line.html"),
    include_str!("../../tests/mails/outlook_buttons.html"),
    include_str!("../../tests/mails/receipt.html"),
    include_str!("../../tests/mails/word_export.html"),
];
const ROW: &str = "<tr><td style=\"padding:0 4px;font-size:14px\" bgcolor='#ffffff'>Some words of text &amp; <b>more</b><br></td>\r\n";
const LINKED: &str = "<td><a href=\"https://a.example/?p=1&amp;q=2\">a</a></td></tr>\r\n";

/// Mails by what they are.
pub(crate) fn corpora() -> [(&'static str, Vec<String>); 2] {
    let short = MAILS.map(str::to_owned).to_vec();
    let long = format!("{}{LINKED}", ROW.repeat(20)).repeat(900);
    let long = format!("<html><body><table>{long}</table></body></html>");
    [("mails", short), ("two megabytes", vec![long])]
}

/// Something that is done with a mail, and its name.
pub(crate) type Way<'w> = (&'static str, &'w dyn Fn(&str) -> usize);

/// Measures parsing and rendering, and the other ways beside them.
pub(crate) fn compare(
    rounds: usize,
    mails: &[String],
    others: &[Way<'_>],
) -> Vec<(&'static str, f64)> {
    let parsed = mails
        .iter()
        .flat_map(|html| Template::parse(html, &Policy::default()));
    let templates: Vec<_> = parsed.collect();
    let next = RefCell::new((0..templates.len()).cycle());
    let render = |_: &str| {
        let template = next.borrow_mut().next().and_then(|n| templates.get(n));
        template.map_or(0, |t| t.render(&mut |hole| Some(url(hole))).len())
    };
    let ours: [Way<'_>; 2] = [("parse", &parse), ("render", &render)];
    speeds(rounds, mails, &[&ours, others].concat())
}

fn parse(html: &str) -> usize {
    Template::parse(html, &Policy::default()).map_or(0, |template| template.links().len())
}

fn url(hole: Hole<'_>) -> String {
    match hole {
        Hole::Link(link) => counted(link.number),
        Hole::Pixel | Hole::UnsubscribeUrl => counted(0),
    }
}

/// As long as a URL with a token is.
pub(crate) fn counted(number: usize) -> String {
    format!("https://track.example/c/{:0>64}/{number}", "")
}

/// Megabytes a second that each way gets through, the median of rounds that take turns.
fn speeds(rounds: usize, mails: &[String], ways: &[Way<'_>]) -> Vec<(&'static str, f64)> {
    let mut times = vec![Vec::new(); ways.len()];
    let octets: usize = mails.iter().map(String::len).sum();
    let repeats = ROUND_OCTETS.div_ceil(octets);
    for _ in 0..rounds {
        for ((_, work), times) in ways.iter().zip(&mut times) {
            times.push(time(repeats, mails, work));
        }
    }
    let megabytes = u32::try_from(octets * repeats / 1_000_000).map_or(0.0, f64::from);
    let speed = |times: &mut Vec<Duration>| megabytes / median(times);
    let names = ways.iter().map(|(name, _)| *name);
    names.zip(times.iter_mut().map(speed)).collect()
}

fn time(repeats: usize, mails: &[String], work: &dyn Fn(&str) -> usize) -> Duration {
    let began = Instant::now();
    for html in std::iter::repeat_n(mails, repeats).flatten() {
        black_box(work(black_box(html)));
    }
    began.elapsed()
}

/// In seconds.
fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times
        .get(times.len() / 2)
        .map_or(0.0, Duration::as_secs_f64)
}
