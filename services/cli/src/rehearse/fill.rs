//! Values that a story keeps, by their names in braces.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names in braces, as `{number}` or `{file:orders.csv}`.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(|name| {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_-.:".contains(letter);
        name.starts_with(|letter: char| letter.is_ascii_lowercase()) && name.chars().all(fits)
    })
}

/// A text with the values of the names in it; or the name that has none.
pub fn filled(text: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut filled = text.to_owned();
    for name in names(text) {
        let value =
            values.get(name).ok_or_else(|| format!("nothing for {{{name}}}: the step that keeps it has failed"))?;
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    Ok(filled)
}

/// JSON with the values of the names in its texts.
pub fn filled_json(json: &Value, values: &BTreeMap<String, String>) -> Result<Value, String> {
    Ok(match json {
        Value::String(text) => Value::String(filled(text, values)?),
        Value::Array(all) => Value::Array(all.iter().map(|one| filled_json(one, values)).collect::<Result<_, _>>()?),
        Value::Object(all) => {
            let one = |(key, value): (&String, &Value)| Ok((key.clone(), filled_json(value, values)?));
            Value::Object(all.iter().map(one).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_and_braces_of_others_stay() {
        let values = BTreeMap::from([("number".to_owned(), "RD-1".to_owned())]);
        assert_eq!(filled("see {number}, {Number}, {}", &values).unwrap(), "see RD-1, {Number}, {}");
        assert!(filled("{gone}", &values).unwrap_err().contains("{gone}"));
    }
}
