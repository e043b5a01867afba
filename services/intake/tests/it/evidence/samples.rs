//! Small real files, made here: nothing of them is copied from a camera.

/// A JPEG picture of 8 x 8 pixels; `segments` stand before the picture.
pub fn jpeg(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    let mut push = |marker: u8, body: &[u8]| {
        file.extend_from_slice(&[0xFF, marker]);
        file.extend_from_slice(&u16::try_from(body.len() + 2).unwrap().to_be_bytes());
        file.extend_from_slice(body);
    };
    push(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    segments.iter().for_each(|(marker, body)| push(*marker, body));
    push(0xDB, &[vec![0], vec![1; 64]].concat());
    push(0xC0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    push(0xC4, &[vec![0x00, 1], vec![0; 15], vec![0]].concat());
    push(0xC4, &[vec![0x10, 1], vec![0; 15], vec![0]].concat());
    push(0xDA, &[1, 1, 0, 0, 63, 0]);
    file.extend_from_slice(&[0x3F, 0xFF, 0x00, 0xFF, 0xD9]);
    file
}

/// Exif with a place, an owner and how the picture is to be turned.
pub fn exif() -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x03\0".to_vec();
    exif.extend_from_slice(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"); // turned by 90 degrees
    exif.extend_from_slice(b"\x13\x82\x02\0\x0d\0\0\0\x32\0\0\0"); // owner
    exif.extend_from_slice(b"\x25\x88\x04\0\x01\0\0\0\x40\0\0\0"); // place
    exif.extend_from_slice(b"\0\0\0\0Ada Lovelace\0GPS 51.5074N 0.1278W");
    exif
}

/// A PNG picture; `chunks` stand before its data. Its header can say any size.
pub fn png(width: u32, height: u32, chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let mut push = |name: &[u8; 4], body: &[u8]| {
        file.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
        let sealed = [&name[..], body].concat();
        file.extend_from_slice(&sealed);
        file.extend_from_slice(&crc(&sealed).to_be_bytes());
    };
    push(b"IHDR", &header);
    chunks.iter().for_each(|(name, body)| push(name, body));
    // One row of one grey pixel, stored unpacked.
    push(b"IDAT", b"\x78\x01\x01\x02\0\xfd\xff\0\x80\0\x82\0\x81");
    push(b"IEND", b"");
    file
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

/// A WebP picture of 4 x 4 pixels with the chunks behind it.
pub fn webp(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    let mut push = |name: &[u8; 4], chunk: &[u8]| {
        body.extend_from_slice(name);
        body.extend_from_slice(&u32::try_from(chunk.len()).unwrap().to_le_bytes());
        body.extend_from_slice(chunk);
        if chunk.len() % 2 == 1 {
            body.push(0);
        }
    };
    push(b"VP8X", &[0x0C, 0, 0, 0, 3, 0, 0, 3, 0, 0]);
    push(b"VP8L", &[0x2F, 0x03, 0xC0, 0x00, 0x00, 0x07, 0x50, 0xF5, 0xF7]);
    chunks.iter().for_each(|(name, chunk)| push(name, chunk));
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

fn one_box(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], name, body].concat()
}

/// An MP4 video as far as its boxes go.
pub fn mp4() -> Vec<u8> {
    let head = one_box(b"ftyp", b"isom\0\0\x02\0isomiso2mp41");
    [head, one_box(b"moov", &one_box(b"mvhd", &[0; 100])), one_box(b"mdat", &[7; 500])].concat()
}

/// A PDF document of one empty page.
pub fn pdf(more: &str) -> Vec<u8> {
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R{more}>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 3 3]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    .into_bytes()
}

/// An archive with one file in it that says it is four gigabytes long.
pub fn zip_bomb() -> Vec<u8> {
    let mut file = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0".to_vec();
    file.extend_from_slice(&[0, 0, 0, 0, 64, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, b'a']);
    file.extend_from_slice(&[0; 64]);
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x5f\0\0\0\0\0");
    file
}

/// A drawing that runs a script.
pub fn svg() -> Vec<u8> {
    br#"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#.to_vec()
}
