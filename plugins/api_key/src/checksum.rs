//! CRC-32, the one of zip and PNG (ISO 3309): says whether a text was a key, not whether it is a good one.

/// The polynomial, bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// The checksum of a text. A bit at a time: a key has a few dozen bytes.
pub(crate) fn crc32(text: &[u8]) -> u32 {
    !text.iter().fold(!0, |register, &byte| {
        (0..8).fold(register ^ u32::from(byte), |register, _| {
            if register & 1 == 1 {
                register >> 1 ^ POLYNOMIAL
            } else {
                register >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that every catalogue of checksums gives for CRC-32.
    #[test]
    fn the_checksum_is_that_of_zip_and_png() {
        for (text, checksum) in [("", 0), ("a", 0xe8b7_be43), ("123456789", 0xcbf4_3926)] {
            assert_eq!(crc32(text.as_bytes()), checksum, "{text}");
        }
    }
}
