//! `cargo run --release [ROUNDS]` in this folder: the figures of `examples/throughput`, and beside them those of `lol_html`
//! setting the `href` of all links of the same mails, and of `html5gum` alone.
//!
//! The ways do not do the same. `lol_html` writes a copy in the pass that finds the links, so its figure is to be compared
//! with parsing *and* rendering for a message with one recipient, and with rendering for each further one. It puts
//! in no pixel, decodes nothing, and writes the tags that it changes anew.

#[path = "../../examples/throughput/figures.rs"]
mod figures;

use std::convert::Infallible;
use std::error::Error;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use lol_html::{RewriteStrSettings, element, rewrite_str};

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args()
        .nth(1)
        .map_or(Ok(15), |number| number.parse())?;
    let others: [figures::Way<'_>; 2] =
        [("lol_html", &with_lol_html), ("html5gum", &with_html5gum)];
    for (name, mails) in figures::corpora() {
        for (way, speed) in figures::compare(rounds, &mails, &others) {
            println!("{name}: {way} {speed:.0} MB/s");
        }
    }
    Ok(())
}

fn with_lol_html(html: &str) -> usize {
    let mut number = 0;
    let handler = element!("a[href], area[href]", |link| {
        number += 1;
        Ok(link.set_attribute("href", &figures::counted(number))?)
    });
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(handler)
        .with_strict(false);
    rewrite_str(html, settings).map_or(0, |copy| copy.len())
}

fn with_html5gum(html: &str) -> usize {
    let mut tags = 0;
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<usize>| {
        tags += usize::from(matches!(event, CallbackEvent::OpenStartTag { .. }));
        None::<Infallible>
    });
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
    tags
}
