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
        ("http://a_b-c.d~e/%20|", Scheme::Http, "a_b-c.d~e", 80, "a_b-c.d~e", "/%20|"),
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
        ("http://ho st\0/", byte(b' ', 9)),
        ("http://host\0/", byte(0, 11)),
        ("http://host\x7f/", byte(0x7f, 11)),
        ("http://host\\@evil/", byte(b'\\', 11)),
        ("http:\\\\host/", byte(b'\\', 5)),
        ("http://host/a\\b", byte(b'\\', 13)),
        ("http://hóst/", UrlError::InternationalHost { position: 8 }),
        ("http://bücher.example:80/", UrlError::InternationalHost { position: 8 }),
        ("http://host\u{3002}example/", UrlError::InternationalHost { position: 11 }),
        ("http://user:sécret@host/", UrlError::UserInfo { position: 19 }),
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
        ("http://[fe80::1%25]/", UrlError::Ipv6),
        ("http://[fe80::1%]/", UrlError::Ipv6),
        ("http://[fe80::1%ee1]/", UrlError::Ipv6),
        ("http://[fe80::1%25eth%30]/", UrlError::Ipv6),
        ("http://[fe80::1%25eth0/x]/", UrlError::Ipv6),
        ("http://[fe80::1%25eth0@evil]/", UrlError::UserInfo { position: 22 }),
        ("http://[fe80::1%25é]/", UrlError::Ipv6),
        ("http://[%25eth0]/", UrlError::Ipv6),
        ("http://1.2.3.4%25eth0/", byte(b'%', 14)),
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

/// As browsers do (WHATWG URL, "URL parsing"), in URLs and in references alike.
#[test]
fn written_by_people() {
    let base = Url::parse("http://a/").unwrap();
    for (written, target, fragment) in [
        ("/café", "/caf%C3%A9", None),
        ("/a b", "/a%20b", None),
        ("/日本?名=値#断", "/%E6%97%A5%E6%9C%AC?%E5%90%8D=%E5%80%A4", Some("%E6%96%AD")),
        ("/%C3%A9%20%zz%", "/%C3%A9%20%zz%", None),
        ("/\"<>^`{|}'~", "/%22%3C%3E%5E%60%7B|%7D'~", None),
        ("/?\"<>^`{|}'~", "/?%22%3C%3E^`{|}%27~", None),
        ("/#\"<>^`{|}'~", "/", Some("%22%3C%3E^%60{|}'~")),
        ("/?a?b/c", "/?a?b/c", None),
        ("/?C:\\new", "/?C:%5Cnew", None),
        ("/#a\\b c", "/", Some("a%5Cb%20c")),
        ("/a#b#c", "/a", Some("b#c")),
        ("/\0\u{1}\u{1b}x", "/%00%01%1Bx", None),
        ("/\x7f\u{85}", "/%7F%C2%85", None),
        // As URLs come out of wrapped lines.
        ("/long/\n  path\r\n", "/long/%20%20path", None),
        ("/\r\nX: y", "/X:%20y", None),
        ("/\tt\t?\tq\t", "/t?q", None),
        ("/x\0\n ", "/x", None),
    ] {
        for url in [Url::parse(&format!("\n http://a{written}")).unwrap(), base.join(written).unwrap()] {
            assert_eq!((url.target(), url.fragment()), (target, fragment), "{written:?}");
            assert_eq!(Url::parse(&url.to_string()).as_ref(), Ok(&url), "{written:?}");
            assert_eq!(base.join(&url.to_string()).as_ref(), Ok(&url), "{written:?}");
        }
    }
    assert_eq!(Url::parse("http://exa\nmple.com").unwrap().host(), "example.com");
    for reference in ["\\\\evil.example/", "/\\evil.example", "x\\y", "//bücher.example/"] {
        assert!(base.join(reference).is_err(), "{reference}");
    }
    let error = Url::parse("http://bücher.example/").unwrap_err().to_string();
    assert_eq!(error, "host name is not ascii at byte 8 in url; use its ascii form, which starts with xn--");
}

/// RFC 6874, and the bare percent sign that people copy from other programs.
#[test]
fn zones_are_kept_and_not_sent() {
    for (written, zone) in [
        ("[FE80::1%25eth0]", "eth0"),
        ("[fe80::1%eth0]", "eth0"),
        ("[fe80::1%25Wi-Fi_2.~]", "Wi-Fi_2.~"),
        ("[fe80::1%251]", "1"),
        ("[fe80::1%252525]", "2525"),
        ("[fe80::1%1]", "1"),
    ] {
        for (port, authority) in [("", "[fe80::1]"), (":8080", "[fe80::1]:8080"), (":80", "[fe80::1]")] {
            let url = Url::parse(&format!("http://{written}{port}/x")).unwrap();
            assert_eq!((url.host(), url.zone(), url.authority()), ("fe80::1", Some(zone), authority));
            assert_eq!(url.host_with_zone(), format!("fe80::1%{zone}"));
            let with_zone = authority.replace(']', &format!("%25{zone}]"));
            assert_eq!(url.to_string(), format!("http://{with_zone}/x"));
            assert_eq!(url.to_string().parse(), Ok(url.clone()));
            let joined = url.join("y").unwrap();
            assert_eq!(joined.to_string(), format!("http://{with_zone}/y"), "redirects stay in the zone");
            assert!(joined.has_origin_of(&url));
            assert!(!url.has_origin_of(&Url::parse("http://[fe80::1]/").unwrap()));
        }
    }
    let url = Url::parse("http://example.com").unwrap();
    assert_eq!((url.zone(), &*url.host_with_zone()), (None, "example.com"));
}
