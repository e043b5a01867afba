use super::*;

const WITHIN: Duration = Duration::from_secs(2);
const AHEAD: u32 = 64;

fn claim(number: u128) -> ClaimId {
    ClaimId(uuid::Uuid::from_u128(number))
}

/// Offers so many reports at once; gives how many are let in.
fn offer(admission: &Admission, from: u128, reports: u128, now: Instant) -> u128 {
    (from..from + reports)
        .filter(|number| {
            let admitted = admission.let_in(now).is_ok();
            if admitted {
                admission.taken(claim(*number), now);
            }
            admitted
        })
        .count() as u128
}

#[test]
fn while_claims_begin_in_time_all_are_let_in() {
    let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
    assert_eq!(offer(&admission, 0, 1_000, begun), 1_000);
    for number in 0..1_000 {
        admission.begun(claim(number), begun + WITHIN);
    }
    assert_eq!(offer(&admission, 1_000, 1_000, begun + WITHIN), 1_000);
}

/// 10,000 were taken, and one has begun in time.
fn rush() -> (Admission, Instant) {
    let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
    offer(&admission, 0, 10_000, begun);
    admission.begun(claim(0), begun + WITHIN / 2);
    (admission, begun)
}

#[test]
fn when_they_begin_late_fewer_are_let_in_than_begin_until_they_are_in_time_again() {
    let (admission, begun) = rush();
    let late = begun + WITHIN.mul_f64(1.2);
    admission.begun(claim(1), late);
    assert_eq!(offer(&admission, 20_000, 500, late), 100, "what quiet times have left");
    for number in 2..=1_001 {
        admission.begun(claim(number), late);
        assert!(offer(&admission, 30_000 + number * 3, 3, late) <= 1, "never more than begin");
    }
    let waiting = admission.state.lock().unwrap().waiting.len();
    assert!((9_990..=10_000).contains(&waiting), "fewer than before the 100: {waiting}");
    admission.begun(claim(20_000), late + WITHIN);
    assert_eq!(offer(&admission, 50_000, 500, late + WITHIN), 500, "in time again");
}

#[test]
fn while_nothing_begins_and_then_for_at_most_three_times_as_long_all_are_let_in() {
    let (admission, begun) = rush();
    let late = begun + WITHIN.mul_f64(1.2);
    admission.begun(claim(1), late);
    offer(&admission, 20_000, 1_000, late);
    assert_eq!(admission.has_room(late + SILENCE / 2), Err(WITHIN.mul_f64(1.2)), "as long as that one waited");
    assert_eq!(admission.has_room(late + SILENCE), Ok(()), "nothing begins");
    let again = late + Duration::from_secs(60);
    admission.begun(claim(2), again);
    for second in 1..180 {
        let now = again + Duration::from_secs(second);
        admission.begun(claim(2 + u128::from(second)), now);
        assert_eq!(offer(&admission, 30_000 + 100 * u128::from(second), 10, now), 10, "it is caught up");
    }
    let over = again + Duration::from_secs(180);
    assert!(offer(&admission, 60_000, 500, over) <= 100);
    assert_eq!(admission.has_room(over), Err(Duration::from_secs(30)), "that one waited for minutes");
}

#[test]
fn a_short_silence_takes_nothing_from_a_long_one_before_it() {
    let (admission, begun) = rush();
    let again = begun + Duration::from_secs(60);
    admission.begun(claim(1), again);
    let stopped = again + SILENCE;
    admission.begun(claim(2), stopped);
    // That one would be over after 6 s.
    for second in 1..=8 {
        admission.begun(claim(2 + u128::from(second)), stopped + Duration::from_secs(second));
    }
    assert_eq!(offer(&admission, 20_000, 500, stopped + Duration::from_secs(8)), 500, "it is caught up still");
}

