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
}
