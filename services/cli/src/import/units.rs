//! Units as files write them: whole ones.

use crate::money;

/// Reads a whole number of units; `5.0` is 5. Says why if it is none.
pub fn whole(text: &str) -> Result<i64, String> {
    let number = money::decimal(text).map_err(|_| {
        let why = if text.contains(',') { ": no comma stands between digits here" } else { "" };
        format!("quantity {text:?} is not a number{why}")
    })?;
    if !number.fract().is_zero() {
        return Err(format!(
            "quantity {text:?} is no whole number: only whole units are taken. Count in a smaller unit, as 250 centimetres for \
             2.50 metres, and give price and stock for that unit, too"
        ));
    }
    i64::try_from(number).map_err(|_| format!("quantity {text:?} is too much"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_fractions_of_a_unit() {
        assert_eq!((whole("5.0"), whole("5"), whole("-3.00")), (Ok(5), Ok(5), Ok(-3)));
        let half = whole("2.5").unwrap_err();
        assert!(half.contains("only whole units") && half.contains("smaller unit"), "{half}");
        assert!(whole("1,000").unwrap_err().contains("no comma"));
        for odd in ["", "six", "1e3", "1_000", "99999999999999999999"] {
            assert!(whole(odd).is_err(), "{odd}");
        }
    }
}
