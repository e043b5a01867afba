//! Days as files write them. `04/03/2026` is a day in March or in April: which one is said, or shown by the file, and never
//! guessed against it.

use jiff::civil::Date;

/// What comes first in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

/// Every order, for those that would read a file.
const ORDERS: [(Order, &str); 3] = [(Order::Dmy, "dmy"), (Order::Mdy, "mdy"), (Order::Ymd, "ymd")];

/// Why a text was not taken as a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoDay {
    /// It is none.
    Wrong(String),
    /// It is one in another order than day, month, year, so the whole file may be in that order.
    Doubt,
}

/// Reads YYYY-MM-DD, or three numbers in an order; a time of day behind it is not looked at. Without an order it is day,
/// month and a year of four digits.
pub fn day(text: &str, order: Option<Order>) -> Result<Date, NoDay> {
    let first = text.split([' ', 'T']).next().unwrap_or_default();
    if let Ok(day) = first.parse::<Date>() {
        return Ok(day);
    }
    if let Some(order) = order {
        return in_order(first, order).ok_or_else(|| {
            let (_, name) = ORDERS.iter().find(|(known, _)| *known == order).unwrap_or(&ORDERS[0]);
            NoDay::Wrong(format!("{text:?} is not a day as {name} or YYYY-MM-DD"))
        });
    }
    let is_long = parts(first).is_some_and(|[_, _, year]| year.len() == 4);
    match in_order(first, Order::Dmy).filter(|_| is_long) {
        Some(day) => Ok(day),
        None if ORDERS.iter().any(|(order, _)| in_order(first, *order).is_some()) => Err(NoDay::Doubt),
        None => Err(NoDay::Wrong(format!("{text:?} is not a day as d/m/yyyy or YYYY-MM-DD"))),
    }
}

/// The orders in which all of some days can be read, as they are said by `--dates`.
pub fn that_fit(texts: &[&str]) -> Vec<&'static str> {
    let fits = |order: Order| texts.iter().all(|text| day(text, Some(order)).is_ok());
    ORDERS.iter().filter(|(order, _)| fits(*order)).map(|(_, name)| *name).collect()
}

/// Whether a day is another one when month and day change places.
pub fn is_ambiguous(text: &str) -> bool {
    let first = text.split([' ', 'T']).next().unwrap_or_default();
    let other = in_order(first, Order::Mdy);
    other.is_some() && other != in_order(first, Order::Dmy)
}

/// Whether a day says by itself that the day of the month comes first.
pub fn is_day_first(text: &str) -> bool {
    let first = text.split([' ', 'T']).next().unwrap_or_default();
    in_order(first, Order::Dmy).is_some() && in_order(first, Order::Mdy).is_none()
}

fn parts(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split(['/', '.', '-']);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    let is_number = |part: &&str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.next().is_none() && three.iter().all(is_number)).then_some(three)
}

fn in_order(text: &str, order: Order) -> Option<Date> {
    let [a, b, c] = parts(text)?;
    let (day, month, year) = match order {
        Order::Dmy => (a, b, c),
        Order::Mdy => (b, a, c),
        Order::Ymd => (c, b, a),
    };
    let number: i16 = year.parse().ok()?;
    let year = match year.len() {
        4 => number,
        // As spreadsheets do: 1970 to 2069.
        2 if number < 70 => 2000 + number,
        2 => 1900 + number,
        _ => return None,
    };
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_read_day_first_or_as_it_is_said() {
        let december = date(2010, 12, 5);
        assert_eq!(day("5/12/2010", None), Ok(december));
        assert_eq!(day("5.12.2010 8:26", None), Ok(december));
        assert_eq!(day("2010-12-05T08:00", None), Ok(december));
        assert_eq!(day("12/5/10 8:26", Some(Order::Mdy)), Ok(december));
        assert_eq!(day("5/12/10", Some(Order::Dmy)), Ok(december));
        assert_eq!(day("10/12/5", Some(Order::Ymd)), Ok(december));
        assert_eq!(day("2010-12-05", Some(Order::Mdy)), Ok(december));
        for odd in ["", "31/2/2010", "32/13/2010", "1/2", "soon", "2010-13-01", "1/2/3/4", "1/2/20100", "+1/2/2010"] {
            assert!(matches!(day(odd, None), Err(NoDay::Wrong(_))), "{odd}");
            assert!(day(odd, Some(Order::Mdy)).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_day_in_another_order_is_a_doubt_about_the_file() {
        for doubtful in ["12/31/2010", "5/12/10", "2010/12/31"] {
            assert_eq!(day(doubtful, None), Err(NoDay::Doubt), "{doubtful}");
        }
        assert_eq!(that_fit(&["11/25/2026", "04/03/2026"]), ["mdy"]);
        assert_eq!(that_fit(&["04/03/2026"]), ["dmy", "mdy"]);
        assert!(is_ambiguous("04/03/2026") && !is_ambiguous("03/03/2026") && !is_ambiguous("13/03/2026"));
        assert!(is_day_first("13/03/2026") && !is_day_first("04/03/2026") && !is_day_first("2026-03-13"));
    }
}
