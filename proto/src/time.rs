//! Points in time between the wire and the code.

use jiff::Timestamp;

use crate::WireTime;

/// The wire form of a point in time.
pub fn to_wire(at: Timestamp) -> WireTime {
    WireTime { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

/// First second that is out of range: that of the year 2201.
const END: i64 = 7_289_654_400;

/// The point in time that the wire form names; `None` if it is not one between 1970 and 2200: what every database and
/// every format that it goes through can keep.
pub fn from_wire(at: &WireTime) -> Option<Timestamp> {
    let fits = (0..END).contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos);
    fits.then(|| Timestamp::new(at.seconds, at.nanos).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_survives_the_wire() {
        let at: Timestamp = "2026-11-22T10:11:12.123456Z".parse().unwrap();
        assert_eq!(from_wire(&to_wire(at)), Some(at));
        let last: Timestamp = "2200-12-31T23:59:59.999999999Z".parse().unwrap();
        assert_eq!(from_wire(&to_wire(last)), Some(last));
        for (seconds, nanos) in [(i64::MAX, 0), (END, 0), (-1, 0), (0, -1), (0, 1_000_000_000)] {
            assert_eq!(from_wire(&WireTime { seconds, nanos }), None);
        }
    }
}
