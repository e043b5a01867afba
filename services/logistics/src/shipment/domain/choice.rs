//! Which carrier takes a parcel: by place, urgency and cost (S4-40, S4-41).

use proto::policy::logistics::Carrier;

/// The carriers of the policy pack.
#[derive(Clone, Debug)]
pub struct Carriers {
    /// Every carrier.
    pub list: Vec<Carrier>,
    /// Currency of their rates.
    pub currency: String,
}

/// What is to be carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Stock-keeping unit.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// Country of the customer.
    pub country: String,
    /// The fastest way instead of the cheapest.
    pub urgent: bool,
}

impl Carriers {
    /// The carrier for a parcel, and its cost in minor units; `None` if nobody serves the place.
    pub fn choose(&self, parcel: &Parcel) -> Option<(&Carrier, i64)> {
        let serves = |carrier: &&Carrier| {
            let there = carrier.countries.iter().any(|country| country == "*" || *country == parcel.country);
            there && parcel.quantity <= carrier.units_max
        };
        let priced = self.list.iter().filter(serves).map(|carrier| (carrier, cost(carrier, parcel.quantity)));
        priced.min_by_key(|(carrier, cost)| {
            let days = i64::from(carrier.days);
            let rank = if parcel.urgent { (days, *cost) } else { (*cost, days) };
            (rank, carrier.name.clone())
        })
    }
}

fn cost(carrier: &Carrier, quantity: u32) -> i64 {
    carrier.base_minor + carrier.per_unit_minor * i64::from(quantity)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proto::policy::Pack;

    use super::*;

    fn shipped() -> Carriers {
        let pack = Pack::load(None).unwrap();
        Carriers { list: pack.logistics.carriers, currency: pack.currency }
    }

    fn parcel(quantity: u32, country: &str, urgent: bool) -> Parcel {
        Parcel { sku: "A".to_owned(), quantity, country: country.to_owned(), urgent }
    }

    #[test]
    fn urgent_goes_fast_and_bulk_goes_cheap() {
        let carriers = shipped();
        assert_eq!(carriers.choose(&parcel(2, "GB", true)).unwrap().0.name, "swift-express");
        assert_eq!(carriers.choose(&parcel(2, "GB", false)).unwrap().0.name, "milan-freight");
        assert_eq!(carriers.choose(&parcel(15_000, "GB", false)).unwrap().0.name, "own-van");
        assert_eq!(carriers.choose(&parcel(1_000_000, "FR", false)), None);
    }

    proptest! {
        #[test]
        fn nobody_is_faster_when_urgent_or_cheaper_when_not(quantity in 1..30_000_u32, urgent: bool, home: bool) {
            let carriers = shipped();
            let parcel = parcel(quantity, if home { "GB" } else { "DE" }, urgent);
            if let Some((chosen, price)) = carriers.choose(&parcel) {
                prop_assert!(quantity <= chosen.units_max);
                for other in &carriers.list {
                    let able = quantity <= other.units_max && (home || other.countries == ["*"]);
                    prop_assert!(!able || !urgent || other.days >= chosen.days);
                    prop_assert!(!able || urgent || cost(other, quantity) >= price);
                }
            }
        }
    }
}
