//! What is said to be on the card and in the program, and the package's bytes: judged from a made-up card with this build's program.

use super::{asked, folder, words};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// For which the card's program is built.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The library that this build is linked to.
fn library() -> PathBuf {
    PathBuf::from(format!(".cache/tflite/{}/libtensorflowlite_c.so", std::env::consts::ARCH))
        .canonicalize()
        .unwrap()
}

/// Runs what makes something that bears a date.
fn make(command: &mut Command) {
    let output = command.env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", words(&output));
}

/// The list of contents of a card with two packages of Debian's, one of which says its licences in the way for programs.
fn list(name: &str) -> (Value, String) {
    let folder = folder(name);
    let at = |name: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    std::fs::write(
        at("packages"),
        "libstdc++6\t14.2.0-19\tarm64\tgcc-14\t14.2.0-19\nzlib1g\t1:1.3-1\tarm64\tzlib\t1:1.3-1\n\
         hold-slayer\t0.1.0\tarm64\thold-slayer\t0.1.0\n",
    )
    .unwrap();
    let copyright = "Format: 1.0\n\nFiles: *\nLicense: Zlib\n\nFiles: debian/*\nLicense: GPL-2+\n text\n";
    std::fs::write(at("root/usr/share/doc/zlib1g/copyright"), copyright).unwrap();
    std::fs::write(at("root/usr/share/doc/libstdc++6/copyright"), "In prose.\nLicense: many\n").unwrap();
    symlink(env!("CARGO_BIN_EXE_hold-slayer"), at("root/usr/bin/hold-slayer")).unwrap();
    symlink(library(), at("root/usr/lib/hold-slayer/libtensorflowlite_c.so")).unwrap();
    std::fs::write(at("card.img.xz"), "a card").unwrap();
    make(Command::new("image/sbom.py").args(["packages", "root", "card.img.xz", "card"].map(at)));
    let list = serde_json::from_slice(&std::fs::read(at("card.spdx.json")).unwrap()).unwrap();
    let notice = std::fs::read_to_string(at("card.NOTICE.txt")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    (list, notice)
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_else(|| panic!("{key} is missing: {of}"))
}

#[test]
fn the_list_of_contents_is_one_and_names_what_is_inside() {
    let (list, notice) = list("contents");
    // What SPDX 2.3 asks of a document, of a package and of a relationship (chapters 6, 7 and 11).
    assert_eq!(text(&list, "spdxVersion"), "SPDX-2.3");
    assert_eq!(text(&list, "dataLicense"), "CC0-1.0");
    assert!(text(&list, "documentNamespace").starts_with("https://") && !text(&list, "name").is_empty());
    assert_eq!(text(&list["creationInfo"], "created"), "2023-11-14T22:13:20Z");
    assert!(list["creationInfo"]["creators"][0].as_str().unwrap().starts_with("Tool: "));
    let packages = list["packages"].as_array().unwrap();
    let mut ids = BTreeSet::from([text(&list, "SPDXID")]);
    for package in packages {
        let id = text(package, "SPDXID");
        let name = id.strip_prefix("SPDXRef-").unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)), "{id}");
        assert!(ids.insert(id), "{id} is there twice");
        assert!(!text(package, "name").is_empty() && !text(package, "downloadLocation").is_empty());
        let supplier = text(package, "supplier");
        assert!(supplier == "NOASSERTION" || supplier.starts_with("Organization: "), "{supplier}");
        for key in ["licenseDeclared", "licenseConcluded"] {
            // An expression, and what it refers to is there.
            let expression = text(package, key);
            let mut named = expression.split([' ', '(', ')']).filter(|word| word.starts_with("LicenseRef-"));
            let there = list["hasExtractedLicensingInfos"].to_string();
            assert!(named.all(|name| there.contains(&format!("\"{name}\""))), "{expression}");
            assert!(!expression.is_empty() && !expression.contains(['/', ',']) && !expression.contains("  "));
        }
    }
    for relation in list["relationships"].as_array().unwrap() {
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(text(relation, end)), "{relation}");
        }
    }
    let of = |name: &str| packages.iter().find(|package| package["name"] == name).unwrap_or(&Value::Null);
    let related = |kind: &str, from: &str, to: &str| {
        let ends = (&of(from)["SPDXID"], &of(to)["SPDXID"]);
        list["relationships"].as_array().unwrap().iter().any(|relation| {
            relation["relationshipType"] == kind
                && (&relation["spdxElementId"], &relation["relatedSpdxElement"]) == ends
        })
    };
    for inside in ["hold-slayer", "libtensorflowlite_c", "zlib1g", "libstdc++6"] {
        assert!(related("CONTAINS", "hold-slayer-card", inside), "{inside}");
    }
    for inside in ["sound-network", "prompts", "demo-sounds"] {
        assert!(related("CONTAINS", "hold-slayer", &format!("hold-slayer-{inside}")), "{inside}");
    }
    for linked in ["redb", "rust-std"] {
        assert!(related("STATIC_LINK", "hold-slayer", linked), "{linked}");
    }
    assert!(related("DYNAMIC_LINK", "hold-slayer", "libtensorflowlite_c"));
    assert_eq!(packages.iter().filter(|package| package["name"] == "hold-slayer").count(), 1);

    let compiler = std::fs::read_to_string("rust-toolchain.toml").unwrap();
    assert!(compiler.contains(&format!("\"{}\"", text(of("rust-std"), "versionInfo"))), "{}", of("rust-std"));
    let lite = of("libtensorflowlite_c");
    let pins = std::fs::read_to_string("model/tflite.sh").unwrap();
    assert!(pins.contains(lite["checksums"][0]["checksumValue"].as_str().unwrap()), "{lite}");
    // All licences that are said to be in it.
    let said = std::fs::read_to_string("model/NOTICE.md").unwrap();
    let (_, said) = said.split_once("under their own licences:").unwrap();
    for licence in text(lite, "licenseConcluded").split(" AND ") {
        assert!(said.contains(licence.trim_start_matches("LicenseRef-")), "{licence}");
    }
    assert_eq!(
        text(of("zlib1g"), "licenseComments"),
        "its copyright file names, in Debian's words: GPL-2+, Zlib"
    );
    assert_eq!(of("libstdc++6").get("licenseComments"), None);

    // The same for people.
    assert!(notice.contains("zlib1g 1:1.3-1 (zlib 1:1.3-1)\n"), "{notice}");
    for package in packages.iter().filter(|package| text(package, "SPDXID").starts_with("SPDXRef-crate-")) {
        let [name, version, licence] =
            ["name", "versionInfo", "licenseDeclared"].map(|key| text(package, key));
        assert!(notice.contains(&format!("   {name} {version}: {licence}\n")), "{package}");
    }
    assert!(notice.contains(said));
}

