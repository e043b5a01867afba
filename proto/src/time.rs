//! Points in time between the wire and the code.

use jiff::Timestamp;

use crate::WireTime;

/// The wire form of a point in time.
pub fn to_wire(at: Timestamp) -> WireTime {
    WireTime { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

/// The point in time that the wire form names; `None` if it is out of range.
pub fn from_wire(at: &WireTime) -> Option<Timestamp> {
    Timestamp::new(at.seconds, at.nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_survives_the_wire() {
        let at: Timestamp = "2026-11-22T10:11:12.123456Z".parse().unwrap();
        assert_eq!(from_wire(&to_wire(at)), Some(at));
        assert_eq!(from_wire(&WireTime { seconds: i64::MAX, nanos: 0 }), None);
    }
}