#[test]
fn when_claims_have_begun_in_time_for_a_while_it_is_over() {
    let (admission, begun) = rush();
    let again = begun + Duration::from_secs(60);
    let after = |seconds: f64| again + Duration::from_secs_f64(seconds);
    // One is taken at that time, and begins a second later.
    let begins_in_time = |number: u128, taken: f64| {
        admission.taken(claim(number), after(taken));
        admission.begun(claim(number), after(taken + 1.0));
    };
    admission.begun(claim(1), again);
    begins_in_time(20_000, 0.0);
    begins_in_time(20_001, 1.9);
    admission.begun(claim(2), after(3.0));
    begins_in_time(20_002, 2.1);
    admission.begun(claim(3), after(3.2));
    assert_eq!(offer(&admission, 30_000, 500, after(3.2)), 500, "some overtook, the others wait still");
    begins_in_time(20_003, 2.5);
    begins_in_time(20_004, 3.5);
    begins_in_time(20_005, 4.5);
    admission.begun(claim(4), after(6.0));
    assert_eq!(offer(&admission, 40_000, 500, after(6.0)), 100, "what quiet times have left");
}

#[test]
fn a_report_that_is_made_again_has_waited_since_it_was_made_first() {
    let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
    admission.taken(claim(1), begun);
    admission.taken(claim(1), begun + WITHIN);
    let late = begun + WITHIN.mul_f64(1.5);
    admission.begun(claim(1), late);
    assert_eq!(admission.state.lock().unwrap().last, Some((WITHIN.mul_f64(1.5), late)));
}

#[test]
fn a_silence_in_which_nothing_waited_is_none() {
    let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
    offer(&admission, 0, 1, begun);
    admission.begun(claim(0), begun);
    let later = begun + Duration::from_secs(3600);
    offer(&admission, 1, 2, later);
    admission.begun(claim(1), later + WITHIN / 2);
    admission.begun(claim(2), later + WITHIN.mul_f64(1.2));
    assert_eq!(offer(&admission, 10, 500, later + WITHIN.mul_f64(1.2)), 100);
}

#[test]
fn no_more_is_told_than_the_process_is_busy_with() {
    let (admission, now) = (Admission::new(WITHIN, AHEAD), Instant::now());
    let open = admission.open();
    offer(&admission, 0, 10_000, now);
    let ahead = u128::from(AHEAD);
    for number in 0..ahead {
        assert!(*open.borrow(), "of {number}");
        admission.told(claim(number));
        admission.told(claim(number));
        admission.told(claim(20_000 + number));
    }
    assert!(!*open.borrow(), "the same twice, and what others have taken, do not count");
    admission.begun(claim(0), now);
    assert!(*open.borrow());
    admission.told(claim(ahead));
    assert!(!*open.borrow());
    // The beginnings of those before were missed.
    admission.begun(claim(ahead / 2), now);
    for number in ahead + 1..ahead + ahead / 2 + 1 {
        assert!(*open.borrow(), "of {number}");
        admission.told(claim(number));
    }
    assert!(!*open.borrow());
    admission.given_up();
    for number in 0..ahead {
        assert!(*open.borrow(), "of {number}");
        admission.told(claim(1_000 + number));
    }
    assert!(!*open.borrow());
    offer(&admission, 30_000, REMEMBERED as u128, now);
    assert!(*open.borrow(), "those that it was told of are forgotten with the others");
}

#[test]
fn what_begins_before_it_is_told_does_not_count() {
    let (admission, now) = (Admission::new(WITHIN, AHEAD), Instant::now());
    offer(&admission, 0, 10_000, now);
    for number in 0..10_000 {
        admission.begun(claim(number), now);
        admission.told(claim(number));
    }
    assert!(*admission.open().borrow());
}

#[test]
fn of_others_nothing_is_counted_and_of_the_own_not_more_than_there_is_room() {
    let (admission, now) = (Admission::new(WITHIN, AHEAD), Instant::now());
    admission.begun(claim(1), now);
    assert_eq!(admission.state.lock().unwrap().last, None);
    offer(&admission, 0, REMEMBERED as u128 + 1, now);
    assert_eq!(admission.state.lock().unwrap().waiting.len(), 1);
}
