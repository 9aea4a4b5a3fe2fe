//! Media types, by the end of a file's name.

/// The media type of a file with this name, with its parameters.
pub(super) fn of(name: &[u8]) -> &'static str {
    let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    let extension = match memchr::memrchr(b'.', base) {
        Some(dot) if dot > 0 => str::from_utf8(&base[dot + 1..]).unwrap_or_default(),
        _ => "",
    };
    // Text is UTF-8 here. Scripts and styles are by far the most frequent.
    match extension {
        "css" => return "text/css; charset=utf-8",
        "js" | "mjs" => return "text/javascript; charset=utf-8",
        "html" | "htm" => return "text/html; charset=utf-8",
        "txt" => return "text/plain; charset=utf-8",
        "csv" => return "text/csv; charset=utf-8",
        "md" => return "text/markdown; charset=utf-8",
        "xml" => return "text/xml; charset=utf-8",
        "ics" => return "text/calendar; charset=utf-8",
        "vtt" => return "text/vtt; charset=utf-8",
        "map" => return "application/json",
        _ => {}
    }
    mime_guess::from_ext(extension).first_raw().unwrap_or("application/octet-stream")
}

/// Whether files of this type may get smaller, so that it pays to look for them compressed. Pictures, sounds, films,
/// fonts for the web and archives are compressed as they are.
pub(super) fn is_compressible(kind: &str) -> bool {
    const LARGE: [&str; 6] =
        ["image/svg+xml", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon", "audio/midi", "audio/wav"];
    const SMALL: [&str; 7] = [
        "font/woff",
        "font/woff2",
        "application/zip",
        "application/gzip",
        "application/x-7z-compressed",
        "application/x-bzip2",
        "application/x-xz",
    ];
    let compressed = ["image/", "video/", "audio/"].iter().any(|start| kind.starts_with(start));
    LARGE.contains(&kind) || !(compressed || SMALL.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_types() {
        for (name, kind) in [
            ("a.css", "text/css; charset=utf-8"),
            ("js/app.min.js", "text/javascript; charset=utf-8"),
            ("module.mjs", "text/javascript; charset=utf-8"),
            ("index.html", "text/html; charset=utf-8"),
            ("app.js.map", "application/json"),
            ("data.json", "application/json"),
            ("m.wasm", "application/wasm"),
            ("f.woff2", "font/woff2"),
            ("i.svg", "image/svg+xml"),
            ("i.PNG", "image/png"),
            ("i.avif", "image/avif"),
            ("i.webp", "image/webp"),
            ("favicon.ico", "image/x-icon"),
            ("x.webmanifest", "application/manifest+json"),
            ("film.mp4", "video/mp4"),
            ("paper.pdf", "application/pdf"),
            ("a.tar.gz", "application/gzip"),
            ("README", "application/octet-stream"),
            ("dir.css/file", "application/octet-stream"),
            (".css", "application/octet-stream"),
            ("a.unheard-of", "application/octet-stream"),
            ("a.", "application/octet-stream"),
        ] {
            assert_eq!(of(name.as_bytes()), kind, "{name}");
        }
        assert_eq!(of(b"a.\xff"), "application/octet-stream");
    }

    #[test]
    fn what_is_compressed_is_not_looked_for_compressed() {
        for name in ["a.css", "a.js", "a.svg", "a.json", "a.wasm", "a.ttf", "README", "favicon.ico", "a.pdf"]
        {
            assert!(is_compressible(of(name.as_bytes())), "{name}");
        }
        for name in ["a.png", "a.jpg", "a.webp", "a.mp4", "a.mp3", "a.woff2", "a.zip", "a.gz"] {
            assert!(!is_compressible(of(name.as_bytes())), "{name}");
        }
    }
}
