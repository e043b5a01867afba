//! Files that are wrong in ways nobody has thought of: the look at them always ends, and what it lets through is clean.

use intake::evidence::sniff::{Type, examine};
use proptest::prelude::*;
use proto::intake::EvidenceMetadata;

use super::samples::{exif, jpeg, mp4, pdf, png, webp};

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let said = b"Author\0Ada".to_vec();
    vec![
        ("image/jpeg", jpeg(&[(0xE1, exif()), (0xE2, b"ICC_PROFILE\0\x01\x01abc".to_vec()), (0xFE, said.clone())])),
        ("image/png", png(3, 3, &[(b"tEXt", said.clone()), (b"iCCP", b"x\0\0abc".to_vec())])),
        ("image/webp", webp(&[(b"EXIF", said), (b"ICCP", b"abc".to_vec())])),
        ("video/mp4", mp4()),
        ("application/pdf", pdf("")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn s35_every_look_ends_and_a_clean_picture_stays_as_it_is(
        which in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        whole in prop::bool::weighted(0.7),
        behind in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (content_type, mut bytes) = samples().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if whole { bytes.extend(behind) } else { bytes.truncate(cut.index(bytes.len())) }
        let of = Type::named(content_type).unwrap();
        if let Ok(clean) = examine(of, &bytes, 1_000_000) {
            if clean.metadata == EvidenceMetadata::MayRemain {
                prop_assert_eq!(&*clean.bytes, &bytes);
            } else {
                let again = examine(of, &clean.bytes, 1_000_000).unwrap();
                prop_assert_eq!(again.metadata, EvidenceMetadata::None);
                prop_assert_eq!(&again.bytes, &clean.bytes);
                prop_assert!(clean.bytes.len() <= bytes.len() + 16);
            }
        }
    }
}
