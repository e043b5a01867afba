//! Until when goods may be claimed: terms in days, months or years, by kind, category and article, and those that were in
//! force before.

use std::collections::BTreeMap;

use jiff::Span;
use jiff::civil::Date;
use serde::Deserialize;

use super::{Kind, Triage, Word};
use crate::claim::Category;
use crate::policy::escalation::Calendar;

/// Business calendars by name.
pub type Calendars = BTreeMap<String, Calendar>;

/// Windows by kind of claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Refund of faulty goods; outside and out of warranty a person decides (S1-28).
    pub quality: Term,
    /// Return of good goods; outside it is refused (S1-29).
    pub change_of_mind: Term,
    /// Damage, loss and mistakes on the way; outside a person decides.
    pub fulfilment: Term,
}

/// Terms of one article, where they are not those of its category.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArticleTerms {
    /// In place of `windows.quality`.
    pub quality: Option<Term>,
    /// In place of `windows.change_of_mind`.
    pub change_of_mind: Option<Term>,
    /// In place of `windows.fulfilment`.
    pub fulfilment: Option<Term>,
    /// In place of `warranty`.
    pub warranty: Option<Term>,
}

/// Terms of one category, where they are not those of its kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryTerms {
    /// In place of the window of the kind.
    pub window: Option<Term>,
    /// In place of `warranty`.
    pub warranty: Option<Term>,
}

/// All terms of goods that were bought in some time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierTerms {
    /// Last day of purchase for which they are in force.
    pub last_day: Date,
    /// Windows by kind of claim.
    pub windows: Windows,
    /// How long faults are made good by replacement.
    pub warranty: Term,
    /// Terms by category.
    #[serde(default)]
    pub categories: BTreeMap<Word<Category>, CategoryTerms>,
    /// Terms by article.
    #[serde(default)]
    pub articles: BTreeMap<String, ArticleTerms>,
}

/// A length of time from an event; the last day counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// When it starts.
    pub from: Start,
    /// Days; exactly one of days, months and years is given.
    pub days: Option<u32>,
    /// Months by the calendar: the same day of a later month, or its last where it is shorter.
    pub months: Option<u32>,
    /// Years by the calendar; the 29th of February is followed by the 28th.
    pub years: Option<u32>,
    /// Where a term may end.
    #[serde(default)]
    pub ends_on: EndsOn,
    /// Calendar whose working days count, for `ends_on = "working_day"`.
    pub calendar: Option<String>,
    /// How much longer it is once the goods were repaired within it; it is lengthened once.
    pub after_repair: Option<Length>,
}

/// A length of time by the calendar: exactly one of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// Days.
    pub days: Option<u32>,
    /// Months.
    pub months: Option<u32>,
    /// Years.
    pub years: Option<u32>,
}

/// When a term starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Day of purchase.
    Purchase,
    /// Day of delivery.
    Delivery,
}

/// Where a term may end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndsOn {
    /// On any day.
    #[default]
    AnyDay,
    /// On a working day: a term that would end on a day off ends on the next working day.
    WorkingDay,
}

/// The terms of some goods for some category of claim.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// Until when they may be claimed; none: for ever.
    pub window: Option<&'t Term>,
    /// Until when faults are made good by replacement, after the window; none: not at all.
    pub warranty: Option<&'t Term>,
}

impl Length {
    /// The same day, later.
    fn after(self, day: Date) -> Date {
        let number = |number: Option<u32>| i64::from(number.unwrap_or(0));
        // The check keeps each far below the limits of a span.
        let span = Span::new().days(number(self.days)).months(number(self.months)).years(number(self.years));
        day.saturating_add(span)
    }
}

impl Term {
    /// Its length.
    pub fn length(&self) -> Length {
        Length { days: self.days, months: self.months, years: self.years }
    }

    /// The last day of a term that started on a day, for goods that were repaired on another.
    pub fn last_day(&self, start: Date, repaired_on: Option<Date>, calendars: &Calendars) -> Date {
        let mut last = self.length().after(start);
        if let (Some(repaired_on), Some(longer)) = (repaired_on, self.after_repair)
            && repaired_on <= self.open(last, calendars)
        {
            last = longer.after(last);
        }
        self.open(last, calendars)
    }

    /// The first day from `last` on on which the term may end.
    fn open(&self, last: Date, calendars: &Calendars) -> Date {
        match self.ends_on {
            EndsOn::AnyDay => last,
            EndsOn::WorkingDay => {
                let calendar = self.calendar.as_ref().and_then(|name| calendars.get(name));
                calendar.map_or(last, |calendar| calendar.working_day(last))
            }
        }
    }
}

impl Triage {
    /// The terms that count for goods bought on a day: those of the article, else of the category, else of the kind, as
    /// they were in force on that day.
    pub fn terms(&self, category: Category, sku: &str, purchased_on: Date) -> Terms<'_> {
        let rule = &self.categories[&Word(category)];
        let earlier = self.earlier_terms.iter().find(|earlier| purchased_on <= earlier.last_day);
        let (windows, warranty, article) = match earlier {
            Some(earlier) => (&earlier.windows, &earlier.warranty, earlier.articles.get(sku)),
            None => (&self.windows, &self.warranty, self.articles.get(sku)),
        };
        let (own_window, own_warranty) = match earlier {
            Some(earlier) => {
                let own = earlier.categories.get(&Word(category));
                (own.and_then(|own| own.window.as_ref()), own.and_then(|own| own.warranty.as_ref()))
            }
            None => (rule.window.as_ref(), rule.warranty.as_ref()),
        };
        let (of_article, of_kind) = match rule.kind {
            Kind::Quality => (article.and_then(|article| article.quality.as_ref()), &windows.quality),
            Kind::ChangeOfMind => {
                (article.and_then(|article| article.change_of_mind.as_ref()), &windows.change_of_mind)
            }
            Kind::Fulfilment => (article.and_then(|article| article.fulfilment.as_ref()), &windows.fulfilment),
            Kind::Advice | Kind::Judgement => return Terms { window: None, warranty: None },
        };
        let of_article_warranty = article.and_then(|article| article.warranty.as_ref());
        let warranty = of_article_warranty.or(own_warranty).unwrap_or(warranty);
        Terms {
            window: Some(of_article.or(own_window).unwrap_or(of_kind)),
            warranty: (rule.kind == Kind::Quality).then_some(warranty),
        }
    }
}
