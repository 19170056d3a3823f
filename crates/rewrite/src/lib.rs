//! The places in an HTML mail body that differ for each recipient: links that are counted, the pixel that tells of an open,
//! and where the author asks for the unsubscribe link. [`Template::parse`] finds them once a message, [`Template::render`]
//! splices a recipient's copy. Every octet that is not replaced stays as the author wrote it.
//!
//! What is markup is decided as browsers do ([WHATWG HTML], 13.2.5), by the tokenizer of `html5gum`, and what follows a
//! start tag that changes the tokenizer's state (13.2.6) by a count of what is open in `<svg>` and `<math>`. Scripts count as
//! disabled, since no mail client runs them, so `<noscript>` is markup.
//!
//! | | |
//! |---|---|
//! | links | `href` of `<a>` in HTML and SVG and of `<area>` in HTML, if it is `http://` or `https://` with something behind it, once its references are decoded and what [WHATWG URL] drops is dropped |
//! | read as browsers do | any case, quotes or none, the first of several `href`, `\` for `/`, Outlook's conditional comments: `<!--[if mso]> … <![endif]-->` is a comment, `<!--[if !mso]><!--> … <!--<![endif]-->` and `<![if !mso]> … <![endif]>` are two of them with markup between |
//! | no links | comments, `<style>`, `<script>`, `<title>`, `<textarea>`, `<xmp>`, `<iframe>`, `<noembed>`, `<noframes>`, what is behind `<plaintext>`, CDATA in foreign content, tags that never end |
//! | left alone | other schemes, fragments, `xlink:href`, elements with `data-sendlet-track="off"` (itself, not what it holds), URLs that [`Policy::left_alone`] names, an `href` with `{{unsubscribe_url}}` in it, links beyond [`Policy::max_links`] |
//! | also left alone | `//host`, `/path` and `https:path`: relative to a base that a mail has only with `<base>`, which clients drop. What a reader would be led to cannot be told |
//! | the pixel | before the last `</body>` tag. Without one, at the end, or before whatever does not end there: a comment, a tag, an element of raw text. Never within `<svg>` or `<math>`. It has no place in the layout, so nothing moves and the document stays as high as it was |
//! | `{{unsubscribe_url}}` | anywhere, in comments too, with spaces or tabs within the braces, encoded so that it is right in text and in attributes |
//!
//! **Not supported**: what the tree builder drops after it was tokenized (`<select>`, `<frameset>`), so a link there is
//! found that no browser shows; end tags of HTML elements inside of foreign content close what was opened there, whether
//! or not such an element is open; placeholders written with character references or percent-encoded; links in CSS, forms,
//! `background`, VML and AMP. Rules of the author's that look at an `href` itself, or at which element is the last of the body,
//! see a difference.
//!
//! # Why this tokenizer
//!
//! `lol_html` is the other one that has locations, and it follows foreign content by itself. What decided:
//!
//! - It tells of an end tag only with its element, and mails end in `</body>` without `<body>`, or have several.
//! - It tells where a tag is, not where a value is, and decodes no references: that would be a scanner of attributes and
//!   a decoder of our own, beside the ones it has.
//! - It brings a rewriter, selectors and encodings: 520 KB in a component, where this crate with its tokenizer takes 188.
//!   `cssparser` and `selectors` are under the MPL.
//!
//! It is faster: by up to a half natively, and twice as fast in WebAssembly (`yardstick` measures). But a message is parsed
//! once, and every further recipient costs a splice here, five to twenty times as fast as the pass that it costs there.
//!
//! [WHATWG HTML]: https://html.spec.whatwg.org/multipage/parsing.html
//! [WHATWG URL]: https://url.spec.whatwg.org/#url-parsing

mod escape;
mod input;
mod name;
mod namespace;
mod placeholder;
mod policy;
mod scan;
mod tag;
mod target;
mod template;
pub mod text;

pub use policy::Policy;
pub use template::{Hole, Link, RewriteError, Template};

/// The most that is read.
pub mod limits {
    pub use crate::namespace::MAX_DEPTH;
    pub use crate::placeholder::MAX_PLACEHOLDERS;
    pub use crate::policy::MAX_LINKS;
    pub use crate::template::MAX_HTML_OCTETS;
}
