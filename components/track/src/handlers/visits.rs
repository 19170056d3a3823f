//! Opens and clicks. Readers come first: they are answered though nothing could be stored.

use audience::Action;
use guest::{Problem, Request, Response, empty, whole, with_header};
use http::Method;
use mailer::engagement::VisitAction;
use mailer::link::{Click, Reader};

use super::{Seen, broken, remember};
use crate::config::Config;
use crate::visitor::visitor;

/// One transparent pixel: a GIF (89a) of 43 octets.
const PIXEL: [u8; 43] = *b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\
    \x21\xf9\x04\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";

/// `GET /o/{token}`
pub(crate) async fn open(request: &Request, token: &str) -> Result<Response, Problem> {
    let config = Config::load().await?;
    let Some(reader) = config.link_keys.verify_open(token) else {
        return Ok(broken(request));
    };
    let seen = seen(&config, request, reader, (Action::Open, VisitAction::Open));
    // The image is shown either way, and the log was told.
    let _ = remember(&config, seen).await;
    let response = whole(200, "image/gif", PIXEL.to_vec());
    Ok(with_header(response, "cache-control", "no-store"))
}

/// `GET /c/{token}`
pub(crate) async fn click(request: &Request, token: &str) -> Result<Response, Problem> {
    let config = Config::load().await?;
    let Some(click) = config.link_keys.verify_click(token) else {
        return Ok(broken(request));
    };
    let Click {
        reader,
        link,
        target,
    } = click;
    let response = redirect(&target);
    let action = VisitAction::Click { link, target };
    let seen = seen(&config, request, reader, (Action::Click(link), action));
    // The reader is sent on either way, and the log was told.
    let _ = remember(&config, seen).await;
    Ok(response)
}

/// Short, since links are followed often: each field costs some microseconds, and a body as much as storing the visit.
fn redirect(target: &str) -> Response {
    let response = with_header(empty(302), "location", target);
    let response = with_header(response, "cache-control", "no-store");
    with_header(response, "referrer-policy", "no-referrer")
}

fn seen(
    config: &Config,
    request: &Request,
    reader: Reader,
    (judged, action): (Action, VisitAction),
) -> Seen {
    Seen {
        reader,
        action,
        is_head: request.method() == Method::HEAD,
        visitor: visitor(request, judged, &config.visitors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixel_is_a_whole_image_of_one_transparent_point() {
        let (head, tail) = (&PIXEL[..6], PIXEL[42]);
        assert_eq!((head, tail), (&b"GIF89a"[..], b';'));
        assert_eq!(PIXEL[6..10], [1, 0, 1, 0], "one by one");
        assert_eq!(PIXEL[22] & 1, 1, "one colour is transparent");
        assert_eq!(PIXEL[25], 0, "it is the first");
    }
}
