use sse_proto::http1::{Scheme, Url, UrlError};

#[test]
fn accepted() {
    let cases = [
        ("http://example.com", Scheme::Http, "example.com", 80, "example.com", "/"),
        ("http://example.com/", Scheme::Http, "example.com", 80, "example.com", "/"),
        ("https://example.com/a/b?c=d&e", Scheme::Https, "example.com", 443, "example.com", "/a/b?c=d&e"),
        ("HTTP://EXAMPLE.Com/A", Scheme::Http, "example.com", 80, "example.com", "/A"),
        ("http://example.com:8080/", Scheme::Http, "example.com", 8080, "example.com:8080", "/"),
        ("http://example.com:80/", Scheme::Http, "example.com", 80, "example.com", "/"),
        ("https://example.com:443", Scheme::Https, "example.com", 443, "example.com", "/"),
        ("https://example.com:80", Scheme::Https, "example.com", 80, "example.com:80", "/"),
        ("http://example.com:0080/", Scheme::Http, "example.com", 80, "example.com", "/"),
        ("http://example.com:/x", Scheme::Http, "example.com", 80, "example.com", "/x"),
        ("http://example.com?q", Scheme::Http, "example.com", 80, "example.com", "/?q"),
        ("http://example.com#f", Scheme::Http, "example.com", 80, "example.com", "/"),
        ("http://example.com/a#f?g/@", Scheme::Http, "example.com", 80, "example.com", "/a"),
        ("http://example.com/a?b?c#d#e", Scheme::Http, "example.com", 80, "example.com", "/a?b?c"),
        ("http://example.com/@:x", Scheme::Http, "example.com", 80, "example.com", "/@:x"),
        (
            "http://example.com?u=http://b:1/",
            Scheme::Http,
            "example.com",
            80,
            "example.com",
            "/?u=http://b:1/",
        ),
        ("http://127.0.0.1:65535", Scheme::Http, "127.0.0.1", 65535, "127.0.0.1:65535", "/"),
        ("http://[::1]/x", Scheme::Http, "::1", 80, "[::1]", "/x"),
        ("http://[2001:DB8::1]:8080/", Scheme::Http, "2001:db8::1", 8080, "[2001:db8::1]:8080", "/"),
        ("http://[::ffff:1.2.3.4]:80/", Scheme::Http, "::ffff:1.2.3.4", 80, "[::ffff:1.2.3.4]", "/"),
        ("http://a_b-c.d~e/%20|{}", Scheme::Http, "a_b-c.d~e", 80, "a_b-c.d~e", "/%20|{}"),
    ];
    for (text, scheme, host, port, authority, target) in cases {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (url.scheme(), url.host(), url.port(), url.authority(), url.target()),
            (scheme, host, port, authority, target),
            "{text}"
        );
        assert_eq!(url.to_string().parse(), Ok(url), "{text}");
    }
}

#[test]
fn refused() {
    let byte = |byte, position| UrlError::Byte { byte, position };
    let port = |port: &str| UrlError::Port { port: port.into() };
    let cases = [
        ("", UrlError::Scheme),
        ("/path", UrlError::Scheme),
        ("example.com", UrlError::Scheme),
        ("http:example.com", UrlError::Scheme),
        ("http:/example.com", UrlError::Scheme),
        ("ftp://example.com", UrlError::Scheme),
        ("httpx://example.com", UrlError::Scheme),
        ("://example.com", UrlError::Scheme),
        ("http://", UrlError::EmptyHost),
        ("http:///path", UrlError::EmptyHost),
        ("http://:80/", UrlError::EmptyHost),
        ("http://?q", UrlError::EmptyHost),
        ("http://#f", UrlError::EmptyHost),
        ("http://user@host/", UrlError::UserInfo { position: 11 }),
        ("http://user:secret@host/", UrlError::UserInfo { position: 18 }),
        ("http://@host/", UrlError::UserInfo { position: 7 }),
        ("http://host /", byte(b' ', 11)),
        (" http://host/", byte(b' ', 0)),
        ("http://host/\r\nX: y", byte(b'\r', 12)),
        ("http://host/a\nb", byte(b'\n', 13)),
        ("http://host/\0", byte(0, 12)),
        ("http://host/\x7f", byte(0x7f, 12)),
        ("http://host/#\t", byte(b'\t', 13)),
        ("http://host\\@evil/", byte(b'\\', 11)),
        ("http://hóst/", byte(0xc3, 8)),
        ("http://host/ü", byte(0xc3, 12)),
        ("http://ho\"st/", byte(b'"', 9)),
        ("http://ho%20st/", byte(b'%', 9)),
        ("http://ho]st/", byte(b']', 9)),
        ("https://a<b>/", byte(b'<', 9)),
        ("http://host:0/", port("0")),
        ("http://host:65536/", port("65536")),
        ("http://host:99999999999/", port("99999999999")),
        ("http://host:-1/", port("-1")),
        ("http://host:+1/", port("+1")),
        ("http://host:8a/", port("8a")),
        ("http://host:80:80/", port("80:80")),
        ("http://::1/", UrlError::EmptyHost),
        ("http://[::1/", UrlError::Ipv6),
        ("http://[]/", UrlError::Ipv6),
        ("http://[::g]/", UrlError::Ipv6),
        ("http://[1.2.3.4]/", UrlError::Ipv6),
        ("http://[fe80::1%25eth0]/", UrlError::Ipv6),
        ("http://[::1]x/", UrlError::Ipv6),
        ("http://[::1]:x/", port("x")),
    ];
    for (text, error) in cases {
        assert_eq!(Url::parse(text), Err(error.clone()), "{text:?}");
        assert!(!error.to_string().contains("secret"));
    }
}

/// RFC 3986 section 5.4, and what servers send beyond it.
#[test]
fn joined() {
    let base = Url::parse("http://a/b/c/d;p?q").unwrap();
    for (reference, target) in [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        ("g;x?y#s", "/b/c/g;x?y"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../g", "/g"),
        ("../../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g..", "/b/c/g.."),
        ("./../g", "/b/g"),
        ("./g/.", "/b/c/g/"),
        ("g;x=1/../y", "/b/c/y"),
        ("g?y/../x", "/b/c/g?y/../x"),
        ("g?u=http://x", "/b/c/g?u=http://x"),
        ("\t/t ", "/t"),
        ("/é x", "/%C3%A9%20x"),
    ] {
        let url = base.join(reference).unwrap_or_else(|error| panic!("{reference}: {error}"));
        assert_eq!((url.authority(), url.target()), ("a", target), "{reference}");
    }
    assert_eq!(base.join("//b:8/x").unwrap().to_string(), "http://b:8/x");
    assert_eq!(base.join("HTTPS://b").unwrap().to_string(), "https://b/");
    for reference in ["ftp://b/x", "mailto:x@y", "g:h", "http://[::1", "//user@b/", "//"] {
        assert!(base.join(reference).is_err(), "{reference}");
    }
    assert!(base.has_origin_of(&base.join("/x").unwrap()));
    for other in ["https://a/", "http://a:81/", "http://b/"] {
        assert!(!base.has_origin_of(&Url::parse(other).unwrap()), "{other}");
    }
}

#[test]
fn joined_to_a_url_without_a_path() {
    let base = Url::parse("http://a?q").unwrap();
    assert_eq!(base.join("g").unwrap().to_string(), "http://a/g");
    assert_eq!(base.join("").unwrap().to_string(), "http://a/?q");
}
