//! What a file may have wrong, and what is said of it.

use super::*;

/// The file and the mistakes it must be told, each without the leading `t.toml:`.
const MISTAKES: &[(&str, &[&str])] = &[
    // Not TOML at all, and keys that do not exist.
    ("[sip\n", &["1: not TOML: unclosed table, expected `]`"]),
    (
        "[sip]\na = 1\na = 2\n",
        &[
            "3: a stands further up already. Keep one of the two, and all lines of a section under one heading",
        ],
    ),
    (
        "[sips]\n",
        &[
            "1: sips: no such key; did you mean sip? Allowed here: line, sip, media, trunk, phone, handset, monitor, hold, menu, speed_dial, record, history, words, speech, assistant, notify, guard, codes, board, web, log",
        ],
    ),
    (
        "[sip]\n\nLisen = \"0.0.0.0:5060\"\n",
        &[
            "3: [sip] Lisen: no such key; did you mean listen? Allowed here: listen, advertise, tcp, tls_listen, tls_cert, tls_key",
        ],
    ),
    (
        "[sip]\ncolour = 1\n",
        &[
            "2: [sip] colour: no such key. Allowed here: listen, advertise, tcp, tls_listen, tls_cert, tls_key",
        ],
    ),
    ("sip = 1\n", &["1: sip: this is a section; write [sip] on a line of its own"]),
    // [line]
    (
        "[line]\ncountry = \"xx\"\n",
        &["2: [line] country = \"xx\": allowed is one of us, uk, de, fr, nl, it, es, at, ch, be, se, au, jp"],
    ),
    (
        "[line]\nemergency = [\"115\",\n \"1 1\"]\n",
        &["3: [line] emergency = [… \"1 1\" …]: each is a number of 2 to 6 digits in quotes"],
    ),
    (
        "[line]\nemergency = 115\n",
        &["2: [line] emergency = 115: each is a number of 2 to 6 digits in quotes"],
    ),
    (
        "[line]\nnumber = \"555-1\"\n",
        &["2: [line] number = \"555-1\": allowed are up to 20 digits, after a + if you like"],
    ),
    // [sip]
    (
        "[sip]\nlisten = \"5060\"\n",
        &["2: [sip] listen = \"5060\": allowed is an IP address and a port such as \"0.0.0.0:5060\""],
    ),
    (
        "[sip]\nlisten = 5060\n",
        &["2: [sip] listen = 5060: allowed is an IP address and a port such as \"0.0.0.0:5060\""],
    ),
    (
        "[sip]\nadvertise = \"0.0.0.0\"\n",
        &["2: [sip] advertise = \"0.0.0.0\": allowed is an IP address such as \"192.168.1.20\""],
    ),
    ("[sip]\ntcp = \"no\"\n", &["2: [sip] tcp = \"no\": allowed is true or false"]),
    (
        "[sip]\ntls_listen = \"0.0.0.0:5061\"\ntls_cert = \"box.pem\"\n",
        &[
            "1: [sip] tls_key is missing: tls_listen needs the files of a certificate and of its key",
            "3: [sip] tls_cert = \"box.pem\": allowed is the whole path of a file, such as \"/etc/hold-slayer/root.pem\"",
        ],
    ),
    ("[sip]\ntls_key = \"/k\"\n", &["2: [sip] tls_key = \"/k\": this is for tls_listen, which is not there"]),
    // [media]
    ("[media]\ncalls = 0\n", &["2: [media] calls = 0: allowed is a whole number from 1 to 512"]),
    ("[media]\ncalls = -1\n", &["2: [media] calls = -1: allowed is a whole number from 1 to 512"]),
    ("[media]\ncalls = 1.5\n", &["2: [media] calls = 1.5: allowed is a whole number from 1 to 512"]),
    (
        "[media]\ncalls = 99999999999999999999999\n",
        &["2: [media] calls = 99999999999999999999999: allowed is a whole number from 1 to 512"],
    ),
    (
        "[media]\nrtp_ports = 65530\n",
        &["2: [media] rtp_ports = 65530: allowed is a whole number from 1024 to 65472"],
    ),
    ("[media]\nrtp_ports = 16001\n", &["2: [media] rtp_ports = 16001: allowed is an even port"]),
    (
        "[media]\nrtp_ports = 5000\n",
        &["2: [media] rtp_ports = 5000: 8 calls use the ports 5000 to 5063, and [sip] listen is among them"],
    ),
    // [[trunk]]
    (
        "[trunk]\nname = \"a\"\n",
        &["1: trunk: there can be several, so write [[trunk]] with two brackets on each side"],
    ),
    ("trunk = [1]\n", &["1: trunk: write [[trunk]] on a line of its own for each"]),
    (
        "\n[[trunk]]\nname = \"a\"\nserver = \"s.example\"\n",
        &[
            "2: [[trunk]] user is missing: allowed are 1 to 64 letters, digits and -_.+ in quotes",
            "2: [[trunk]] secret is missing: needed is the password for user, in quotes",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\nuser = \"u\"\nsecret = \"top\"\n",
        &[
            "1: [[trunk]] server is missing: allowed is a host name or IP address, with :port if it is not 5060 (5061 for TLS). (A trunk \
           that asks for no registration has address = \"IP:port\" instead)",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\nserver = \"sip:s.example\"\nuser = \"u\"\nsecret = \"top\"\n",
        &[
            "3: [[trunk]] server = \"sip:s.example\": allowed is a host name or IP address, with :port if it is not 5060 (5061 for TLS). \
           (A trunk that asks for no registration has address = \"IP:port\" instead)",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\nserver = \"s\"\nuser = \"u\"\nsecret = 12345\n",
        &["5: [[trunk]] secret (not shown): needed is the password for user, in quotes"],
    ),
    (
        "[[trunk]]\nname = \"a\"\nserver = \"s\"\nuser = \"u\"\nsecrt = \"top\"\nsecret = \"x\"\n",
        &[
            "5: [[trunk]] secrt: no such key; did you mean secret? Allowed here: name, preset, server, user, auth_user, \
           secret, domain, realm, outbound_proxy, expires, address, channels, srtp, transport, ca, srv, number, numbers, rewrite, caller_id, \
           called_in, from_user, contact_user, codecs, dtmf, session_timer, keep_alive, cents_per_minute, refer",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\nserver = \"s\"\nuser = \"u u\"\nsecret = \"x\"\nexpires = \"5\"\n",
        &[
            "4: [[trunk]] user = \"u u\": allowed are 1 to 64 letters, digits and -_.+ in quotes",
            "6: [[trunk]] expires = \"5\": allowed is a time from \"1m\" to \"24h\", written with d, h, m, s or ms",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\nuser = \"u\"\n",
        &[
            "4: [[trunk]] user = \"u\": a trunk with an address is known by it alone: leave this key out, or write server \
           instead of address",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\nchannels = 0\n",
        &["4: [[trunk]] channels = 0: allowed is a whole number from 1 to 1000"],
    ),
    (
        "[[trunk]]\naddress = \"1.2.3.4:5060\"\n",
        &["1: [[trunk]] name is missing: allowed are 1 to 32 characters, in quotes"],
    ),
    (
        "[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\nnumbers = \"e.164\"\ncaller_id = \"x\"\ncalled_in = 1\n",
        &[
            "4: [[trunk]] numbers = \"e.164\": allowed is one of as-dialled, +e164, e164, 00, national",
            "5: [[trunk]] caller_id = \"x\": allowed is one of from, pai, ppi, rpid",
            "6: [[trunk]] called_in = 1: allowed is one of uri, to, p-called-party-id, diversion",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\nrewrite = [\"9\"]\nfrom_user = \"a b\"\ncontact_user = \"\"\n",
        &[
            "4: [[trunk]] rewrite = [… \"9\" …]: each is \"prefix -> instead\", both of 0-9, *, # and +, such as \"9 -> \" or \"0 -> +49\"",
            "5: [[trunk]] from_user = \"a b\": allowed are 1 to 64 letters, digits and -_.+ in quotes",
            "6: [[trunk]] contact_user = \"\": allowed are 1 to 64 letters, digits and -_.+ in quotes",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\npreset = \"sipgates\"\naddress = \"1.2.3.4:5060\"\n",
        &[
            "3: [[trunk]] preset = \"sipgates\": did you mean sipgate? Known are callcentric, dusnet, dusnet-secure, easybell, flowroute, \
           fritzbox, router, sipgate, sipgate-trunk, telekom, telnyx, twilio, voipms; without one, write server yourself",
            "3: [[trunk]] preset = \"sipgates\": a trunk with an address is known by it alone: leave this key out, or write \
           server instead of address",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\npreset = \"twilio\"\nserver = \"s\"\nuser = \"u\"\nsecret = \"x\"\n",
        &[
            "3: [[trunk]] preset = \"twilio\": Twilio takes no registration and sends calls to a fixed public address only, \
           which a box behind a home router does not have",
        ],
    ),
    // [guard]
    (
        "[guard]\nallow = [\"abroad\"]\nlongest = \"1m\"\n",
        &[
            "2: [guard] allow = [… \"abroad\" …]: each is \"international\", \"premium\", or how allowed numbers begin, such as \"+44\"",
            "3: [guard] longest = \"1m\": allowed is a time from \"10m\" to \"24h\", written with d, h, m, s or ms",
        ],
    ),
    (
        "[menu]\nlearn = 1\nextension = \"911\"\n",
        &[
            "2: [menu] learn = 1: allowed is true or false",
            "3: [menu] extension = \"911\": allowed are up to 32 digits, letters, - and _, but no emergency number",
        ],
    ),
    (
        "[[speed_dial]]\ndigits = \"123\"\nnumber = \"x\"\n[[speed_dial]]\n",
        &[
            "2: [[speed_dial]] digits = \"123\": allowed are 1 or 2 digits that are no emergency number",
            "3: [[speed_dial]] number = \"x\": needed is a number as you dial it, of digits and +",
            "4: [[speed_dial]] digits is missing: allowed are 1 or 2 digits that are no emergency number",
            "4: [[speed_dial]] number is missing: needed is a number as you dial it, of digits and +",
        ],
    ),
    (
        "[codes]\nwithhold = \"*5\"\n",
        &["2: [codes] withhold = \"*5\": it begins like hold = \"*58\"; the two could not be told apart"],
    ),
    // [[phone]]
    (
        "[[phone]]\nname = \"a\"\naddress = \"1.2.3.4\"\n",
        &[
            "3: [[phone]] address = \"1.2.3.4\": allowed is an IP address and a port such as \"192.168.1.30:5060\"",
        ],
    ),
    (
        "[[phone]]\nname = \"a\"\naddress = \"1.2.3.4:5060\"\nsecret = \"top\"\n",
        &[
            "3: [[phone]] address = \"1.2.3.4:5060\": a phone has either an address, or a user and a secret to register with",
        ],
    ),
    (
        "[[phone]]\nname = \"a\"\nuser = \"u\"\nsecret = \"x\"\n[[phone]]\nname = \"a\"\nuser = \"u\"\nsecret = \"y\"\n",
        &[
            "5: [[phone]] name = \"a\": another trunk or phone has this name; each needs its own",
            "5: [[phone]] user = \"u\": another phone has this user; each needs its own",
        ],
    ),
    (
        "[[trunk]]\nname = \"a\"\naddress = \"1.2.3.4:1\"\n[[phone]]\nname = \"b\"\naddress = \"1.2.3.4:2\"\n",
        &["4: [[phone]] address: another trunk or phone is at 1.2.3.4; each needs its own IP address"],
    ),
    // [hold]
    (
        "[hold]\ncap = \"30s\"\n",
        &["2: [hold] cap = \"30s\": allowed is a time from \"1m\" to \"24h\", written with d, h, m, s or ms"],
    ),
    (
        "[hold]\nring = 45\n",
        &["2: [hold] ring = 45: allowed is a time from \"10s\" to \"3m\", written with d, h, m, s or ms"],
    ),
    ("[hold]\neagerness = 101\n", &["2: [hold] eagerness = 101: allowed is a whole number from 0 to 100"]),
    ("[hold]\ngreet = \"yes\"\n", &["2: [hold] greet = \"yes\": allowed is true or false"]),
    ("[hold]\ncalls = 4\n", &["2: [hold] calls = 4: allowed is a whole number from 1 to 3"]),
    // [codes]
    (
        "[codes]\nhold = \"***\"\n",
        &["2: [codes] hold = \"***\": allowed is * (or 11, for a phone without *) and 1 to 4 digits"],
    ),
    (
        "[codes]\ngesture = \"***\"\n",
        &["2: [codes] gesture = \"***\": allowed are 2 to 4 of 0-9, * and #, but not ***"],
    ),
    (
        "[line]\ncountry = \"de\"\n[codes]\nhold = \"1129\"\n",
        &["4: [codes] hold = \"1129\": a code may not stand in the way of the emergency number 112"],
    ),
    (
        "[line]\nemergency = [\"11580\"]\n[codes]\nhold = \"1158\"\n",
        &["4: [codes] hold = \"1158\": a code may not stand in the way of the emergency number 11580"],
    ),
    (
        "[codes]\nrejoin = \"*5\"\n",
        &["2: [codes] rejoin = \"*5\": it begins like hold = \"*58\"; the two could not be told apart"],
    ),
    // [board]
    (
        "[board]\nfile = \"pi6\"\n",
        &[
            "2: [board] file = \"pi6\": allowed is \"generic\", \"pi3\", \"pi4\", \"pi5\", \"zero2\", or the path of a board file ending in .toml",
        ],
    ),
    (
        "[board]\nfile = \"none.toml\"\n",
        &["2: [board] file = \"none.toml\": the board file cannot be read: entity not found"],
    ),
    // [web], [log]
    (
        "[web]\npassword = \"short\"\n",
        &["2: [web] password (not shown): allowed are 8 characters or more, in quotes"],
    ),
    (
        "[web]\nlocal_name = \"box.local\"\n",
        &[
            "2: [web] local_name = \"box.local\": allowed are letters, digits and - , without .local; \"\": the network is told nothing",
        ],
    ),
    ("[web]\ntls = \"on\"\n", &["2: [web] tls = \"on\": allowed is \"off\", \"self-signed\" or \"files\""]),
    (
        "[web]\ntls = \"files\"\ntls_cert = \"/a.pem\"\n",
        &["1: [web] tls_key is missing: tls = \"files\" needs the files of a certificate and of its key"],
    ),
    (
        "[web]\nnames = [\"http://box\"]\n",
        &["2: [web] names = [… \"http://box\" …]: each is a host name in quotes, without port or http://"],
    ),
    (
        "[web]\nlisten = \"127.0.0.1:0\"\n",
        &["2: [web] listen = \"127.0.0.1:0\": allowed is an IP address and a port such as \"0.0.0.0:8080\""],
    ),
    (
        "[log]\nlevel = \"loud\"\n",
        &["2: [log] level = \"loud\": allowed is one of error, warn, info, debug, trace"],
    ),
    // All at once, in the order of lines.
    (
        "[web]\nlisten = 1\n[media]\ncalls = 0\n",
        &[
            "2: [web] listen = 1: allowed is an IP address and a port such as \"0.0.0.0:8080\"",
            "4: [media] calls = 0: allowed is a whole number from 1 to 512",
        ],
    ),
];

#[test]
fn each_kind_of_mistake_is_told_with_its_line() {
    for (text, expected) in MISTAKES {
        let told = read(text).map(|_| ()).expect_err(text).to_string();
        let expected: Vec<String> = expected.iter().map(|line| format!("t.toml:{line}")).collect();
        assert_eq!(told, expected.join("\n"), "for:\n{text}");
    }
}
