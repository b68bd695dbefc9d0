//! Pictures of evidence as they are kept: drawn anew from their pixels, so that neither where they were taken nor whatever
//! else was put into the file stays (OWASP ASVS 5.0, 14.2.8).

use crate::domain::problem::Invalid;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Media types that are drawn anew; no other picture is taken.
pub const PICTURES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// Of 100: what was photographed stays legible, and a photograph doesn't grow.
const JPEG_QUALITY: u8 = 90;

/// Bytes that a decoder may need for a pixel: four channels of 16 bits, held twice.
const BYTES_A_PIXEL: u64 = 16;

/// Whether files of a media type are drawn anew.
pub fn is_picture(media_type: &str) -> bool {
    PICTURES.contains(&media_type)
}

/// Draws a picture anew, upright as its camera held it. Of a moving one the first frame stays. How large it is is read from
/// its head before anything is decoded, so that a small file that says it is huge costs nothing.
///
/// # Errors
/// When it has more pixels than may be, or isn't a whole picture of that type.
pub fn redraw(bytes: &[u8], media_type: &str, most_megapixels: u32) -> Result<Vec<u8>, Invalid> {
    let format = ImageFormat::from_mime_type(media_type).ok_or_else(unreadable)?;
    let most = u64::from(most_megapixels) * 1_000_000;
    let too_large = || {
        let allowed = format!("at most {most_megapixels} million pixels");
        Invalid::new("too_many_pixels", "the picture is too large").allowed(allowed)
    };
    let (width, height) = reader(bytes, format).into_dimensions().map_err(|_| unreadable())?;
    if u64::from(width) * u64::from(height) > most {
        return Err(too_large());
    }
    let mut reader = reader(bytes, format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(most * BYTES_A_PIXEL);
    reader.limits(limits);
    let told = |error: ImageError| if matches!(error, ImageError::Limits(_)) { too_large() } else { unreadable() };
    let mut decoder = reader.into_decoder().map_err(told)?;
    let orientation = decoder.orientation().map_err(told)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(told)?;
    picture.apply_orientation(orientation);
    write(picture, format).map_err(|_| unreadable())
}

fn reader(bytes: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    ImageReader::with_format(Cursor::new(bytes), format)
}

fn write(picture: DynamicImage, format: ImageFormat) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let to = Cursor::new(&mut bytes);
    match (format, picture) {
        (ImageFormat::Jpeg, DynamicImage::ImageLuma8(grey)) => {
            JpegEncoder::new_with_quality(to, JPEG_QUALITY).encode_image(&grey)?;
        }
        (ImageFormat::Jpeg, picture) => {
            JpegEncoder::new_with_quality(to, JPEG_QUALITY).encode_image(&picture.into_rgb8())?;
        }
        (ImageFormat::WebP, picture) if picture.color().has_alpha() => {
            DynamicImage::ImageRgba8(picture.into_rgba8()).write_to(to, format)?;
        }
        (ImageFormat::WebP, picture) => DynamicImage::ImageRgb8(picture.into_rgb8()).write_to(to, format)?,
        (format, picture) => picture.write_to(to, format)?,
    }
    Ok(bytes)
}

fn unreadable() -> Invalid {
    Invalid::new("unreadable_picture", "the picture is damaged, or isn't of the type that it says")
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GenericImageView as _, Rgb, RgbImage};

    fn sample(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(40, 20, |x, _| if x < 20 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) });
        write(DynamicImage::ImageRgb8(picture), format).unwrap()
    }

    /// A JPEG whose EXIF data says that it lies on its side (orientation 6) and holds a text.
    fn turned_with_a_secret(secret: &[u8]) -> Vec<u8> {
        let plain = sample(ImageFormat::Jpeg);
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(secret);
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat()
    }

    #[test]
    fn sec_fi_05_what_a_camera_wrote_is_gone_and_the_picture_stands_upright() {
        let secret = b"GPS 31.95 118.84";
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        let sent = turned_with_a_secret(secret);
        assert!(holds(&sent));
        let kept = redraw(&sent, "image/jpeg", 40).unwrap();
        assert!(!holds(&kept), "the place is still in it");
        let picture = image::load_from_memory(&kept).unwrap();
        assert_eq!(picture.dimensions(), (20, 40), "it was turned");
        assert!(picture.get_pixel(10, 5).0[0] > 200 && picture.get_pixel(10, 35).0[2] > 200);
    }

    #[test]
    fn sec_fi_02_what_hangs_behind_a_picture_is_gone() {
        for (format, media_type) in
            [(ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Png, "image/png"), (ImageFormat::WebP, "image/webp")]
        {
            let tail = b"<script>alert(1)</script>";
            let sent = [sample(format).as_slice(), tail].concat();
            let kept = redraw(&sent, media_type, 40).unwrap();
            assert!(!kept.windows(tail.len()).any(|part| part == tail), "{media_type}");
            assert_eq!(infer::get(&kept).map(|kind| kind.mime_type()), Some(media_type));
            assert_eq!(image::load_from_memory(&kept).unwrap().dimensions(), (40, 20), "{media_type}");
        }
    }

    #[test]
    fn sec_fi_04_a_picture_that_says_it_is_huge_is_refused_by_its_head() {
        let mut png = sample(ImageFormat::Png);
        // Width and height of the first chunk; its checksum isn't ours to keep: the head alone is read.
        png[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
        let head = crc(&png[12..29]);
        png[29..33].copy_from_slice(&head.to_be_bytes());
        assert_eq!(redraw(&png, "image/png", 40).unwrap_err().code, "too_many_pixels");
        assert_eq!(redraw(&sample(ImageFormat::Jpeg), "image/jpeg", 0).unwrap_err().code, "too_many_pixels");
    }

    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
            }
        }
        !crc
    }

    #[test]
    fn what_is_no_whole_picture_is_refused_and_nothing_panics() {
        for (format, media_type) in
            [(ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Png, "image/png"), (ImageFormat::WebP, "image/webp")]
        {
            let whole = sample(format);
            for cut in (0..whole.len()).step_by(7) {
                // A decoder may make something of a part; it must come back either way.
                let _ = redraw(&whole[..cut], media_type, 40);
                let mut broken = whole.clone();
                broken[cut] ^= 0x55;
                let _ = redraw(&broken, media_type, 40);
            }
            assert_eq!(redraw(&whole[..12], media_type, 40).unwrap_err().code, "unreadable_picture");
        }
        assert_eq!(redraw(b"", "text/plain", 40).unwrap_err().code, "unreadable_picture");
    }
}
