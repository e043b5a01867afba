//! As much of the protocol of NATS as the proxy must understand.

/// Cuts what NATS says into whole frames.
#[derive(Default)]
pub(super) struct Frames {
    rest: Vec<u8>,
}

impl Frames {
    /// Whole frames; an unfinished one waits for its end.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(length) = frame_length(&self.rest) {
            let rest = self.rest.split_off(length);
            frames.push(std::mem::replace(&mut self.rest, rest));
        }
        frames
    }
}

/// Length of the first frame, if it is whole.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let mut words = bytes[..line].split(|byte| *byte == b' ');
    let payload = match words.next() {
        Some(b"MSG" | b"HMSG" | b"PUB" | b"HPUB") => {
            let last = std::str::from_utf8(words.next_back()?).ok()?;
            last.trim().parse::<usize>().ok()? + 2
        }
        _ => 0,
    };
    let length = line + 2 + payload;
    (bytes.len() >= length).then_some(length)
}

/// Whether the frame is a message of a stream for a consumer: its reply subject says so.
pub(super) fn is_delivery(frame: &[u8]) -> bool {
    head(frame)
        .is_some_and(|head| (head.starts_with("MSG ") || head.starts_with("HMSG ")) && head.contains(" $JS.ACK."))
}

/// Whether the frame is an acknowledgement of a consumer.
pub(super) fn is_ack(frame: &[u8]) -> bool {
    head(frame).is_some_and(|head| head.starts_with("PUB $JS.ACK."))
}

fn head(frame: &[u8]) -> Option<&str> {
    let line = frame.windows(2).position(|pair| pair == b"\r\n")?;
    std::str::from_utf8(&frame[..line]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_whatever_the_reads() {
        let text = b"PING\r\nHMSG a 1 $JS.ACK.S.c.1.1.1.1.0 5 7\r\nabc\r\nde\r\nMSG b 2 3\r\n\r\nx\r\n+OK\r\n";
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for byte in text {
            found.extend(frames.take(&[*byte]));
        }
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found.concat(), text);
        assert!(is_delivery(&found[1]) && !is_delivery(&found[2]));
        assert!(is_ack(b"PUB $JS.ACK.S.c.1.1.1.1.0 4\r\n+ACK\r\n"));
    }
}
