//! Markup as nobody should write it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Any text, with pieces of markup throughout.
pub(crate) fn of_any_kind() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(PIECES.as_slice()).prop_map(str::to_owned),
        2 => anchor(),
        1 => select(UNLIKE.as_slice()).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Soup of which a parser that builds a tree has the same anchors: without elements whose content it drops, and with
/// foreign content only as it should be.
pub(crate) fn parsed_alike() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(PIECES.as_slice()).prop_map(str::to_owned),
        4 => anchor(),
        1 => foreign(),
        1 => "[ -~é\u{4e00}\r\n\t\0]{0,6}",
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A link with a number of its own, so that each is known.
fn anchor() -> impl Strategy<Value = String> {
    let start = select(["<a ", "<A\n", "<area ", "<a/", "<a x='>' "].as_slice());
    let written = select(
        [
            "href=U ",
            "href='U'",
            "HREF=\"U\"",
            "href = U\t",
            "href=\r\n'\r\nU'",
            "href=U href=x",
        ]
        .as_slice(),
    );
    let url = select(
        [
            "https://N",
            "http://N/?a&amp;b&copy=1",
            "&#104;ttp&#58;//N",
            "ht\ntps:\\\\N",
            "mailto:N",
            "//N",
            "https://N/{{unsubscribe_url}}",
        ]
        .as_slice(),
    );
    let end = select([">", "/>", " >", "\n"].as_slice());
    (start, written, url, 0..10_000_u32, end).prop_map(|(start, written, url, number, end)| {
        let url = url.replace('N', &format!("{number}.example"));
        format!("{start}{}{end}", written.replace('U', &url))
    })
}

fn foreign() -> impl Strategy<Value = String> {
    let inner = prop_oneof![anchor(), select(FOREIGN.as_slice()).prop_map(str::to_owned)];
    let around = select(
        [
            ["<svg>", "</svg>"],
            ["<svg><g>", "</g></svg>"],
            ["<math>", "</math>"],
            ["<svg><foreignObject><p>", "</p></foreignObject></svg>"],
        ]
        .as_slice(),
    );
    (around, vec(inner, 0..4)).prop_map(|([start, end], inner)| {
        // A tag that does not end would take the end of the element with it.
        format!("{start}{}>{end}", inner.join(">"))
    })
}

const PIECES: [&str; 92] = [
    "<html>",
    "<head>",
    "</head>",
    "<body>",
    "</body>",
    "</html>",
    "<p>",
    "</p>",
    "<div class=a>",
    "</div>",
    "<br/>",
    "</br>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<font color='red'>",
    "</font>",
    "<span",
    "<td ",
    "<center>",
    "</a>",
    "</A >",
    "<table>",
    "</table>",
    "<tbody>",
    "<tr>",
    "</tr>",
    "<td>",
    "</td>",
    "<th>",
    "<caption>",
    "<colgroup>",
    "<col>",
    "<ul>",
    "<li>",
    "<h1>",
    "</h2>",
    "<form>",
    "</form>",
    "<button>",
    "</button>",
    "<input>",
    "<img src=\"",
    "<map>",
    "<object>",
    "<style>",
    "</style>",
    "<style/>",
    "<script>",
    "</script>",
    "<title>",
    "</title>",
    "<textarea>",
    "</textarea>",
    "<xmp>",
    "</xmp>",
    "<iframe>",
    "</iframe>",
    "<noembed>",
    "</noembed>",
    "<noframes>",
    "</noframes>",
    "<noscript>",
    "</noscript>",
    "<pre>",
    "<nobr>",
    "<!--",
    "-->",
    "--!>",
    "<!-",
    "<!>",
    "<!--[if mso]>",
    "<![endif]-->",
    "<!--[if !mso]><!-->",
    "<!--<![endif]-->",
    "<![if !mso]>",
    "<![endif]>",
    "<!DOCTYPE html>",
    "<![CDATA[",
    "]]>",
    "<?",
    "</",
    "<",
    ">",
    "\"",
    "'",
    "=",
    "&",
    "{{unsubscribe_url}}",
    " ",
    "\r\n",
];

/// What a tree builder treats unlike others.
const UNLIKE: [&str; 20] = [
    "<select>",
    "</select>",
    "<option>",
    "<frameset>",
    "<template>",
    "</template>",
    "<plaintext>",
    "<svg>",
    "</svg>",
    "<math>",
    "</math>",
    "<mi>",
    "<foreignObject>",
    "</foreignObject>",
    "<desc>",
    "<annotation-xml>",
    "<svg/>",
    "<mglyph>",
    "</p>",
    "{{",
];

const FOREIGN: [&str; 8] = [
    "<style>x</style>",
    "<title>y</title>",
    "<script></script>",
    "<path/>",
    "<g></g>",
    "<![CDATA[ <a href=https://no.example> ]]>",
    "<a xlink:href=https://no.example></a>",
    "<textarea></textarea>",
];
