//! SVG and `MathML`, where elements of text are none and CDATA is.

use rewrite::{Policy, Template};

/// Says how many of the links are found.
#[track_caller]
fn check(html: &str, expected: usize) {
    let html = html.replace("LINK", "<a href=https://a.example/>");
    let template = Template::parse(&html, &Policy::default()).unwrap();
    assert_eq!(template.links().len(), expected, "{html}");
}

#[test]
fn anchors_of_svg_are_links_and_those_of_mathml_are_not() {
    check("<svg>LINK</svg>", 1);
    check("<svg><g>LINK</g></svg>LINK", 2);
    check("<svg><a xlink:href=https://a.example/></svg>", 0);
    check(
        "<svg><a xlink:href=https://b.example/ href=https://a.example/></svg>",
        1,
    );
    check("<math>LINK</math>LINK", 1);
    check("<math><mi>LINK</mi></math>", 1);
    check("<math><annotation-xml>LINK</annotation-xml></math>", 0);
    check(
        "<math><annotation-xml encoding=Text/HTML>LINK</annotation-xml></math>",
        1,
    );
    check(
        "<math><annotation-xml encoding=a encoding=text/html>LINK</annotation-xml></math>",
        0,
    );
    check(
        "<math><annotation-xml><svg>LINK</svg>LINK</annotation-xml></math>",
        1,
    );
    check("<svg><area href=https://a.example/></svg>", 0);
    check(
        "<svg><foreignObject><area href=https://a.example/></foreignObject></svg>",
        1,
    );
}

#[test]
fn elements_of_text_are_markup_in_foreign_content() {
    check("<svg><style>LINK</style></svg>", 1);
    check("<svg><script>LINK</script></svg>", 1);
    check("<svg><title><style>LINK</style></title></svg>", 0);
    check("<svg><title>LINK</title></svg>LINK", 2);
    check(
        "<svg><foreignObject><title>LINK</title></foreignObject></svg>",
        0,
    );
    check(
        "<svg><foreignObject><p>a<p>b</p></foreignObject><style>LINK</style></svg>",
        1,
    );
    check("<svg/><style>LINK</style>", 0);
    check("<svg><path/><g/></svg><style>LINK</style>", 0);
    check("<SVG></SVG><style>LINK</style>", 0);
    check(
        "<math><mi><style>LINK</style></mi><style>x</style></math>",
        0,
    );
    check(
        "<math><mi><mglyph><style>LINK</style></mglyph></mi></math>",
        0,
    );
    check("<svg><mi><style>LINK</style></mi></svg>", 1);
}

#[test]
fn html_ends_foreign_content() {
    check("<svg><p><style>LINK</style>", 0);
    check("<svg><b></b><style>LINK</style>", 0);
    check("<svg><font><style>LINK</style></font></svg>", 1);
    check("<svg><font color=red><style>LINK</style>", 0);
    check("<svg></p><style>LINK</style>", 0);
    check("<svg></br><style>LINK</style>", 0);
    check("<td><svg><g></td><style>LINK</style>", 0);
    check(
        "<svg><foreignObject><svg><p><style>LINK</style></p></foreignObject><style>LINK</style>",
        1,
    );
    check("</svg><style>LINK</style>", 0);
}

#[test]
fn cdata() {
    check("<svg><![CDATA[ > LINK ]]></svg>LINK", 1);
    check("<svg><![CDATA[ > LINK ]] > LINK ]]>LINK</svg>", 1);
    check("<svg><![cdata[ > LINK ]]></svg>", 1);
    check("<svg><title><![CDATA[ > LINK ]]></title></svg>", 0);
    check("<svg><title><b><![CDATA[ > LINK ]]></b></title></svg>", 1);
    check("<svg></svg><![CDATA[ > LINK ]]>", 1);
    check("<math><![CDATA[ > LINK ]]></math>", 0);
}
