//! The transports that peers speak over, and the certificates for TLS: a root and a leaf for a place's address, made anew.

use crate::place::Place;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A transport of SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Udp,
    Tcp,
    Tls,
}

impl Way {
    /// As configurations and URIs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// Files in PEM.
#[derive(Clone)]
pub struct Certificates {
    /// Whom everybody in the place trusts, and nobody else.
    pub root: PathBuf,
    /// What a server at the place's address shows.
    pub leaf: PathBuf,
    /// The leaf's key.
    pub key: PathBuf,
}

impl Certificates {
    pub fn make(place: &Place) -> Self {
        let folder = place.folder("certificates");
        let text = format!(
            "[req]\ndistinguished_name = name\n[name]\n[root]\nbasicConstraints = critical,CA:true\n\
             keyUsage = keyCertSign\n[leaf]\nbasicConstraints = CA:false\nsubjectAltName = IP:{}\n",
            place.ip
        );
        std::fs::write(folder.join("openssl.conf"), text).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        openssl(
            &folder,
            &format!("req -x509 {key} -keyout root.key -out root.pem -subj /CN=root -extensions root"),
        );
        openssl(&folder, &format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf"));
        openssl(
            &folder,
            "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -set_serial 2 -out leaf.pem -extfile openssl.conf \
             -extensions leaf",
        );
        Self { root: folder.join("root.pem"), leaf: folder.join("leaf.pem"), key: folder.join("leaf.key") }
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).env("OPENSSL_CONF", "openssl.conf").args(arguments.split_whitespace());
    let made = command.output().unwrap_or_else(|why| panic!("openssl does not start ({why})"));
    assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stderr));
}
