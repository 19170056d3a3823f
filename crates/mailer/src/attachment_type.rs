//! Which attachments are let through: the allow-list of the ACS Email documentation, by file name extension and media type.

/// Extension and media type of everything that may be attached. A type may have several extensions.
const ALLOWED: &[(&str, &str)] = &[
    ("3gp", "video/3gpp"),
    ("3g2", "video/3gpp2"),
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docm", "application/vnd.ms-word.document.macroenabled.12"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("eot", "application/vnd.ms-fontobject"),
    ("epub", "application/epub+zip"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ics", "text/calendar"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("mid", "audio/midi"),
    ("midi", "audio/midi"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("oga", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("ogx", "application/ogg"),
    ("one", "application/onenote"),
    ("opus", "audio/opus"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    (
        "ppsm",
        "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
    ),
    (
        "ppsx",
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
    ),
    ("ppt", "application/vnd.ms-powerpoint"),
    (
        "pptm",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    ),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("pub", "application/vnd.ms-publisher"),
    ("rar", "application/x-rar-compressed"),
    ("rpmsg", "application/vnd.ms-outlook"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain"),
    ("vsd", "application/vnd.visio"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("wma", "audio/x-ms-wma"),
    ("wmv", "video/x-ms-wmv"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsb",
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    ),
    ("xlsm", "application/vnd.ms-excel.sheet.macroenabled.12"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "application/xml"),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

/// Whether a file of this name and media type (`type/subtype`, without parameters) may be attached.
///
/// The type has to be on the list. So has the extension, of whatever type: `report.exe` sent as `application/pdf` is what the list
/// is there to stop, while `photo.jpeg` sent as `image/png` is a slip that harms nobody. A name without an extension is judged by
/// its type alone.
#[must_use]
pub fn is_allowed(file_name: &str, media_type: &str) -> bool {
    let extension = file_name
        .rsplit_once('.')
        .map(|(_, extension)| extension.trim());
    let extension_is_listed = extension.is_none_or(|found| {
        ALLOWED
            .iter()
            .any(|(listed, _)| listed.eq_ignore_ascii_case(found))
    });
    let type_is_listed = ALLOWED
        .iter()
        .any(|(_, listed)| listed.eq_ignore_ascii_case(media_type.trim()));
    extension_is_listed && type_is_listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file_name: &str, media_type: &str, expected: bool) {
        assert_eq!(
            is_allowed(file_name, media_type),
            expected,
            "{file_name} as {media_type}"
        );
    }

    #[test]
    fn listed_types_with_listed_extensions_pass() {
        check("report.pdf", "application/pdf", true);
        check("REPORT.PDF", "Application/PDF", true);
        check("feed.xml", "text/xml", true);
        check("feed.xml", "application/xml", true);
        check(
            "book.xlsm",
            "application/vnd.ms-excel.sheet.macroEnabled.12",
            true,
        );
        check("photo.jpeg", "image/png", true);
        check("README", "text/plain", true);
    }

    #[test]
    fn everything_else_is_refused() {
        check("setup.exe", "application/x-msdownload", false);
        check("report.exe", "application/pdf", false);
        check("report.pdf.exe", "application/pdf", false);
        check("report.exe ", "application/pdf", false);
        check("page.html", "text/html", false);
        check("run.js", "text/javascript", false);
        check("mail.eml", "message/rfc822", false);
        check("data.bin", "application/octet-stream", false);
        check("report.pdf", "", false);
        check("trailing.", "text/plain", false);
    }
}