#[test]
fn each_crates_licence_is_passed_on_word_for_word() {
    let texts = asked("python3", &["-B", "image/notices.py", TARGET]);
    let (list, _) = list("licences");
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", TARGET])
        .output()
        .unwrap();
    let known: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let (rule, mut with_text) = ("=".repeat(100), 0);
    for package in list["packages"].as_array().unwrap() {
        let [name, version] = ["name", "versionInfo"].map(|key| text(package, key));
        if !text(package, "SPDXID").starts_with("SPDXRef-crate-") {
            continue;
        }
        let is_it = |of: &&Value| of["name"] == name && of["version"] == version;
        let manifest =
            text(known["packages"].as_array().unwrap().iter().find(is_it).unwrap(), "manifest_path");
        let own = format!("{name} {version}");
        let mut files = std::fs::read_dir(Path::new(manifest).parent().unwrap()).unwrap().flatten();
        match files.find(|file| file.file_name().to_string_lossy().starts_with("LICENSE")) {
            Some(file) if file.path().is_file() => {
                let licence = std::fs::read(file.path()).unwrap();
                let licence = String::from_utf8_lossy(&licence).replace("\r\n", "\n");
                let licence = licence.trim();
                // Between two rules above a text are those who are under it.
                let below = format!("\n{rule}\n{licence}\n");
                let mut places = texts.match_indices(&below);
                let is_under =
                    |(at, _)| texts[..at].rsplit(&rule).next().unwrap().lines().any(|name| name == own);
                assert!(places.any(is_under), "{own} is not named above its licence");
                with_text += 1;
            }
            // Or its name, its makers and what it says of itself.
            _ => assert!(texts.lines().any(|line| line.starts_with(&own)), "{own} is not named"),
        }
    }
    assert!(with_text > 0);
    for said in ["Rust's standard library", "# The box's voice", "CC BY-SA 3.0", "MPL-2.0"] {
        assert!(texts.contains(said), "{said}");
    }
}

#[test]
fn the_package_is_the_same_whoever_makes_it_and_where() {
    let folder = folder("package");
    let built = folder.join("built");
    std::fs::create_dir_all(&built).unwrap();
    // Any program will do.
    for file in ["hold-slayer", "libtensorflowlite_c.so"] {
        std::fs::copy("/bin/true", built.join(file)).unwrap();
    }
    // A file system in memory counts blocks otherwise.
    let makers = [("one", "022", "/tmp", "UTC"), ("other", "077", "/dev/shm", "Asia/Tokyo")];
    let [one, other] = makers.map(|(name, umask, place, zone)| {
        let mut maker = Command::new("sh");
        maker.args(["-c", &format!("umask {umask}; exec image/deb.sh amd64 \"$@\""), name]);
        maker.arg(&built).arg(folder.join(name)).env("TMPDIR", place).env("TZ", zone);
        make(&mut maker);
        let file = format!("hold-slayer_{}_amd64.deb", env!("CARGO_PKG_VERSION"));
        folder.join(name).join(file)
    });
    assert!(std::fs::read(&one).unwrap() == std::fs::read(&other).unwrap(), "two packages of the same");
    let package = one.to_str().unwrap();
    let unpacked = folder.join("unpacked");
    asked("dpkg-deb", &["-x", package, unpacked.to_str().unwrap()]);
    let files = asked("find", &[unpacked.to_str().unwrap(), "-type", "f", "-printf", "%s\n"]);
    let bytes: u64 = files.lines().map(|bytes| bytes.parse::<u64>().unwrap()).sum();
    assert_eq!(asked("dpkg-deb", &["-f", package, "Installed-Size"]), bytes.div_ceil(1024).to_string());
    std::fs::remove_dir_all(&folder).unwrap();
}
