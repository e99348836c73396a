//! Text that browsers send: queries, forms and cookies.

/// The cookie of this name, RFC 6265 §4.2.1.
pub(super) fn cookie(cookies: &str, name: &str) -> Option<String> {
    cookies
        .split(';')
        .filter_map(|c| c.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v.to_string())
}

/// The pairs of a query or of a form, `application/x-www-form-urlencoded`.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let fields = text.split('&').filter(|field| !field.is_empty());
    fields
        .map(|field| field.split_once('=').unwrap_or((field, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(b'?'),
                    _ => b'?',
                }
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One field of a form with a file, RFC 7578.
pub(super) struct Part<'a> {
    pub(super) name: String,
    /// It has a file's name, which a file may lack (RFC 7578 §4.2), or is called `file`.
    pub(super) is_file: bool,
    pub(super) content: &'a [u8],
}

/// What stands between the parts of a `multipart/form-data` body, RFC 2046 §5.1.1.
pub(super) fn boundary(kind: &str) -> Option<Vec<u8>> {
    let (kind, rest) = kind.split_once(';')?;
    let form = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    let value = rest.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?.trim_matches('"');
    (form && (1..=70).contains(&value.len())).then(|| format!("\r\n--{value}").into_bytes())
}

/// The parts of a body; what is not one is left out.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<Part<'a>> {
    let mut found = Vec::new();
    // The first one needs no line break before it.
    let mut rest = body.strip_prefix(boundary.get(2..).unwrap_or_default());
    while let Some(bytes) = rest.and_then(|rest| rest.strip_prefix(b"\r\n")) {
        let Some(end) = find(bytes, boundary) else { break };
        found.extend(bytes.get(..end).and_then(part));
        rest = bytes.get(end + boundary.len()..);
    }
    found
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let head = find(bytes, b"\r\n\r\n")?;
    let content = bytes.get(head + 4..)?;
    let head = String::from_utf8_lossy(bytes.get(..head)?);
    let disposition =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let value = |key: &str| {
        let mut values = disposition.split(';').map(str::trim).filter_map(|one| one.split_once('='));
        values
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.trim_matches('"').to_owned())
    };
    let name = value("name")?;
    let is_file = name == "file" || value("filename").is_some();
    Some(Part { name, is_file, content })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let decoded = pairs("password=caf%C3%A9+%26+%zz&csrf=&x");
        let expected = [("password", "café & ?"), ("csrf", ""), ("x", "")];
        assert_eq!(decoded, expected.map(|(k, v)| (k.to_string(), v.to_string())));
        assert_eq!(cookie("a=1; hold-slayer-80=x; b=2", "hold-slayer-80").as_deref(), Some("x"));
        assert_eq!(cookie("xhold-slayer-80=x", "hold-slayer-80"), None);
    }

    #[test]
    fn a_form_with_a_file_is_taken_apart() {
        let boundary = boundary("multipart/form-data; boundary=\"x-y\"").unwrap_or_default();
        let body = b"--x-y\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--x-y\r\nContent-Disposition: form-data; \
            name=\"file\"; filename=\"a; b.backup\"\r\nContent-Type: x/y\r\n\r\n\0\r\n--x-\xff\r\n\r\n--x-y--\r\n";
        let told = |body: &[u8]| {
            let parts = parts(body, &boundary);
            parts
                .iter()
                .map(|part| (part.name.clone(), part.is_file, part.content.to_vec()))
                .collect::<Vec<_>>()
        };
        let expected = [
            ("csrf".to_owned(), false, b"abc".to_vec()),
            ("file".to_owned(), true, b"\0\r\n--x-\xff\r\n".to_vec()),
        ];
        assert_eq!(told(body), expected);
        for end in 0..body.len() {
            let _ = told(&body[..end]);
        }
        for wrong in
            ["", "multipart/form-data", "application/json; boundary=x", "multipart/form-data; boundary="]
        {
            assert_eq!(super::boundary(wrong), None, "{wrong}");
        }
    }
}
