//! Visits that a batch looks at and changes. Nothing of them is remembered: they are few, and read under locks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::domain::{Appointment, Event, Job, Refusal, Technician, Trip, Visit, evolve};

/// Visits that a batch looks at and changes.
#[derive(Debug, Default)]
pub struct World {
    /// Visits of the jobs and ids of the batch.
    pub visits: BTreeMap<Uuid, Visit>,
    /// Which visit is that of a job.
    pub of_jobs: BTreeMap<Job, Uuid>,
    /// Visits as they were read: version, and what was agreed.
    pub before: BTreeMap<Uuid, (i64, Option<Appointment>)>,
    /// Visits that have changed.
    pub changed: BTreeSet<Uuid>,
    /// Trips that have ended.
    pub trips: Vec<(Uuid, Trip)>,
    /// Technicians.
    pub technicians: BTreeMap<String, Technician>,
    /// Their versions as they were read.
    pub versions: BTreeMap<String, i64>,
    /// Technicians that have changed.
    pub recorded: BTreeSet<String>,
    /// Where technicians are: who, when, and for which visit.
    pub busy: BTreeMap<(String, Timestamp), Uuid>,
}

impl World {
    /// A visit as it was read.
    pub fn know(&mut self, visit: Visit) {
        self.of_jobs.insert(visit.job, visit.id);
        self.before.insert(visit.id, (visit.version, visit.appointment.clone()));
        self.visits.insert(visit.id, visit);
    }

    /// A technician as recorded.
    pub fn know_technician(&mut self, technician: Technician) {
        self.versions.insert(technician.id.clone(), technician.version);
        self.technicians.insert(technician.id.clone(), technician);
    }

    /// The visit of an id.
    pub fn visit(&self, id: Uuid) -> Result<&Visit, Refusal> {
        self.visits.get(&id).ok_or_else(|| Refusal::NotFound { visit: id.to_string() })
    }

    /// The visit of a job.
    pub fn of_job(&self, job: Job) -> Option<&Visit> {
        self.of_jobs.get(&job).and_then(|id| self.visits.get(id))
    }

    /// Whether the technician is with another customer in that time.
    pub fn is_busy(&self, visit: Uuid, appointment: &Appointment) -> bool {
        let at = |slot| self.busy.get(&(appointment.technician.clone(), slot));
        appointment.slots().any(|slot| at(slot).is_some_and(|other| *other != visit))
    }

    /// Lets a visit go on.
    pub fn apply(&mut self, id: Uuid, job: Job, events: &[Event]) {
        for event in events {
            let visit = evolve(id, job, self.visits.remove(&id), event);
            self.busy.retain(|_, other| *other != id);
            if let Some(appointment) = &visit.appointment {
                let who = &appointment.technician;
                self.busy.extend(appointment.slots().map(|slot| ((who.clone(), slot), id)));
            }
            if let Event::Ended(trip) = event {
                self.trips.push((id, trip.clone()));
            }
            self.of_jobs.insert(job, id);
            self.visits.insert(id, visit);
            self.changed.insert(id);
        }
    }

    /// Records a technician in place of what was known.
    pub fn record(&mut self, technician: &Technician) -> &Technician {
        let before = self.technicians.get(&technician.id).map_or(0, |known| known.version);
        let id = technician.id.clone();
        self.recorded.insert(id.clone());
        let after = Technician { version: before + 1, ..technician.clone() };
        self.technicians.entry(id).insert_entry(after).into_mut()
    }
}
