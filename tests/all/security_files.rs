//! Files of evidence that mean no good (security.md 2.4): the ids stand in the names.

use crate::evidence::{DOCUMENT, upload};
use crate::support::filings::Case;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use image::{DynamicImage, GenericImageView as _, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use std::io::Cursor;

fn picture(format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(60, 30, |x, _| if x < 30 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A case, who filed it, and what they get back of a file that they sent.
struct Desk {
    app: TestApp,
    case: Case,
    consumer: Session,
}

impl Desk {
    fn on(start: Start) -> Self {
        let app = start.start();
        let case = FilingBuilder::complete().file(&app);
        let consumer = app.consumer(&case);
        Self { app, case, consumer }
    }

    fn send(&self, name: &str, content: &[u8]) -> crate::support::client::Reply {
        upload(&self.app, &self.case, &self.consumer, "file", name, content).send()
    }

    /// Sends a file that must be taken; what is kept of it.
    fn kept(&self, content: &[u8]) -> (Value, crate::support::client::Reply) {
        let sent = self.send("a.jpg", content);
        let told = sent.expect(201);
        let got = self.app.get(sent.header("location"), &self.consumer).send();
        assert_eq!(got.status, 200, "{sent}");
        (told, got)
    }
}

#[test]
fn sec_fi_01_a_file_is_what_its_content_says() {
    let desk = Desk::on(Start::on(Engine::Sqlite));
    for (name, content) in [
        ("a.svg", &b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"[..]),
        ("a.jpg", b"<!doctype html><script>alert(1)</script>"),
        ("a.pdf", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"),
        ("a.png", b"\x7fELF\x02\x01\x01\0"),
        ("a.jpg", b"#!/bin/sh\nid\n"),
        ("a.gif", b"GIF89a\x01\0\x01\0\x80\0\0"),
        ("a.zip", b"PK\x03\x04\x14\0\0\0"),
        ("a.txt", b"plain"),
    ] {
        assert_eq!(desk.send(name, content).problem(415)["code"], "unsupported_type", "{name}");
    }
    assert_eq!(desk.send("a.jpg", b"").pointers(), ["/file"]);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        // Under whatever name.
        assert_eq!(desk.send("a.exe", &picture(format)).expect(201)["media_type"], format.to_mime_type());
    }
    let wrong = Start::on(Engine::Sqlite).set("ATTACHMENTS__TYPES", "image/svg+xml").prepare();
    assert_eq!(wrong.run(&["config", "check"], None).status.code(), Some(78), "a type that can't be made harmless");
}

#[test]
fn sec_fi_02_a_file_comes_back_to_be_saved_and_pictures_are_drawn_anew() {
    for engine in engines() {
        let desk = Desk::on(Start::on(engine));
        let script = b"<script>alert(document.domain)</script>";
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let (told, got) = desk.kept(&[picture(format).as_slice(), script].concat());
            assert!(got.header("content-disposition").starts_with("attachment;"), "{engine}: {got}");
            assert!(got.header("content-security-policy").contains("sandbox"), "{engine}: {got}");
            assert_eq!(got.header("x-content-type-options"), "nosniff", "{engine}: {got}");
            assert_eq!(got.header("content-type"), format.to_mime_type(), "{engine}");
            assert!(!holds(&got.bytes, script), "{engine}: {format:?}: the script is still in it");
            assert_eq!(told["size"], got.bytes.len(), "{engine}: {format:?}");
            assert_eq!(image::load_from_memory(&got.bytes).unwrap().dimensions(), (60, 30), "{engine}");
        }
    }
}

#[test]
fn sec_fi_03_a_name_is_kept_harmless() {
    let desk = Desk::on(Start::on(Engine::Sqlite));
    for name in [
        "../../etc/passwd",
        "..\\\\..\\\\windows\\\\win.ini",
        "/etc/passwd",
        "C:\\\\a.pdf",
        "a.pdf\u{202e}fdp.exe",
        "con",
        "....",
        "a;filename=b.exe",
        "发票（一）.pdf",
        "a%0d%0aSet-Cookie: x=y",
    ] {
        if desk.app.case(&desk.case, &desk.consumer)["version"].as_i64() > Some(18) {
            break;
        }
        let sent = desk.send(name, DOCUMENT.as_bytes());
        let told = sent.expect(201)["name"].as_str().expect("a name").to_owned();
        assert!(!told.contains(['/', '\\', '\u{202e}', '\r', '\n']) && !told.starts_with('.'), "{name}: {told}");
        let got = desk.app.get(sent.header("location"), &desk.consumer).send();
        let disposition = got.header("content-disposition");
        assert!(disposition.starts_with("attachment; filename=\"") && disposition.is_ascii(), "{name}: {disposition}");
        assert_eq!(got.header("set-cookie"), "", "{name}");
        assert_eq!(disposition.matches("filename=").count(), 1, "{name}: {disposition}");
    }
}

#[test]
fn sec_fi_04_a_bomb_is_refused_before_it_is_decoded() {
    let desk = Desk::on(Start::on(Engine::Sqlite).set("ATTACHMENTS__MAX_MEGAPIXELS", "2"));
    // 2 000 × 2 000 of one colour: a few kilobytes that would take twelve million.
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(RgbImage::new(2000, 2000)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let bomb = bytes.into_inner();
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let refused = desk.send("a.png", &bomb).problem(422);
    assert_eq!(
        (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
        (&json!("/file"), &json!("too_many_pixels"))
    );
    // What is broken is refused too, and nothing of either is kept.
    let broken = &picture(ImageFormat::Png)[..60];
    assert_eq!(desk.send("a.png", broken).problem(422)["errors"][0]["code"], "unreadable_picture");
    let listed = desk.app.get(&format!("{}/attachments", desk.case.path()), &desk.consumer).send().expect(200);
    assert_eq!(listed["items"], json!([]));
    assert_eq!(desk.app.case(&desk.case, &desk.consumer)["version"], 1);
}

#[test]
fn sec_fi_05_where_a_picture_was_taken_is_gone() {
    let desk = Desk::on(Start::on(Engine::Sqlite));
    let place = b"GPS 31.95N 118.84E";
    let plain = picture(ImageFormat::Jpeg);
    // EXIF data in which the camera lay on its side (orientation 6), with a place.
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(place);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let sent = [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat();
    assert!(holds(&sent, place));
    let (_, got) = desk.kept(&sent);
    assert!(!holds(&got.bytes, place) && !holds(&got.bytes, b"Exif"));
    assert_eq!(image::load_from_memory(&got.bytes).unwrap().dimensions(), (30, 60), "it stands upright");
}

#[test]
fn sec_fi_06_a_file_is_seen_through_its_own_case_only() {
    for engine in engines() {
        let desk = Desk::on(Start::on(engine));
        let sent = desk.send("a.pdf", DOCUMENT.as_bytes());
        sent.expect(201);
        let at = sent.header("location");
        let other = FilingBuilder::complete().phone("13800138001").merchant("另一商店").file(&desk.app);
        let stranger = desk.app.consumer(&other);
        let far = desk.app.officer("amr-320102");
        desk.app.get(at, &stranger).send().problem(404);
        desk.app.get(at, &far).send().problem(404);
        desk.app.get(&at.replace(&desk.case.reference, &other.reference), &stranger).send().problem(404);
        desk.app.get(at, &Session::anonymous()).send().problem(401);
    }
}

#[test]
fn sec_fi_07_size_number_and_sum_are_limited() {
    let limits = Start::on(Engine::Sqlite).set("ATTACHMENTS__MAX_BYTES", "1024").set("ATTACHMENTS__MAX_PER_CASE", "50");
    let desk = Desk::on(limits);
    let large = format!("{DOCUMENT}{}", " ".repeat(1024));
    desk.send("a.pdf", large.as_bytes()).problem(413);
    let fitting = format!("{DOCUMENT}{}", " ".repeat(1024 - DOCUMENT.len()));
    // Ten times the largest file, whatever the number.
    let statuses: Vec<u16> = (0..11).map(|_| desk.send("a.pdf", fitting.as_bytes()).status).collect();
    assert_eq!(statuses, [&[201; 10][..], &[409]].concat());
}
